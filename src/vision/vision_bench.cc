// What one page costs before the vision tower: a page of 1240 x 1754 pixels (A4 at 150 dpi), made
// from a recorded scan.
#include <string>

#include <benchmark/benchmark.h>

#include "base/cpu_features.h"
#include "base/file.h"
#include "vision/crop.h"
#include "vision/decode.h"
#include "vision/encode.h"
#include "vision/letterbox.h"
#include "vision/resize.h"
#include "vision/tile_grid.h"

namespace mao {
namespace {

struct Page {
  Image image;
  std::string jpeg;
  std::string png;
};

// Empty if the recorded scan cannot be read; every benchmark then fails with a message.
const Page& ThePage() {
  static const Page page = [] {
    Page made;
    const auto file = ReadFile(
        MAOOCR_SOURCE_DIR "/tests/fixtures/preproc/images/large-1700x2200.jpg", size_t{1} << 24);
    if (!file.ok()) return made;
    const auto scan = DecodeImage(AsBytes(*file), "page");
    if (!scan.ok()) return made;
    made.image = ResizeBicubic(*scan, 1240, 1754, nullptr);
    made.jpeg = EncodeJpeg(made.image).value();
    made.png = EncodePng(made.image).value();
    return made;
  }();
  return page;
}

void Decode(benchmark::State& state, std::string Page::*file) {
  const std::string& bytes = ThePage().*file;
  for (auto _ : state) {
    const auto image = DecodeImage(AsBytes(bytes), "page");
    if (!image.ok()) return state.SkipWithError(image.status().ToString().c_str());
  }
}

bool Pad(benchmark::State& state, const Image& image, ThreadPool* pool) {
  auto view = PadToSquare(image, 1024, pool);
  if (!view.ok()) state.SkipWithError(view.status().ToString().c_str());
  benchmark::DoNotOptimize(view);
  return view.ok();
}

void CutTiles(const Image& image, ThreadPool* pool) {
  const TileGrid grid = ChooseTileGrid(image.width, image.height, 640, 2, 6);
  const Image whole = ResizeBicubic(image, grid.columns * 640, grid.rows * 640, pool);
  for (int k = 0; k < grid.columns * grid.rows; ++k) {
    Image tile = Crop(whole, k % grid.columns * 640, k / grid.columns * 640, 640, 640);
    benchmark::DoNotOptimize(tile);
  }
}

void DecodeJpegPage(benchmark::State& state) { Decode(state, &Page::jpeg); }
void DecodePngPage(benchmark::State& state) { Decode(state, &Page::png); }

// The base view: a square of 1024. The argument counts threads.
void BaseView(benchmark::State& state) {
  ThreadPool pool(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    if (!Pad(state, ThePage().image, &pool)) return;
  }
}

// The same without AVX2.
void BaseViewGeneric(benchmark::State& state) {
  const CpuIsa before = CurrentCpuIsa();
  if (!SetCpuIsa(CpuIsa::kGeneric).ok())
    return state.SkipWithError("cannot choose the generic code");
  BaseView(state);
  if (!SetCpuIsa(before).ok()) state.SkipWithError("cannot choose the former code");
}

// The base view and 2 x 3 tiles of 640.
void GundamViews(benchmark::State& state) {
  ThreadPool pool(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    if (!Pad(state, ThePage().image, &pool)) return;
    CutTiles(ThePage().image, &pool);
  }
}

void JpegToBaseView(benchmark::State& state) {
  ThreadPool pool(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const auto image = DecodeImage(AsBytes(ThePage().jpeg), "page");
    if (!image.ok()) return state.SkipWithError(image.status().ToString().c_str());
    if (!Pad(state, *image, &pool)) return;
  }
}

void JpegToGundamViews(benchmark::State& state) {
  ThreadPool pool(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const auto image = DecodeImage(AsBytes(ThePage().jpeg), "page");
    if (!image.ok()) return state.SkipWithError(image.status().ToString().c_str());
    if (!Pad(state, *image, &pool)) return;
    CutTiles(*image, &pool);
  }
}

BENCHMARK(DecodeJpegPage)->Unit(benchmark::kMillisecond);
BENCHMARK(DecodePngPage)->Unit(benchmark::kMillisecond);
BENCHMARK(BaseViewGeneric)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BaseView)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(GundamViews)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(JpegToBaseView)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(JpegToGundamViews)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace mao
