#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include <png.h>

#include "vision/codec.h"
#include "vision/orientation.h"

namespace mao {
namespace {

// Ancillary chunks are skipped but for eXIf; these bound what a hostile one may take.
constexpr png_alloc_size_t kMaxChunkBytes = size_t{8} << 20;
constexpr png_uint_32 kMaxCachedChunks = 128;

// libpng reports errors by a call that must not return, so it jumps. Every function here that calls
// setjmp has only trivial locals, and so have the callbacks that a jump leaves.
class PngReader {
 public:
  explicit PngReader(const DecodeJob& job) : job_(job), left_bytes_(job.size_bytes) {
    png_ = png_create_read_struct_2(
        PNG_LIBPNG_VER_STRING, this, OnError, [](png_structp, const char*) {}, this, OnAllocate,
        nullptr);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool ok() const { return info_ != nullptr; }
  bool ReadHeader();
  uint32_t width() const { return png_get_image_width(png_, info_); }
  uint32_t height() const { return png_get_image_height(png_, info_); }
  // `rgb` holds height x width x 3 bytes.
  bool ReadPixels(uint8_t* rgb);
  // What follows the pixels: an eXIf chunk may. As in Pillow, damage there does not matter.
  void ReadTrailer();

  int Orientation() const;
  Status Error() const { return too_slow_ ? job_.TooSlow() : job_.DataLoss(message_); }

 private:
  static void OnError(png_structp png, const char* message);
  static void OnRead(png_structp png, png_bytep to, size_t num_bytes);
  static png_voidp OnAllocate(png_structp png, png_alloc_size_t num_bytes);
  void RequestRgb();

  const DecodeJob& job_;
  size_t left_bytes_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  bool too_slow_ = false;
  char message_[128] = {};
};

void PngReader::OnError(png_structp png, const char* message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
  std::longjmp(reader->jump_, 1);
}

void PngReader::OnRead(png_structp png, png_bytep to, size_t num_bytes) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (num_bytes > reader->left_bytes_) png_error(png, "the file is truncated");
  std::memcpy(to, reader->job_.data + reader->job_.size_bytes - reader->left_bytes_, num_bytes);
  reader->left_bytes_ -= num_bytes;
}

// libpng asks for the whole length that an eXIf chunk states before it reads one byte of it, also
// above png_set_chunk_malloc_max (libpng 1.6.39). A refused chunk is skipped. The pixels take single
// rows of at most 8 bytes a pixel.
png_voidp PngReader::OnAllocate(png_structp png, png_alloc_size_t num_bytes) {
  const auto* reader = static_cast<PngReader*>(png_get_mem_ptr(png));
  const size_t max_row_bytes = static_cast<size_t>(reader->job_.limits.max_side) * 16;
  return num_bytes <= std::max<size_t>(kMaxChunkBytes, max_row_bytes) ? std::malloc(num_bytes)
                                                                      : nullptr;
}

bool PngReader::ReadHeader() {
  static constexpr png_byte kExif[] = "eXIf";
  static constexpr png_byte kTransparency[] = "tRNS";
  if (setjmp(jump_) != 0) return false;
  png_set_read_fn(png_, this, OnRead);
  // The sides are checked by the caller, whose message names the limit.
  png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png_, kMaxChunkBytes);
  png_set_chunk_cache_max(png_, kMaxCachedChunks);
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kTransparency, 1);
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, kExif, 1);
  png_read_info(png_, info_);
  return true;
}

void PngReader::RequestRgb() {
  const png_byte color = png_get_color_type(png_, info_);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
  if ((color & PNG_COLOR_MASK_COLOR) == 0) {
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_gray_to_rgb(png_);
  }
  if ((color & PNG_COLOR_MASK_ALPHA) != 0) png_set_strip_alpha(png_);
  png_set_strip_16(png_);  // keeps the high byte
}

bool PngReader::ReadPixels(uint8_t* rgb) {
  if (setjmp(jump_) != 0) return false;
  RequestRgb();
  const int num_passes = png_set_interlace_handling(png_);
  png_read_update_info(png_, info_);
  const size_t row_bytes = png_get_rowbytes(png_, info_);
  if (row_bytes != static_cast<size_t>(width()) * 3) png_error(png_, "unexpected layout of rows");
  for (int pass = 0; pass < num_passes; ++pass) {
    for (uint32_t y = 0; y < height(); ++y) {
      if (job_.PastDeadline()) {
        too_slow_ = true;
        return false;
      }
      png_read_row(png_, rgb + y * row_bytes, nullptr);
    }
  }
  return true;
}

void PngReader::ReadTrailer() {
  if (setjmp(jump_) != 0) return;
  png_read_end(png_, info_);
}

int PngReader::Orientation() const {
  png_uint_32 size_bytes = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(png_, info_, &size_bytes, &exif) == 0) return 1;
  return ReadExifOrientation({exif, size_bytes});
}

}  // namespace

Result<DecodedImage> DecodePng(const DecodeJob& job) {
  PngReader reader(job);
  if (!reader.ok()) return job.NoMemory();
  if (!reader.ReadHeader()) return reader.Error();
  MAO_RETURN_IF_ERROR(job.CheckSides(reader.width(), reader.height()));
  Image image = MakeImage(static_cast<int>(reader.width()), static_cast<int>(reader.height()));
  if (!reader.ReadPixels(image.rgb.data())) return reader.Error();
  reader.ReadTrailer();
  return DecodedImage{std::move(image), reader.Orientation()};
}

}  // namespace mao
