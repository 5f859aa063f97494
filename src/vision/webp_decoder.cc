#include <cstring>
#include <memory>
#include <span>

#include <webp/decode.h>
#include <webp/demux.h>

#include "vision/codec.h"
#include "vision/orientation.h"

namespace mao {
namespace {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

int Orientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) == 0) return 1;
  const int orientation = ReadExifOrientation({chunk.chunk.bytes, chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

// Decodes one frame into its place on the canvas.
Status DecodeFrame(const DecodeJob& job, const WebPIterator& frame, Image* canvas) {
  const int64_t right = int64_t{frame.x_offset} + frame.width;
  const int64_t bottom = int64_t{frame.y_offset} + frame.height;
  if (right > canvas->width || bottom > canvas->height) {
    return job.DataLoss("the first frame is larger than the canvas");
  }
  const size_t offset = static_cast<size_t>(frame.x_offset) * 3;
  uint8_t* out = canvas->row(frame.y_offset) + offset;
  const size_t room = canvas->rgb.size() - static_cast<size_t>(out - canvas->rgb.data());
  const auto stride = static_cast<int>(canvas->row_bytes());
  if (WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, out, room, stride) == nullptr) {
    return job.DataLoss("corrupt or truncated frame");
  }
  return OkStatus();
}

}  // namespace

Result<DecodedImage> DecodeWebp(const DecodeJob& job) {
  const WebPData data = {job.data, job.size_bytes};
  const std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer(WebPDemux(&data));
  if (!demuxer) return job.DataLoss("corrupt or truncated file");
  const uint32_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const uint32_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  MAO_RETURN_IF_ERROR(job.CheckSides(width, height));
  Image canvas = MakeImage(static_cast<int>(width), static_cast<int>(height));
  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) return job.DataLoss("no frame");
  const Status status = DecodeFrame(job, frame, &canvas);
  WebPDemuxReleaseIterator(&frame);
  MAO_RETURN_IF_ERROR(status);
  return DecodedImage{std::move(canvas), Orientation(demuxer.get())};
}

}  // namespace mao
