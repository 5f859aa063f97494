#include "apps/embedded_model.h"

// The table that tools/embed_files.cmake generates; a null name ends it.
struct MaoEmbeddedFile {
  const char* name;
  const std::byte* data;
  size_t size_bytes;
};
extern "C" const MaoEmbeddedFile mao_embedded_model[];

namespace mao {

std::vector<Checkpoint::NamedBytes> EmbeddedModelFiles() {
  std::vector<Checkpoint::NamedBytes> files;
  for (const MaoEmbeddedFile* file = mao_embedded_model; file->name != nullptr; ++file) {
    files.push_back({file->name, {file->data, file->size_bytes}});
  }
  return files;
}

}  // namespace mao
