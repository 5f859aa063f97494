#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "vision/resample_bytes.h"
#include "vision/transpose_bytes.h"

namespace mao {
namespace {

// Output rows computed together. The horizontally resized rows they need stay in the L2 cache; the
// rows that two neighbouring bands both need are computed twice, which is 4 rows in 64.
constexpr int kBandRows = 64;
// Input rows that the horizontal pass takes together, one in each lane.
constexpr int kRowLanes = 32;
constexpr double kBicubicSupport = 2.0;

double Bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

int32_t ToFixedPoint(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

// Which input samples make up each output sample of one axis (Pillow's precompute_coeffs).
class Axis {
 public:
  Axis(int in_size, int out_size) : identity_(in_size == out_size) {
    if (identity_) return;
    const double scale = static_cast<double>(in_size) / out_size;
    const double filter_scale = std::max(scale, 1.0);
    const double support = kBicubicSupport * filter_scale;
    const double step = 1.0 / filter_scale;
    stride_ = static_cast<size_t>(std::ceil(support)) * 2 + 1;
    taps_.resize(static_cast<size_t>(out_size));
    weights_.resize(stride_ * taps_.size());
    std::vector<double> exact(stride_);
    for (int i = 0; i < out_size; ++i) {
      const double center = (i + 0.5) * scale;
      // NOLINTBEGIN(bugprone-incorrect-roundings): cut, not rounded, as in Pillow
      const int first = std::max(static_cast<int>(center - support + 0.5), 0);
      const int last = std::min(static_cast<int>(center + support + 0.5), in_size);
      // NOLINTEND(bugprone-incorrect-roundings)
      double sum = 0.0;
      for (int k = 0; k < last - first; ++k) {
        exact[static_cast<size_t>(k)] = Bicubic((k + first - center + 0.5) * step);
        sum += exact[static_cast<size_t>(k)];
      }
      taps_[static_cast<size_t>(i)] = {first, last - first};
      int32_t* weights = weights_.data() + static_cast<size_t>(i) * stride_;
      for (int k = 0; k < last - first; ++k) {
        const double weight = exact[static_cast<size_t>(k)];
        weights[k] = ToFixedPoint(sum != 0.0 ? weight / sum : weight);
      }
    }
  }

  // Output equals input: this pass is left out.
  bool identity() const { return identity_; }
  int first(int i) const { return identity_ ? i : taps_[static_cast<size_t>(i)].first; }
  int count(int i) const { return identity_ ? 1 : taps_[static_cast<size_t>(i)].count; }
  const int32_t* weights(int i) const { return weights_.data() + static_cast<size_t>(i) * stride_; }

 private:
  struct Taps {
    int first;
    int count;
  };
  bool identity_;
  size_t stride_ = 0;
  std::vector<Taps> taps_;
  std::vector<int32_t> weights_;
};

// Buffers of one thread.
struct Scratch {
  std::vector<uint8_t> columns_in;   // [input width x 3][kRowLanes]
  std::vector<uint8_t> columns_out;  // [output width x 3][kRowLanes]
  std::vector<uint8_t> rows;         // horizontally resized rows of one band
};

class Resizer {
 public:
  Resizer(const Image& image, int width, int height)
      : image_(image),
        out_(MakeImage(width, height)),
        horizontal_(image.width, width),
        vertical_(image.height, height),
        resample_(ChooseResampleBytes()) {}

  Image Run(ThreadPool* pool) {
    const size_t num_bands = static_cast<size_t>((out_.height + kBandRows - 1) / kBandRows);
    std::vector<Scratch> scratch(pool != nullptr ? pool->num_threads() : 1);
    for (Scratch& buffers : scratch) Prepare(&buffers);
    const auto band = [&](size_t index, size_t worker) {
      const int begin = static_cast<int>(index) * kBandRows;
      ResizeBand(begin, std::min(begin + kBandRows, out_.height), &scratch[worker]);
    };
    if (pool != nullptr) {
      pool->ParallelFor(num_bands, band);
    } else {
      for (size_t index = 0; index < num_bands; ++index) band(index, 0);
    }
    return std::move(out_);
  }

 private:
  // Input rows that output rows [begin, end) need.
  int FirstRow(int begin) const { return vertical_.first(begin); }
  int LastRow(int end) const { return vertical_.first(end - 1) + vertical_.count(end - 1); }

  void Prepare(Scratch* scratch) const {
    if (horizontal_.identity()) return;
    scratch->columns_in.resize(image_.row_bytes() * kRowLanes);
    scratch->columns_out.resize(out_.row_bytes() * kRowLanes);
    if (vertical_.identity()) return;
    int max_rows = 0;
    for (int begin = 0; begin < out_.height; begin += kBandRows) {
      const int end = std::min(begin + kBandRows, out_.height);
      max_rows = std::max(max_rows, LastRow(end) - FirstRow(begin));
    }
    scratch->rows.resize(out_.row_bytes() * static_cast<size_t>(max_rows));
  }

  void ResizeBand(int begin, int end, Scratch* scratch) {
    const int first_row = FirstRow(begin);
    const uint8_t* rows = image_.row(first_row);
    if (!horizontal_.identity()) {
      uint8_t* resized = vertical_.identity() ? out_.row(begin) : scratch->rows.data();
      ResizeRows(first_row, LastRow(end), scratch, resized);
      rows = resized;
    }
    if (vertical_.identity()) return;
    const size_t row_bytes = out_.row_bytes();
    for (int y = begin; y < end; ++y) {
      const uint8_t* first = rows + static_cast<size_t>(vertical_.first(y) - first_row) * row_bytes;
      resample_(first, row_bytes, vertical_.weights(y), vertical_.count(y), out_.row(y), row_bytes);
    }
  }

  // Horizontal pass over input rows [first, last). Rows are turned into columns of kRowLanes rows,
  // so that the taps of a pixel become contiguous runs, and back.
  void ResizeRows(int first, int last, Scratch* scratch, uint8_t* out) const {
    constexpr size_t kPixelBytes = size_t{3} * kRowLanes;
    for (int row = first; row < last; row += kRowLanes) {
      const auto num_rows = static_cast<size_t>(std::min(kRowLanes, last - row));
      TransposeBytes(image_.row(row), image_.row_bytes(), num_rows, image_.row_bytes(),
                     scratch->columns_in.data(), kRowLanes);
      for (int x = 0; x < out_.width; ++x) {
        const size_t first_pixel = static_cast<size_t>(horizontal_.first(x));
        resample_(scratch->columns_in.data() + first_pixel * kPixelBytes, kPixelBytes,
                  horizontal_.weights(x), horizontal_.count(x),
                  scratch->columns_out.data() + static_cast<size_t>(x) * kPixelBytes, kPixelBytes);
      }
      TransposeBytes(scratch->columns_out.data(), kRowLanes, out_.row_bytes(), num_rows, out,
                     out_.row_bytes());
      out += num_rows * out_.row_bytes();
    }
  }

  const Image& image_;
  Image out_;
  Axis horizontal_;
  Axis vertical_;
  ResampleBytesFunction resample_;
};

}  // namespace

Image ResizeBicubic(const Image& image, int width, int height, ThreadPool* pool) {
  if (!IsWellFormed(image) || width <= 0 || height <= 0) return {};
  if (image.width == width && image.height == height) return image;
  return Resizer(image, width, height).Run(pool);
}

}  // namespace mao
