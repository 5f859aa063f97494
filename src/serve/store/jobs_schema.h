// The schema of jobs.db: jobs, files and batches, in one database since batches tie them together.
#ifndef MAOOCR_SERVE_STORE_JOBS_SCHEMA_H_
#define MAOOCR_SERVE_STORE_JOBS_SCHEMA_H_

#include <span>
#include <string_view>

namespace mao {

// For Database::Options::migrations.
std::span<const std::string_view> JobsMigrations();

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_JOBS_SCHEMA_H_
