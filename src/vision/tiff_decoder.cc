#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <tiffio.h>

#include <fmt/core.h>

#include "vision/codec.h"

namespace mao {
namespace {

// Strips or tiles may overlap in the file (some writers share blank ones), but each is read in
// full, so that their sum bounds the time.
constexpr uint64_t kMaxStoredBytesPerFileByte = 16;
// Decoded strips or tiles may take this much for each pixel allowed: four 16-bit samples.
constexpr uint64_t kMaxDecodedBytesPerPixel = 8;
// The format demands multiples of 16; smaller ones would only multiply the work.
constexpr uint32_t kMinTileSide = 16;
constexpr int kMaxSamples = 8;

// Compressions whose memory and time are bounded by their input and output. LZMA may ask for 4 GB,
// and JBIG, LERC and old-style JPEG are not worth their code in front of hostile bytes.
constexpr uint16_t kCompressions[] = {
    COMPRESSION_NONE, COMPRESSION_CCITTRLE,      COMPRESSION_CCITTRLEW, COMPRESSION_CCITTFAX3,
    COMPRESSION_LZW,  COMPRESSION_CCITTFAX4,     COMPRESSION_JPEG,      COMPRESSION_PACKBITS,
    COMPRESSION_ZSTD, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE};

// The file in memory as libtiff sees it, and the first error it reported.
struct TiffSource {
  const uint8_t* data;
  uint64_t size_bytes;
  uint64_t offset = 0;
  char message[160] = {};
};

TiffSource* Source(thandle_t handle) { return static_cast<TiffSource*>(handle); }

tmsize_t ReadBytes(thandle_t handle, void* to, tmsize_t num_bytes) {
  TiffSource* source = Source(handle);
  const uint64_t left = source->size_bytes - std::min(source->offset, source->size_bytes);
  const uint64_t count = std::min(left, static_cast<uint64_t>(num_bytes));
  if (count > 0) std::memcpy(to, source->data + source->offset, count);
  source->offset += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t RefuseWrite(thandle_t, void*, tmsize_t) { return -1; }

toff_t Seek(thandle_t handle, toff_t offset, int whence) {
  TiffSource* source = Source(handle);
  const uint64_t base = whence == SEEK_CUR   ? source->offset
                        : whence == SEEK_END ? source->size_bytes
                                             : 0;
  source->offset = base + offset;
  return source->offset;
}

// Mapped, so that libtiff decodes from our bytes without a copy.
int Map(thandle_t handle, void** base, toff_t* size_bytes) {
  *base = const_cast<uint8_t*>(Source(handle)->data);
  *size_bytes = Source(handle)->size_bytes;
  return 1;
}

int KeepFirstError(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto* source = static_cast<TiffSource*>(user);
  if (source->message[0] == '\0') {
    std::vsnprintf(source->message, sizeof(source->message), format, arguments);
  }
  return 1;  // handled: the global handlers, which print, are not called
}

int DropWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct TiffDeleter {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffPointer = std::unique_ptr<TIFF, TiffDeleter>;

uint64_t MaxDecodedBytes(const DecodeJob& job) {
  return static_cast<uint64_t>(job.limits.max_pixels) * kMaxDecodedBytesPerPixel;
}

TiffPointer Open(const DecodeJob& job, TiffSource* source) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options, static_cast<tmsize_t>(MaxDecodedBytes(job) + job.size_bytes + (1u << 20)));
  TIFFOpenOptionsSetErrorHandlerExtR(options, KeepFirstError, source);
  TIFFOpenOptionsSetWarningHandlerExtR(options, DropWarning, nullptr);
  TIFF* tiff = TIFFClientOpenExt(
      "", "r", source, ReadBytes, RefuseWrite, Seek, [](thandle_t) { return 0; },
      [](thandle_t handle) -> toff_t { return Source(handle)->size_bytes; }, Map,
      [](thandle_t, void*, toff_t) {}, options);
  TIFFOpenOptionsFree(options);
  return TiffPointer(tiff);
}

// The tags that say how pixels are stored.
struct Layout {
  uint32_t width = 0;
  uint32_t height = 0;
  uint16_t bits = 1;
  uint16_t samples = 1;
  uint16_t sample_format = SAMPLEFORMAT_UINT;
  uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  uint16_t compression = COMPRESSION_NONE;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  bool separate_planes = false;
  bool tiled = false;
  // Of a strip or tile; the last strip may have fewer rows.
  uint32_t block_width = 0;
  uint32_t block_height = 0;

