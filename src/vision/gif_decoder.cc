#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <gif_lib.h>

#include <fmt/core.h>

#include "vision/codec.h"

namespace mao {
namespace {

struct MemorySource {
  const DecodeJob& job;
  size_t offset = 0;
};

int ReadBytes(GifFileType* gif, GifByteType* to, int num_bytes) {
  auto* source = static_cast<MemorySource*>(gif->UserData);
  const size_t left = source->job.size_bytes - source->offset;
  const size_t count = std::min(left, static_cast<size_t>(num_bytes));
  std::memcpy(to, source->job.data + source->offset, count);
  source->offset += count;
  return static_cast<int>(count);
}

struct GifDeleter {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using GifPointer = std::unique_ptr<GifFileType, GifDeleter>;

Status GifError(const DecodeJob& job, int code) {
  if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return job.NoMemory();
  const char* text = GifErrorString(code);
  return job.DataLoss(text != nullptr ? text : "corrupt or truncated file");
}

// Reads records up to the first frame. Sets the transparent index, if one is named.
Status SeekFirstFrame(const DecodeJob& job, GifFileType* gif, int* transparent_index) {
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) return GifError(job, gif->Error);
    if (type == IMAGE_DESC_RECORD_TYPE) break;
    if (type != EXTENSION_RECORD_TYPE) return job.DataLoss("no frame");
    int code = 0;
    GifByteType* block = nullptr;  // a length byte and so many bytes
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return GifError(job, gif->Error);
    GraphicsControlBlock control;
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      *transparent_index = control.TransparentColor;
    }
    while (block != nullptr) {
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return GifError(job, gif->Error);
    }
  }
  if (DGifGetImageDesc(gif) == GIF_ERROR) return GifError(job, gif->Error);
  return OkStatus();
}

using Palette = std::array<std::array<uint8_t, 3>, 256>;

// The frame's own colours, else the file's, else a grey ramp. Colours that are not there are black.
Palette ReadPalette(const GifFileType& gif) {
  Palette palette = {};
  const ColorMapObject* map = gif.Image.ColorMap != nullptr ? gif.Image.ColorMap : gif.SColorMap;
  for (int i = 0; i < 256; ++i) {
    if (map == nullptr) {
      palette[i].fill(static_cast<uint8_t>(i));
    } else if (i < map->ColorCount) {
      palette[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
    }
  }
  return palette;
}

void FillColor(const std::array<uint8_t, 3>& color, Image* image) {
  for (size_t i = 0; i < image->rgb.size(); i += 3) {
    std::copy(color.begin(), color.end(), image->rgb.begin() + static_cast<ptrdiff_t>(i));
  }
}

Status ReadFrame(const DecodeJob& job, GifFileType* gif, const Palette& palette, Image* image) {
  struct Pass {
    int first;
    int step;
  };
  static constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  static constexpr Pass kPlain[] = {{0, 1}};
  const GifImageDesc& frame = gif->Image;
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  const std::span<const Pass> passes =
      frame.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kPlain);
  for (const Pass& pass : passes) {
    for (int y = pass.first; y < frame.Height; y += pass.step) {
      if (job.PastDeadline()) return job.TooSlow();
      if (DGifGetLine(gif, line.data(), frame.Width) == GIF_ERROR) return GifError(job, gif->Error);
      uint8_t* out = image->row(frame.Top + y) + static_cast<size_t>(frame.Left) * 3;
      for (const GifPixelType index : line) out = std::copy_n(palette[index].begin(), 3, out);
    }
  }
  return OkStatus();
}

}  // namespace

// Pillow's rules: the canvas grows if the frame reaches beyond it, and what the frame leaves free
// has the transparent colour, or else colour 0.
Result<DecodedImage> DecodeGif(const DecodeJob& job) {
  MemorySource source = {job};
  int error = 0;
  const GifPointer gif(DGifOpen(&source, ReadBytes, &error));
  if (!gif) return GifError(job, error);
  int transparent_index = NO_TRANSPARENT_COLOR;
  MAO_RETURN_IF_ERROR(SeekFirstFrame(job, gif.get(), &transparent_index));
  const GifImageDesc& frame = gif->Image;
  if (frame.Width <= 0 || frame.Height <= 0 || frame.Left < 0 || frame.Top < 0) {
    return job.DataLoss(fmt::format("a first frame of {} x {} pixels", frame.Width, frame.Height));
  }
  const int width = std::max(gif->SWidth, frame.Left + frame.Width);
  const int height = std::max(gif->SHeight, frame.Top + frame.Height);
  MAO_RETURN_IF_ERROR(job.CheckSides(static_cast<uint64_t>(width), static_cast<uint64_t>(height)));
  Image image = MakeImage(width, height);
  const Palette palette = ReadPalette(*gif);
  if (frame.Width < width || frame.Height < height) {
    FillColor(palette[static_cast<size_t>(std::max(transparent_index, 0))], &image);
  }
  MAO_RETURN_IF_ERROR(ReadFrame(job, gif.get(), palette, &image));
  return DecodedImage{std::move(image), 1};
}

}  // namespace mao
