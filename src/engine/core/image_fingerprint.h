// The identity of an image in the caches.
#ifndef MAOOCR_ENGINE_CORE_IMAGE_FINGERPRINT_H_
#define MAOOCR_ENGINE_CORE_IMAGE_FINGERPRINT_H_

#include <string_view>

#include "base/status.h"
#include "engine/cache/request_content.h"
#include "models/model.h"

namespace mao {

// SHA-256 over the salt, the pixels of all views and how they are laid out. One engine serves one
// model, so the model is not part of it. kUnavailable when libcrypto offers no SHA-256.
Result<ImageFingerprint> FingerprintOf(const PreparedImage& image, std::string_view cache_salt);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CORE_IMAGE_FINGERPRINT_H_