  int ColorSamples() const {
    return photometric == PHOTOMETRIC_SEPARATED                                 ? 4
           : photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR ? 3
                                                                                : 1;
  }
};

Layout ReadLayout(TIFF* tiff) {
  Layout layout;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.sample_format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout.orientation);
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric) == 0 && layout.samples >= 3) {
    layout.photometric = PHOTOMETRIC_RGB;
  }
  uint16_t planes = PLANARCONFIG_CONTIG;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
  layout.separate_planes = planes == PLANARCONFIG_SEPARATE && layout.samples > 1;
  layout.tiled = TIFFIsTiled(tiff) != 0;
  if (layout.tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &layout.block_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &layout.block_height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &layout.block_height);
    layout.block_width = layout.width;
    layout.block_height = std::min(layout.block_height, layout.height);
  }
  return layout;
}

Status CheckKind(const DecodeJob& job, const Layout& layout) {
  if (std::find(std::begin(kCompressions), std::end(kCompressions), layout.compression) ==
      std::end(kCompressions)) {
    return job.Unimplemented(fmt::format("compression {}", layout.compression));
  }
  if (layout.samples == 0 || layout.samples > kMaxSamples) {
    return job.Unimplemented(
        fmt::format("{} samples a pixel; the limit is {}", layout.samples, kMaxSamples));
  }
  if (layout.sample_format != SAMPLEFORMAT_UINT && layout.sample_format != SAMPLEFORMAT_VOID) {
    return job.Unimplemented("samples that are not unsigned integers");
  }
  const uint32_t min_side = layout.tiled ? kMinTileSide : 1;
  if (layout.block_width < min_side || layout.block_height < min_side) {
    return job.DataLoss(fmt::format("{} of {} x {} pixels", layout.tiled ? "tiles" : "strips",
                                    layout.block_width, layout.block_height));
  }
  return OkStatus();
}

// A block is a strip or a tile.
uint32_t NumBlocks(TIFF* tiff, const Layout& layout) {
  return layout.tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
}
uint64_t BlockBytes(TIFF* tiff, const Layout& layout) {
  return layout.tiled ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff);
}

Status CheckCost(const DecodeJob& job, TIFF* tiff, const Layout& layout) {
  const uint64_t num_blocks = NumBlocks(tiff, layout);
  const uint64_t block_bytes = BlockBytes(tiff, layout);
  if (num_blocks == 0 || block_bytes == 0) return job.DataLoss("no strips or tiles");
  const uint64_t max_decoded_bytes = MaxDecodedBytes(job);
  if (block_bytes > max_decoded_bytes / num_blocks) {
    return job.OutOfRange(
        fmt::format("{} strips or tiles of {} bytes, more than the limit of {} bytes", num_blocks,
                    block_bytes, max_decoded_bytes));
  }
  uint64_t stored_bytes = 0;
  for (uint64_t i = 0; i < num_blocks; ++i) {
    stored_bytes +=
        std::min<uint64_t>(TIFFGetStrileByteCount(tiff, static_cast<uint32_t>(i)), job.size_bytes);
  }
  if (stored_bytes > job.size_bytes * kMaxStoredBytesPerFileByte) {
    return job.OutOfRange(
        fmt::format("strips or tiles overlap: together more than the limit of {} times the file",
                    kMaxStoredBytesPerFileByte));
  }
  return OkStatus();
}

// Samples of 1, 2, 4, 8 or 16 bits to 8 bits: scaled to 0..255, or as they are if `raw`. Of 16
// bits, which libtiff has put into our byte order, the high byte is kept.
void UnpackSamples(const uint8_t* packed, int bits, bool raw, size_t count, size_t out_step,
                   uint8_t* out) {
  if (bits == 16) {
    for (size_t i = 0; i < count; ++i, out += out_step) {
      uint16_t value;
      std::memcpy(&value, packed + i * 2, sizeof(value));
      *out = static_cast<uint8_t>(value >> 8);
    }
    return;
  }
  const int max_value = (1 << bits) - 1;
  const int scale = raw ? 1 : 255 / max_value;
  for (size_t i = 0; i < count; ++i, out += out_step) {
    const size_t bit = i * static_cast<size_t>(bits);
    const int shift = 8 - bits - static_cast<int>(bit % 8);
    *out = static_cast<uint8_t>(((packed[bit / 8] >> shift) & max_value) * scale);
  }
}

