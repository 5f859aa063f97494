#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

#include <jpeglib.h>
// After jpeglib.h, which it needs.
#include <jerror.h>

#include <fmt/core.h>

#include "vision/codec.h"
#include "vision/orientation.h"

namespace mao {
namespace {

// A progressive file of a few hundred kilobytes may hold thousands of scans, each of which costs a
// pass over all coefficients. Real encoders write about ten.
constexpr int kMaxScans = 500;

enum class Failure { kNone, kCorrupt, kTooManyScans, kTooSlow, kNoMemory };

// libjpeg reports errors by a call that must not return, so it jumps. Every function here that
// calls setjmp has only trivial locals, and the frames that a jump leaves are libjpeg's and those
// of the callbacks below, which have none either.
class JpegReader {
 public:
  explicit JpegReader(const DecodeJob& job) : job_(job) {
    info_.err = jpeg_std_error(&error_);
    error_.error_exit = OnError;
    // Warnings are tolerated, as Pillow does, and nothing is printed.
    error_.emit_message = [](j_common_ptr, int) {};
    error_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool ReadHeader();
  // `rgb` holds height x width x 3 bytes, `cmyk_row` width x 4 bytes, used for four components
  // only.
  bool ReadPixels(uint8_t* rgb, uint8_t* cmyk_row);

  const jpeg_decompress_struct& info() const { return info_; }
  // Only between ReadHeader and ReadPixels.
  int Orientation() const;
  Status Error() const;

 private:
  static JpegReader* From(j_common_ptr info) { return static_cast<JpegReader*>(info->client_data); }
  static JpegReader* From(j_decompress_ptr info) {
    return static_cast<JpegReader*>(info->client_data);
  }
  static void OnError(j_common_ptr info);
  static void OnProgress(j_common_ptr info);
  static boolean OnEndOfData(j_decompress_ptr info);
  static void OnSkip(j_decompress_ptr info, long num_bytes);
  [[noreturn]] void Fail(Failure failure);

  const DecodeJob& job_;
  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr error_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_source_mgr source_ = {};
  std::jmp_buf jump_ = {};
  Failure failure_ = Failure::kNone;
  char message_[JMSG_LENGTH_MAX] = {};
};

void JpegReader::Fail(Failure failure) {
  failure_ = failure;
  std::longjmp(jump_, 1);
}

void JpegReader::OnError(j_common_ptr info) {
  JpegReader* reader = From(info);
  info->err->format_message(info, reader->message_);
  reader->Fail(info->err->msg_code == JERR_OUT_OF_MEMORY ? Failure::kNoMemory : Failure::kCorrupt);
}

void JpegReader::OnProgress(j_common_ptr info) {
  JpegReader* reader = From(info);
  if (reader->info_.input_scan_number > kMaxScans) reader->Fail(Failure::kTooManyScans);
  if (reader->job_.PastDeadline()) reader->Fail(Failure::kTooSlow);
}

boolean JpegReader::OnEndOfData(j_decompress_ptr info) {
  JpegReader* reader = From(info);
  std::snprintf(reader->message_, sizeof(reader->message_), "the file is truncated");
  reader->Fail(Failure::kCorrupt);
}

void JpegReader::OnSkip(j_decompress_ptr info, long num_bytes) {
  if (num_bytes <= 0) return;
  if (static_cast<size_t>(num_bytes) > info->src->bytes_in_buffer) OnEndOfData(info);
  info->src->next_input_byte += num_bytes;
  info->src->bytes_in_buffer -= static_cast<size_t>(num_bytes);
}

bool JpegReader::ReadHeader() {
  if (setjmp(jump_) != 0) return false;
  jpeg_create_decompress(&info_);
  source_.next_input_byte = job_.data;
  source_.bytes_in_buffer = job_.size_bytes;
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = OnEndOfData;
  source_.skip_input_data = OnSkip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
  info_.src = &source_;
  progress_.progress_monitor = OnProgress;
  info_.progress = &progress_;
  jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info_, TRUE);
  return true;
}

bool JpegReader::ReadPixels(uint8_t* rgb, uint8_t* cmyk_row) {
  if (setjmp(jump_) != 0) return false;
  const bool cmyk = info_.num_components == 4;
  info_.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  // Pillow's settings, which are libjpeg's defaults; named because the exact pixels hang on them.
  info_.dct_method = JDCT_ISLOW;
  info_.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&info_);
  const size_t row_bytes = static_cast<size_t>(info_.output_width) * 3;
  while (info_.output_scanline < info_.output_height) {
    uint8_t* out = rgb + info_.output_scanline * row_bytes;
    JSAMPROW row = cmyk ? cmyk_row : out;
    jpeg_read_scanlines(&info_, &row, 1);
    if (!cmyk) continue;
    for (size_t x = 0; x < info_.output_width; ++x) {
      const uint8_t* ink = cmyk_row + x * 4;  // Adobe's convention: stored inverted
      CmykToRgb(255 - ink[0], 255 - ink[1], 255 - ink[2], 255 - ink[3], out + x * 3);
    }
  }
  jpeg_finish_decompress(&info_);
  return true;
}

int JpegReader::Orientation() const {
  static constexpr char kPrefix[] = "Exif\0";  // two zero bytes with the one that ends the literal
  for (const jpeg_marker_struct* marker = info_.marker_list; marker; marker = marker->next) {
    if (marker->data_length < sizeof(kPrefix)) continue;
    if (std::memcmp(marker->data, kPrefix, sizeof(kPrefix)) != 0) continue;
    return ReadExifOrientation({marker->data, marker->data_length});
  }
  return 1;
}

Status JpegReader::Error() const {
  switch (failure_) {
    case Failure::kTooManyScans:
      return job_.OutOfRange(fmt::format("more than the limit of {} scans", kMaxScans));
    case Failure::kTooSlow:
      return job_.TooSlow();
    case Failure::kNoMemory:
      return job_.NoMemory();
    default:
      return job_.DataLoss(message_);
  }
}

}  // namespace

Result<DecodedImage> DecodeJpeg(const DecodeJob& job) {
  JpegReader reader(job);
  if (!reader.ReadHeader()) return reader.Error();
  const jpeg_decompress_struct& info = reader.info();
  MAO_RETURN_IF_ERROR(job.CheckSides(info.image_width, info.image_height));
  if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
    return job.Unimplemented(fmt::format("{} colour components", info.num_components));
  }
  const int orientation = reader.Orientation();  // before libjpeg drops its markers at the end
  Image image = MakeImage(static_cast<int>(info.image_width), static_cast<int>(info.image_height));
  std::vector<uint8_t> cmyk_row(static_cast<size_t>(info.image_width) * 4);
  if (!reader.ReadPixels(image.rgb.data(), cmyk_row.data())) return reader.Error();
  return DecodedImage{std::move(image), orientation};
}

}  // namespace mao
