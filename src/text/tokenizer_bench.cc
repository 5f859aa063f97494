// Encoding and decoding speed on one core. Real tokenizers come from the folder MAOOCR_TOKENIZERS
// or build/tokenizers (tools/fetch_tokenizers.sh); the others are in tests/fixtures/tokenizers.
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/file.h"
#include "text/tokenizer.h"

namespace mao {
namespace {

constexpr size_t kTextBytes = size_t{1} << 20;
constexpr size_t kMaxFileBytes = size_t{64} << 20;

std::unique_ptr<Tokenizer> Load(benchmark::State& state, const std::string& name) {
  const char* folder = std::getenv("MAOOCR_TOKENIZERS");
  const std::string root = MAOOCR_SOURCE_DIR;
  for (const std::string& path :
       {(folder != nullptr ? folder : root + "/build/tokenizers") + "/" + name + ".json",
        root + "/tests/fixtures/tokenizers/" + name + ".json"}) {
    const Result<std::string> json = ReadFile(path, kMaxFileBytes);
    if (!json.ok()) continue;
    Result<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::FromJson(*json, path);
    if (tokenizer.ok()) return *std::move(tokenizer);
  }
  state.SkipWithError(("no tokenizer " + name + ": run tools/fetch_tokenizers.sh").c_str());
  return nullptr;
}

// Sentences of both languages in random order, with numbers and invented words between them.
std::string MixedText() {
  static const char* const kSentences[] = {
      "The committee approved the budget for the coming year without further discussion. ",
      "Optical character recognition turns pictures of text into characters. ",
      "Table 3 shows the mean absolute error for every layer; lower is better. ",
      "However, the authors didn't report results on handwritten documents. ",
      "| Item | Quantity | Unit price |\n|---|---|---|\n",
      "<table><tr><td>Total</td><td>1,024.50</td></tr></table>\n",
      "$$\\int_0^1 x^2 \\, dx = \\frac{1}{3}$$\n\n",
      "本文提出了一种新的文档解析方法，能够同时处理文字、表格和公式。",
      "请在规定的时间内将申请表提交至办公室，逾期不予受理。",
      "实验结果表明，该模型在多个公开数据集上取得了最好的成绩。\n",
      "根据合同第十二条的规定，双方应当友好协商解决争议。",
      "先天下之忧而忧，后天下之乐而乐。",
  };
  std::mt19937 random(7);
  std::string text;
  while (text.size() < kTextBytes) {
    text += kSentences[random() % std::size(kSentences)];
    if (random() % 4 == 0) text += std::to_string(random() % 1000000) + " ";
    if (random() % 4 == 0) {
      for (unsigned i = 0; i < 9; ++i) text += static_cast<char>('a' + random() % 26);
      text += ' ';
    }
  }
  return text;
}

void Encode(benchmark::State& state, const std::string& name, const std::string& text) {
  const std::unique_ptr<Tokenizer> tokenizer = Load(state, name);
  if (tokenizer == nullptr) return;
  size_t num_tokens = 0;
  for (auto _ : state) {
    Result<std::vector<TokenId>> ids = tokenizer->Encode(text);
    if (!ids.ok()) return state.SkipWithError(ids.status().ToString().c_str());
    num_tokens = ids->size();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(num_tokens);
}

void Decode(benchmark::State& state, const std::string& name) {
  const std::unique_ptr<Tokenizer> tokenizer = Load(state, name);
  if (tokenizer == nullptr) return;
  const Result<std::vector<TokenId>> ids = tokenizer->Encode(MixedText());
  if (!ids.ok()) return state.SkipWithError(ids.status().ToString().c_str());
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->Decode(*ids, false));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(ids->size()));
}

void EncodeMixed(benchmark::State& state, const std::string& name) {
  Encode(state, name, MixedText());
}
void EncodeOneWord(benchmark::State& state, const std::string& name) {
  Encode(state, name, std::string(kTextBytes, 'a'));
}

BENCHMARK_CAPTURE(EncodeMixed, deepseek_v3, "deepseek_v3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeMixed, qwen3, "qwen3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeMixed, llama3, "llama3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeMixed, llama2, "llama2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeMixed, maoocr_tiny, "maoocr_tiny")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeOneWord, deepseek_v3, "deepseek_v3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeOneWord, llama2, "llama2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, deepseek_v3, "deepseek_v3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, llama2, "llama2")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mao