// Reads a page whose samples mean grey, palette index, RGB or CMYK.
class BlockReader {
 public:
  BlockReader(const DecodeJob& job, TIFF* tiff, const Layout& layout, const TiffSource& source)
      : job_(job), tiff_(tiff), layout_(layout), source_(source) {}

  static bool Supports(const Layout& layout) {
    const bool plain_color = layout.photometric <= PHOTOMETRIC_PALETTE ||
                             layout.photometric == PHOTOMETRIC_SEPARATED ||
                             (layout.photometric == PHOTOMETRIC_YCBCR &&
                              layout.compression == COMPRESSION_JPEG);  // libtiff makes it RGB
    const int max_bits = layout.photometric == PHOTOMETRIC_PALETTE ? 8 : 16;
    return plain_color && layout.samples >= layout.ColorSamples() && layout.bits <= max_bits &&
           (layout.bits == 1 || layout.bits == 2 || layout.bits == 4 || layout.bits == 8 ||
            layout.bits == 16);
  }

  Status Read(Image* image);

 private:
  Status ReadPalette();
  Status ReadBlock(uint32_t x, uint32_t y, int plane, uint32_t num_rows);
  void UnpackRow(uint32_t row, int plane, uint32_t width);
  void ConvertRow(uint32_t width, uint8_t* rgb) const;

  const DecodeJob& job_;
  TIFF* tiff_;
  const Layout& layout_;
  const TiffSource& source_;
  size_t row_bytes_ = 0;          // of a block
  std::vector<uint8_t> palette_;  // 256 x RGB
  std::vector<std::vector<uint8_t>> planes_;
  std::vector<uint8_t> samples_;  // one row, interleaved, `samples_step_` to a pixel
  size_t samples_step_ = 1;
};

Status BlockReader::ReadPalette() {
  uint16_t* channels[3] = {};
  if (TIFFGetField(tiff_, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]) == 0) {
    return job_.DataLoss("a palette image without a palette");
  }
  palette_.assign(size_t{256} * 3, 0);
  for (size_t i = 0; i < size_t{1} << layout_.bits; ++i) {
    for (size_t c = 0; c < 3; ++c) palette_[i * 3 + c] = static_cast<uint8_t>(channels[c][i] >> 8);
  }
  return OkStatus();
}

Status BlockReader::ReadBlock(uint32_t x, uint32_t y, int plane, uint32_t num_rows) {
  if (job_.PastDeadline()) return job_.TooSlow();
  std::vector<uint8_t>& buffer = planes_[static_cast<size_t>(plane)];
  const auto size_bytes = static_cast<tmsize_t>(buffer.size());
  const auto sample = static_cast<uint16_t>(plane);
  const tmsize_t num_read = layout_.tiled
                                ? TIFFReadTile(tiff_, buffer.data(), x, y, 0, sample)
                                : TIFFReadEncodedStrip(tiff_, TIFFComputeStrip(tiff_, y, sample),
                                                       buffer.data(), size_bytes);
  if (num_read < static_cast<tmsize_t>(num_rows * row_bytes_)) {
    const char* reason = source_.message[0] != '\0' ? source_.message : "the file is truncated";
    return job_.DataLoss(reason);
  }
  return OkStatus();
}

void BlockReader::UnpackRow(uint32_t row, int plane, uint32_t width) {
  const uint8_t* packed = planes_[static_cast<size_t>(plane)].data() + row * row_bytes_;
  const bool raw = layout_.photometric == PHOTOMETRIC_PALETTE;
  const size_t count = layout_.separate_planes ? width : size_t{width} * layout_.samples;
  const size_t out_step = layout_.separate_planes ? samples_step_ : 1;
  UnpackSamples(packed, layout_.bits, raw, count, out_step, samples_.data() + plane);
}

void BlockReader::ConvertRow(uint32_t width, uint8_t* rgb) const {
  const uint8_t* in = samples_.data();
  for (uint32_t x = 0; x < width; ++x, in += samples_step_, rgb += 3) {
    switch (layout_.photometric) {
      case PHOTOMETRIC_SEPARATED:
        CmykToRgb(in[0], in[1], in[2], in[3], rgb);
        break;
      case PHOTOMETRIC_RGB:
      case PHOTOMETRIC_YCBCR:
        std::memcpy(rgb, in, 3);
        break;
      case PHOTOMETRIC_PALETTE:
        std::memcpy(rgb, palette_.data() + size_t{in[0]} * 3, 3);
        break;
      default:
        std::memset(rgb, layout_.photometric == PHOTOMETRIC_MINISWHITE ? 255 - in[0] : in[0], 3);
    }
  }
}

