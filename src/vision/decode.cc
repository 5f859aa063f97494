#include "vision/decode.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/file.h"
#include "vision/codec.h"
#include "vision/orientation.h"

namespace mao {
namespace {

struct Format {
  std::string_view name;
  bool (*matches)(std::string_view bytes);
  Result<DecodedImage> (*decode)(const DecodeJob& job);
};

using std::string_view_literals::operator""sv;

constexpr Format kFormats[] = {
    {"JPEG", [](std::string_view b) { return b.starts_with("\xFF\xD8\xFF"sv); }, DecodeJpeg},
    {"PNG", [](std::string_view b) { return b.starts_with("\x89PNG\r\n\x1A\n"sv); }, DecodePng},
    {"WebP",
     [](std::string_view b) {
       return b.starts_with("RIFF"sv) && b.substr(0, 12).ends_with("WEBP"sv);
     },
     DecodeWebp},
    {"TIFF",
     [](std::string_view b) {
       return b.starts_with("II*\0"sv) || b.starts_with("MM\0*"sv) || b.starts_with("II+\0"sv) ||
              b.starts_with("MM\0+"sv);
     },
     DecodeTiff},
    {"GIF",
     [](std::string_view b) { return b.starts_with("GIF87a"sv) || b.starts_with("GIF89a"sv); },
     DecodeGif},
    {"BMP", [](std::string_view b) { return b.starts_with("BM"sv); }, DecodeBmp},
};

}  // namespace

Status DecodeJob::CheckSides(uint64_t width, uint64_t height) const {
  if (width == 0 || height == 0) return DataLoss(fmt::format("{} x {} pixels", width, height));
  const auto max_side = static_cast<uint64_t>(limits.max_side);
  if (width > max_side || height > max_side) {
    return OutOfRange(fmt::format("{} x {} pixels, more than the limit of {} a side", width, height,
                                  limits.max_side));
  }
  if (width * height > static_cast<uint64_t>(limits.max_pixels)) {
    return OutOfRange(fmt::format("{} x {} pixels, more than the limit of {} pixels", width, height,
                                  limits.max_pixels));
  }
  return OkStatus();
}

Status DecodeJob::DataLoss(std::string_view what) const {
  return DataLossError(fmt::format("{}: {}: {}", name, format, what));
}
Status DecodeJob::Unimplemented(std::string_view what) const {
  return UnimplementedError(fmt::format("{}: {}: {}", name, format, what));
}
Status DecodeJob::OutOfRange(std::string_view what) const {
  return OutOfRangeError(fmt::format("{}: {}: {}", name, format, what));
}
Status DecodeJob::TooSlow() const {
  return DeadlineExceededError(fmt::format("{}: {}: decoding took longer than the limit of {} ms",
                                           name, format, limits.max_decode_time.count()));
}
Status DecodeJob::NoMemory() const {
  return ResourceExhaustedError(
      fmt::format("{}: {}: not enough memory to decode {} bytes", name, format, size_bytes));
}

bool IsImageFile(std::span<const std::byte> bytes) {
  return std::any_of(std::begin(kFormats), std::end(kFormats),
                     [&](const Format& format) { return format.matches(AsStringView(bytes)); });
}

Result<Image> DecodeImage(std::span<const std::byte> bytes, std::string_view name,
                          const ImageLimits& limits) {
  if (bytes.empty()) return InvalidArgumentError(fmt::format("{}: empty file", name));
  if (bytes.size() > limits.max_file_bytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes, more than the limit of {} bytes", name,
                                       bytes.size(), limits.max_file_bytes));
  }
  for (const Format& format : kFormats) {
    if (!format.matches(AsStringView(bytes))) continue;
    const DecodeJob job = {reinterpret_cast<const uint8_t*>(bytes.data()),
                           bytes.size(),
                           name,
                           format.name,
                           limits,
                           std::chrono::steady_clock::now() + limits.max_decode_time};
    try {
      MAO_ASSIGN_OR_RETURN(DecodedImage decoded, format.decode(job));
      return ApplyOrientation(std::move(decoded.image), decoded.orientation);
    } catch (const std::bad_alloc&) {
      return job.NoMemory();
    }
  }
  return InvalidArgumentError(
      fmt::format("{}: not an image of a known format (JPEG, PNG, WebP, TIFF, BMP, GIF)", name));
}

}  // namespace mao
