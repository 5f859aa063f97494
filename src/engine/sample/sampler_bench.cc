// One step of one request at DeepSeek-OCR's vocabulary, and the loop detector's share.
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/sample/loop_detector.h"
#include "engine/sample/sampler.h"

namespace mao {
namespace {

constexpr int kVocabSize = 129280;

void RunSteps(benchmark::State& bench, SamplingParams params,
              std::shared_ptr<const Constraint> constraint = nullptr) {
  Sampler sampler(kVocabSize);
  params.max_tokens = 1 << 30;
  auto state = SamplingState::Create(std::move(params), {}, kVocabSize, {}, std::move(constraint));
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

// The finding of the mask is measured in constraint_bench.cc; here it is short beside the rest.
void BM_GreedyWithConstraint(benchmark::State& bench) {
  SamplingParams params;
  params.constraint = ConstraintSpec{ConstraintSpec::Kind::kRegex, "[^7]*"};
  std::vector<std::string> tokens(kVocabSize);
  for (int i = 0; i < kVocabSize; ++i) tokens[i] = std::to_string(i);
  auto vocabulary = std::make_shared<ConstraintVocabulary>();
  vocabulary->first = vocabulary->later = std::make_shared<const TokenTree>(std::move(tokens));
  RunSteps(bench, params, CompileConstraint(*params.constraint, std::move(vocabulary)).value());
}
BENCHMARK(BM_GreedyWithConstraint);

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
