#include "vision/encode.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <png.h>

#include <fmt/core.h>

namespace mao {
namespace {

Status CheckImage(const Image& image, const char* format) {
  if (IsWellFormed(image)) return OkStatus();
  return InvalidArgumentError(
      fmt::format("{}: cannot encode an image of {} x {} pixels with {} bytes", format, image.width,
                  image.height, image.rgb.size()));
}

// As in the decoder: Encode has only trivial locals, for libjpeg's errors jump into it.
class JpegWriter {
 public:
  JpegWriter() {
    info_.err = jpeg_std_error(&error_);
    error_.error_exit = [](j_common_ptr info) {
      auto* writer = static_cast<JpegWriter*>(info->client_data);
      info->err->format_message(info, writer->message_);
      std::longjmp(writer->jump_, 1);
    };
    error_.emit_message = [](j_common_ptr, int) {};
    info_.client_data = this;
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool Encode(const Image& image, int quality) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &buffer_, &size_bytes_);
    info_.image_width = static_cast<JDIMENSION>(image.width);
    info_.image_height = static_cast<JDIMENSION>(image.height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(info_.next_scanline)));
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::string Bytes() const { return {reinterpret_cast<const char*>(buffer_), size_bytes_}; }
  const char* message() const { return message_; }

 private:
  jpeg_compress_struct info_ = {};
  jpeg_error_mgr error_ = {};
  std::jmp_buf jump_ = {};
  unsigned char* buffer_ = nullptr;
  unsigned long size_bytes_ = 0;
  char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

Result<std::string> EncodeJpeg(const Image& image, int quality) {
  MAO_RETURN_IF_ERROR(CheckImage(image, "JPEG"));
  if (quality < 1 || quality > 100) {
    return InvalidArgumentError(fmt::format("JPEG: quality {} is outside 1..100", quality));
  }
  if (image.width > JPEG_MAX_DIMENSION || image.height > JPEG_MAX_DIMENSION) {
    return InvalidArgumentError(
        fmt::format("JPEG: {} x {} pixels, more than the limit of {} a side", image.width,
                    image.height, JPEG_MAX_DIMENSION));
  }
  JpegWriter writer;
  if (!writer.Encode(image, quality)) {
    return InternalError(fmt::format("JPEG: cannot encode: {}", writer.message()));
  }
  return writer.Bytes();
}

Result<std::string> EncodePng(const Image& image) {
  MAO_RETURN_IF_ERROR(CheckImage(image, "PNG"));
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png.flags = PNG_IMAGE_FLAG_FAST;
  png_alloc_size_t size_bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size_bytes, '\0');
  if (png_image_write_to_memory(&png, bytes.data(), &size_bytes, 0, image.rgb.data(), 0, nullptr) ==
      0) {
    return InternalError(fmt::format("PNG: cannot encode: {}", png.message));
  }
  bytes.resize(size_bytes);
  return bytes;
}

}  // namespace mao
