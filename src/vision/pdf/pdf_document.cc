#include "vision/pdf/pdf_document.h"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <new>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/file.h"
#include "vision/decode.h"
#include "vision/pdf/limited_process.h"

namespace mao {
namespace {

constexpr double kPointsPerInch = 72;
constexpr int kMaxDefaultSide = 4096;
// Pages whose sizes are asked for together: one process for so many pages.
constexpr int kSizesAtOnce = 256;
constexpr size_t kMaxReasonBytes = 200;
constexpr int kSignalBase = 128;

using std::string_view_literals::operator""sv;

// The first line that says something.
std::string Reason(std::string_view errors) {
  const std::string_view line = errors.substr(0, errors.find('\n'));
  return std::string(line.substr(0, kMaxReasonBytes));
}

bool RanOutOfMemory(const ProcessOutput& output) {
  return output.errors.find("ut of memory") != std::string::npos ||
         output.errors.find("memory allocation") != std::string::npos ||
         output.errors.find("bad_alloc") != std::string::npos ||
         output.exit_code == kSignalBase + SIGABRT;
}

// Reads a number and what must follow it; takes both away.
std::optional<double> TakeNumber(std::string_view& text, std::string_view follows) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
  if (!text.starts_with(follows)) return std::nullopt;
  text.remove_prefix(follows.size());
  return number;
}

// Calls with each line that begins with `start`, without it.
template <typename Function>
void ForLines(std::string_view text, std::string_view start, Function function) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(start)) function(line.substr(start.size()));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
}

// What pdftoppm writes: "P6\n1190 1684\n255\n" and the pixels.
struct PpmHeader {
  int width = 0;
  int height = 0;
  size_t size_bytes = 0;

  size_t num_bytes() const {
    return size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height);
  }
};

// Of a page with these sides, perhaps turned; poppler may round them differently.
bool HasSides(const PpmHeader& header, double width, double height) {
  constexpr double kRounding = 2;
  const auto fits = [&](double w, double h) {
    return std::abs(header.width - w) <= kRounding && std::abs(header.height - h) <= kRounding;
  };
  return fits(width, height) || fits(height, width);
}

std::optional<PpmHeader> ReadPpmHeader(std::string_view bytes) {
  constexpr size_t kMaxHeaderBytes = 64;
  const std::string_view all = bytes.substr(0, kMaxHeaderBytes);
  std::string_view rest = all;
  if (!rest.starts_with("P6\n"sv)) return std::nullopt;
  rest.remove_prefix(3);
  const std::optional<double> width = TakeNumber(rest, " ");
  const std::optional<double> height = width ? TakeNumber(rest, "\n") : std::nullopt;
  if (!height.has_value() || !rest.starts_with("255\n"sv)) return std::nullopt;
  rest.remove_prefix(4);
  if (*width < 1 || *height < 1 || *width > INT32_MAX || *height > INT32_MAX) return std::nullopt;
  return PpmHeader{static_cast<int>(*width), static_cast<int>(*height), all.size() - rest.size()};
}

}  // namespace

bool IsPdf(std::string_view bytes) {
  constexpr size_t kHeaderWithin = 1024;
  return bytes.substr(0, kHeaderWithin).find("%PDF-") != std::string_view::npos &&
         !IsImageFile(AsBytes(bytes));
}

Result<std::shared_ptr<const PdfDocument>> PdfDocument::Open(std::string_view bytes,
                                                             std::string name,
                                                             const PdfLimits& limits,
                                                             const std::stop_token& stop) {
  if (!IsPdf(bytes)) return InvalidArgumentError(name + ": not a PDF file");
  std::shared_ptr<PdfDocument> document(new PdfDocument(std::move(name), limits));
  MAO_RETURN_IF_ERROR(document->Load(bytes, stop));
  return std::shared_ptr<const PdfDocument>(std::move(document));
}

Status PdfDocument::Load(std::string_view bytes, const std::stop_token& stop) {
  if (bytes.size() > limits_.max_file_bytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes, more than the limit of {} bytes", name_,
                                       bytes.size(), limits_.max_file_bytes));
  }
  file_ = FileDescriptor(memfd_create("pdf", MFD_CLOEXEC));
  size_bytes_ = bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = file_.is_open() ? write(file_.get(), bytes.data(), bytes.size()) : -1;
    if (count <= 0) {
      return ResourceExhaustedError(
          fmt::format("{}: no memory for a file of {} bytes", name_, size_bytes_));
    }
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  MAO_ASSIGN_OR_RETURN(const std::string info, AskInfo(1, kSizesAtOnce, stop));
  // The author's own words come before it; the last such line is poppler's.
  ForLines(info, "Pages:", [&](std::string_view rest) {
    num_pages_ = static_cast<int>(std::clamp(TakeNumber(rest, "").value_or(0), 0.0, 1e9));
  });
  if (num_pages_ == 0) return InvalidArgumentError(name_ + ": the PDF has no page");
  return OkStatus();
}

