// One step of one request at DeepSeek-OCR's vocabulary, and the loop detector's share.
#include <cmath>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/sample/loop_detector.h"
#include "engine/sample/sampler.h"

namespace mao {
namespace {

constexpr int kVocabSize = 129280;

void RunSteps(benchmark::State& bench, SamplingParams params) {
  Sampler sampler(kVocabSize);
  params.max_tokens = 1 << 30;
  auto state = SamplingState::Create(std::move(params), {}, kVocabSize);
  if (!state.ok()) return bench.SkipWithError(state.status().message().c_str());
  std::vector<float> raw(kVocabSize);
  for (int i = 0; i < kVocabSize; ++i) raw[i] = static_cast<float>(5 * std::sin(0.37 * i));
  std::vector<float> logits(raw);
  for (auto _ : bench) {
    std::copy(raw.begin(), raw.end(), logits.begin());
    auto token = sampler.Sample(*state, logits);
    benchmark::DoNotOptimize(token);
  }
}

void BM_Greedy(benchmark::State& bench) { RunSteps(bench, {}); }
BENCHMARK(BM_Greedy);

void BM_GreedyWithNgramBan(benchmark::State& bench) {
  SamplingParams params;
  params.no_repeat_ngram_size = 30;
  RunSteps(bench, params);
}
BENCHMARK(BM_GreedyWithNgramBan);

void BM_GreedyWithLogprobs(benchmark::State& bench) {
  SamplingParams params;
  params.logprobs = 5;
  RunSteps(bench, params);
}
BENCHMARK(BM_GreedyWithLogprobs);

void BM_TopKTopP(benchmark::State& bench) {
  SamplingParams params;
  params.temperature = 0.7F;
  params.top_k = 50;
  params.top_p = 0.9F;
  params.seed = 1;
  RunSteps(bench, params);
}
BENCHMARK(BM_TopKTopP);

void BM_TopPAlone(benchmark::State& bench) {
  SamplingParams params;
  params.temperature = 0.7F;
  params.top_p = 0.9F;
  params.seed = 1;
  RunSteps(bench, params);
}
BENCHMARK(BM_TopPAlone);

void BM_LoopDetector(benchmark::State& bench) {
  LoopDetector detector;
  TokenId id = 0;
  for (auto _ : bench) benchmark::DoNotOptimize(detector.Push(id++ % 1000));
}
BENCHMARK(BM_LoopDetector);

}  // namespace
}  // namespace mao
