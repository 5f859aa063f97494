#include "engine/core/image_fingerprint.h"

#include <array>
#include <memory>

#include <openssl/evp.h>

namespace mao {

Result<ImageFingerprint> FingerprintOf(const PreparedImage& image, std::string_view cache_salt) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  const auto add_view = [&](const Image& view) {
    const std::array<int32_t, 2> size = {view.width, view.height};
    ok = ok && EVP_DigestUpdate(context.get(), size.data(), sizeof(size)) == 1 &&
         EVP_DigestUpdate(context.get(), view.rgb.data(), view.rgb.size()) == 1;
  };
  const uint64_t salt_bytes = cache_salt.size();
  ok = ok && EVP_DigestUpdate(context.get(), &salt_bytes, sizeof(salt_bytes)) == 1 &&
       EVP_DigestUpdate(context.get(), cache_salt.data(), cache_salt.size()) == 1;
  const std::array<int32_t, 2> grid = {image.tile_columns, image.tile_rows};
  ok = ok && EVP_DigestUpdate(context.get(), grid.data(), sizeof(grid)) == 1;
  for (const Image& tile : image.tiles) add_view(tile);
  add_view(image.global);
  ImageFingerprint fingerprint;
  unsigned int size = 0;
  ok = ok && EVP_DigestFinal_ex(context.get(), fingerprint.bytes.data(), &size) == 1 &&
       size == fingerprint.bytes.size();
  if (!ok) return UnavailableError("libcrypto cannot compute SHA-256");
  return fingerprint;
}

}  // namespace mao