// Keeps the sizes that it learns.
Result<std::string> PdfDocument::AskInfo(int first_page, int last_page,
                                         const std::stop_token& stop) const {
  ProcessLimits limits;
  limits.max_memory_bytes = limits_.max_memory_bytes;
  limits.max_time = limits_.max_page_time;
  Result<ProcessOutput> output = RunLimited(
      {"pdfinfo", "-f", std::to_string(first_page), "-l", std::to_string(last_page), kChildInput},
      file_.get(), limits, stop);
  if (!output.ok()) return output.status().WithContext(name_);
  if (output->errors.find("Incorrect password") != std::string::npos) {
    return InvalidArgumentError(name_ + ": the PDF is encrypted and needs a password");
  }
  if (output->errors.find("the last page (0)") != std::string::npos) {
    return InvalidArgumentError(name_ + ": the PDF has no page");
  }
  if (output->exit_code != 0) {
    if (RanOutOfMemory(*output)) {
      return OutOfRangeError(
          fmt::format("{}: opening the PDF takes more memory than the limit of {} bytes", name_,
                      limits_.max_memory_bytes));
    }
    return DataLossError(fmt::format("{}: the PDF is broken: {}", name_,
                                     output->errors.empty()
                                         ? fmt::format("pdfinfo ended with {}", output->exit_code)
                                         : Reason(output->errors)));
  }
  std::string info(output->output.begin(), output->output.end());
  const std::lock_guard lock(mutex_);
  // "Page    1 size: 595.28 x 841.89 pts (A4)"
  ForLines(info, "Page ", [&](std::string_view rest) {
    const std::optional<double> page = TakeNumber(rest, " size:");
    const std::optional<double> width = page ? TakeNumber(rest, " x") : std::nullopt;
    const std::optional<double> height = width ? TakeNumber(rest, " pts") : std::nullopt;
    if (height.has_value() && *page >= first_page && *page <= last_page) {
      sizes_[static_cast<int>(*page) - 1] = {*width, *height};
    }
  });
  return info;
}

Status PdfDocument::PageError(int page, StatusCode code, std::string_view what) const {
  return Status(code, fmt::format("{}: page {}: {}", name_, page + 1, what));
}

Result<PdfDocument::PageSize> PdfDocument::SizeOf(int page, const std::stop_token& stop) const {
  if (page < 0 || page >= num_pages_) {
    return OutOfRangeError(
        fmt::format("{}: there is no page {}; the document has {}", name_, page + 1, num_pages_));
  }
  for (const bool may_ask : {true, false}) {
    {
      const std::lock_guard lock(mutex_);
      const auto known = sizes_.find(page);
      if (known != sizes_.end()) {
        const auto [width, height] = known->second;
        if (std::isfinite(width) && std::isfinite(height) && width > 0 && height > 0) {
          return known->second;
        }
        break;
      }
    }
    if (may_ask) MAO_RETURN_IF_ERROR(AskInfo(page + 1, page + kSizesAtOnce, stop).status());
  }
  return PageError(page, StatusCode::kDataLoss, "has no size");
}

Result<int> PdfDocument::ChooseDpi(int page, const std::stop_token& stop) const {
  MAO_ASSIGN_OR_RETURN(const PageSize size, SizeOf(page, stop));
  const double inches = std::max(size.width_pt, size.height_pt) / kPointsPerInch;
  return static_cast<int>(
      std::clamp(kMaxDefaultSide / inches, 1.0, static_cast<double>(limits_.default_dpi)));
}

Result<Image> PdfDocument::Render(int page, int dpi, const std::stop_token& stop) const {
  if (dpi != 0 && (dpi < kMinDpi || dpi > limits_.max_dpi)) {
    return OutOfRangeError(
        fmt::format("dpi: {}; the limits are {} and {}", dpi, kMinDpi, limits_.max_dpi));
  }
  MAO_ASSIGN_OR_RETURN(const PageSize size, SizeOf(page, stop));
  if (dpi == 0) {
    MAO_ASSIGN_OR_RETURN(dpi, ChooseDpi(page, stop));
  }
  const double width = std::ceil(size.width_pt * dpi / kPointsPerInch);
  const double height = std::ceil(size.height_pt * dpi / kPointsPerInch);
  if (width > limits_.max_side || height > limits_.max_side ||
      width * height > static_cast<double>(limits_.max_pixels)) {
    return PageError(
        page, StatusCode::kOutOfRange,
        fmt::format("{:.0f} x {:.0f} pixels at {} dpi; the limits are {} a side and {} "
                    "pixels",
                    width, height, dpi, limits_.max_side, limits_.max_pixels));
  }
  ProcessLimits limits;
  limits.max_memory_bytes = limits_.max_memory_bytes;
  limits.max_time = limits_.max_page_time;
  // Poppler may round a side up, and there is the header.
  constexpr double kMargin = 4;
  limits.max_output_bytes = static_cast<size_t>((width + kMargin) * (height + kMargin) * 3 + 64);
  const std::string number = std::to_string(page + 1);
  Result<ProcessOutput> output = RunLimited(
      {"pdftoppm", "-f", number, "-l", number, "-r", std::to_string(dpi), "-cropbox", kChildInput},
      file_.get(), limits, stop);
  if (!output.ok()) {
    return PageError(page, output.status().code(), output.status().message());
  }
  std::vector<uint8_t>& bytes = output->output;
  const std::optional<PpmHeader> header =
      ReadPpmHeader(AsStringView(std::as_bytes(std::span(bytes))));
  // Without memory pdftoppm may write a picture of one pixel.
  const bool is_whole = header.has_value() && HasSides(*header, width, height) &&
                        bytes.size() - header->size_bytes >= header->num_bytes();
  if (!is_whole) {
    if (RanOutOfMemory(*output)) {
      return PageError(page, StatusCode::kOutOfRange,
                       fmt::format("takes more memory than the limit of {} bytes to render",
                                   limits_.max_memory_bytes));
    }
    return PageError(page, StatusCode::kDataLoss,
                     output->errors.empty()
                         ? fmt::format("pdftoppm ended with {}", output->exit_code)
                         : Reason(output->errors));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header->size_bytes));
  bytes.resize(header->num_bytes());
  return Image{header->width, header->height, std::move(bytes)};
}

}  // namespace mao
