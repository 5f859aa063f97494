#include "apps/embedded_model.h"

#include "base/embedded_file.h"

extern "C" const mao::EmbeddedFile mao_embedded_model[];

namespace mao {

std::vector<Checkpoint::NamedBytes> EmbeddedModelFiles() {
  std::vector<Checkpoint::NamedBytes> files;
  for (const EmbeddedFile* file = mao_embedded_model; file->name != nullptr; ++file) {
    files.push_back({file->name, {file->data, file->size_bytes}});
  }
  return files;
}

}  // namespace mao
