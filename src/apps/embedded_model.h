// The model that the program carries in itself, so that a copied binary works alone.
#ifndef MAOOCR_APPS_EMBEDDED_MODEL_H_
#define MAOOCR_APPS_EMBEDDED_MODEL_H_

#include <vector>

#include "weights/checkpoint.h"

namespace mao {

inline constexpr std::string_view kEmbeddedModelName = "maoocr-tiny";

// The files of models/maoocr-tiny.
std::vector<Checkpoint::NamedBytes> EmbeddedModelFiles();

}  // namespace mao

#endif  // MAOOCR_APPS_EMBEDDED_MODEL_H_