Status BlockReader::Read(Image* image) {
  if (layout_.photometric == PHOTOMETRIC_PALETTE) MAO_RETURN_IF_ERROR(ReadPalette());
  const int num_planes = layout_.separate_planes ? layout_.ColorSamples() : 1;
  samples_step_ = layout_.separate_planes ? static_cast<size_t>(num_planes) : layout_.samples;
  row_bytes_ =
      static_cast<size_t>(layout_.tiled ? TIFFTileRowSize64(tiff_) : TIFFScanlineSize64(tiff_));
  const uint64_t bits_per_row = uint64_t{layout_.block_width} * layout_.bits *
                                (layout_.separate_planes ? 1 : layout_.samples);
  const uint64_t block_bytes = BlockBytes(tiff_, layout_);
  if (row_bytes_ < (bits_per_row + 7) / 8 || block_bytes < row_bytes_ * layout_.block_height) {
    return job_.Unimplemented("rows of an unusual layout");
  }
  planes_.assign(static_cast<size_t>(num_planes), std::vector<uint8_t>(block_bytes));
  samples_.resize(layout_.block_width * samples_step_);
  for (uint32_t y = 0; y < layout_.height; y += layout_.block_height) {
    const uint32_t num_rows = std::min(layout_.block_height, layout_.height - y);
    for (uint32_t x = 0; x < layout_.width; x += layout_.block_width) {
      const uint32_t width = std::min(layout_.block_width, layout_.width - x);
      for (int plane = 0; plane < num_planes; ++plane) {
        MAO_RETURN_IF_ERROR(ReadBlock(x, y, plane, num_rows));
      }
      for (uint32_t row = 0; row < num_rows; ++row) {
        for (int plane = 0; plane < num_planes; ++plane) UnpackRow(row, plane, width);
        ConvertRow(width, image->row(static_cast<int>(y + row)) + size_t{x} * 3);
      }
    }
  }
  return OkStatus();
}

// Rarer kinds (subsampled YCbCr, CIE L*a*b*, LogLuv) through libtiff's own conversion.
Status ReadByLibtiff(const DecodeJob& job, TIFF* tiff, const Layout& layout, Image* image) {
  char reason[1024] = {};
  if (TIFFRGBAImageOK(tiff, reason) == 0) return job.Unimplemented(reason);
  std::vector<uint32_t> raster(size_t{layout.width} * layout.height);
  // Asking for the orientation that the file has keeps the rows in the order in which they are
  // stored.
  if (TIFFReadRGBAImageOriented(tiff, layout.width, layout.height, raster.data(),
                                layout.orientation, 1) == 0) {
    return job.DataLoss("corrupt or truncated pixels");
  }
  for (size_t i = 0; i < raster.size(); ++i) {
    image->rgb[i * 3] = static_cast<uint8_t>(TIFFGetR(raster[i]));
    image->rgb[i * 3 + 1] = static_cast<uint8_t>(TIFFGetG(raster[i]));
    image->rgb[i * 3 + 2] = static_cast<uint8_t>(TIFFGetB(raster[i]));
  }
  return OkStatus();
}

}  // namespace

Result<DecodedImage> DecodeTiff(const DecodeJob& job) {
  TiffSource source = {job.data, job.size_bytes};
  const TiffPointer tiff = Open(job, &source);
  if (!tiff) return job.DataLoss(source.message[0] != '\0' ? source.message : "corrupt file");
  Layout layout = ReadLayout(tiff.get());
  MAO_RETURN_IF_ERROR(job.CheckSides(layout.width, layout.height));
  MAO_RETURN_IF_ERROR(CheckKind(job, layout));
  const bool own_path = BlockReader::Supports(layout);
  if (own_path && layout.photometric == PHOTOMETRIC_YCBCR) {
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  MAO_RETURN_IF_ERROR(CheckCost(job, tiff.get(), layout));
  Image image = MakeImage(static_cast<int>(layout.width), static_cast<int>(layout.height));
  if (own_path) {
    MAO_RETURN_IF_ERROR(BlockReader(job, tiff.get(), layout, source).Read(&image));
  } else {
    MAO_RETURN_IF_ERROR(ReadByLibtiff(job, tiff.get(), layout, &image));
  }
  return DecodedImage{std::move(image), layout.orientation};
}

}  // namespace mao
