// Files that are part of the program, see tools/embed_files.cmake.
#ifndef MAOOCR_BASE_EMBEDDED_FILE_H_
#define MAOOCR_BASE_EMBEDDED_FILE_H_

#include <cstddef>

namespace mao {

// A row of a table that mao_embed_files generates; a null name ends it. Declare the table with
//   extern "C" const mao::EmbeddedFile <symbol>[];
struct EmbeddedFile {
  const char* name;
  const std::byte* data;
  size_t size_bytes;
};

}  // namespace mao

#endif  // MAOOCR_BASE_EMBEDDED_FILE_H_
