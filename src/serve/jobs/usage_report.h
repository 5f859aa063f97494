// What was used, as every interface tells it.
#ifndef MAOOCR_SERVE_JOBS_USAGE_REPORT_H_
#define MAOOCR_SERVE_JOBS_USAGE_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/store/usage_store.h"

namespace mao {

inline constexpr int64_t kDefaultUsageDays = 30;

// {group, from, to, data: [{begin, or the group's name, and counts}]}, as GET /api/stats answers.
// `group` is key, model, kind, day or hour; `key_id` empty: all keys. InvalidArgument names what is
// wrong.
Result<nlohmann::ordered_json> UsageReport(UsageStore& usage, const std::string& key_id,
                                           std::string_view group, int64_t days);

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_USAGE_REPORT_H_
