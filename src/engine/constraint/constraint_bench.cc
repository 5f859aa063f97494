// What a constraint costs beside a model's step, at DeepSeek-OCR's vocabulary of 129k tokens. The
// tokenizer comes from the folder MAOOCR_TOKENIZERS or build/tokenizers (tools/fetch_tokenizers.sh).
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/file.h"
#include "engine/constraint/constraint_compiler.h"

namespace mao {
namespace {

using Kind = ConstraintSpec::Kind;

constexpr size_t kMaxFileBytes = size_t{64} << 20;

const ConstraintSpec kInvoice = {Kind::kJsonSchema, R"({"type":"object","properties":{
    "invoice_no":{"type":"string","pattern":"^[A-Z0-9-]{4,20}$"},
    "date":{"type":"string","format":"date"},
    "seller":{"type":"string"},"buyer":{"type":"string","maxLength":80},
    "currency":{"enum":["CNY","USD","EUR"]},"total":{"type":"number","minimum":0},
    "items":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},
    "quantity":{"type":"integer","minimum":1},"price":{"type":"number"}},
    "required":["name","quantity","price"]}}},
    "required":["invoice_no","date","seller","buyer","currency","total","items"]})"};

const char* const kDocument = R"json({
  "invoice_no": "INV-2024-0031",
  "date": "2024-02-29",
  "seller": "上海示例科技有限公司 (Shanghai Example Technology Co., Ltd.)",
  "buyer": "The committee for the \"budget\" of the coming year",
  "currency": "CNY",
  "total": 10240.50,
  "items": [
    {"name": "Optical character recognition, 1,000 pages", "quantity": 10, "price": 1000.05},
    {"name": "技术服务费（含税）", "quantity": 2, "price": 120},
    {"name": "Delivery", "quantity": 1, "price": 0}
  ]
})json";

const Tokenizer* LoadTokenizer(benchmark::State& bench) {
  static const std::unique_ptr<Tokenizer> tokenizer = [] {
    const char* folder = std::getenv("MAOOCR_TOKENIZERS");
    const std::string path =
        (folder != nullptr ? folder : std::string(MAOOCR_SOURCE_DIR) + "/build/tokenizers") +
        "/deepseek_v3.json";
    const Result<std::string> json = ReadFile(path, kMaxFileBytes);
    if (!json.ok()) return std::unique_ptr<Tokenizer>();
    Result<std::unique_ptr<Tokenizer>> loaded = Tokenizer::FromJson(*json, path);
    return loaded.ok() ? *std::move(loaded) : nullptr;
  }();
  if (tokenizer == nullptr) bench.SkipWithError("run tools/fetch_tokenizers.sh");
  return tokenizer.get();
}

std::shared_ptr<const ConstraintVocabulary> SharedVocabulary(const Tokenizer& tokenizer) {
  static const auto vocabulary = ConstraintVocabulary::Create(tokenizer);
  return *vocabulary;
}

std::shared_ptr<const Constraint> Compile(const Tokenizer& tokenizer, const ConstraintSpec& spec) {
  return CompileConstraint(spec, SharedVocabulary(tokenizer)).value();
}

std::vector<uint64_t> MakeBits(const Tokenizer& tokenizer) {
  return std::vector<uint64_t>((tokenizer.vocab_size() + 63) / 64);
}

void BM_Vocabulary(benchmark::State& bench) {
  const Tokenizer* tokenizer = LoadTokenizer(bench);
  if (tokenizer == nullptr) return;
  for (auto _ : bench) benchmark::DoNotOptimize(ConstraintVocabulary::Create(*tokenizer));
}
BENCHMARK(BM_Vocabulary)->Unit(benchmark::kMillisecond);

void BM_CompileInvoiceSchema(benchmark::State& bench) {
  const Tokenizer* tokenizer = LoadTokenizer(bench);
  if (tokenizer == nullptr) return;
  for (auto _ : bench) benchmark::DoNotOptimize(Compile(*tokenizer, kInvoice));
}
BENCHMARK(BM_CompileInvoiceSchema)->Unit(benchmark::kMicrosecond);

// The mask after some text; `fresh`: of a constraint that nobody has used.
void MaskAfter(benchmark::State& bench, const ConstraintSpec& spec, const std::string& text,
               bool fresh) {
  const Tokenizer* tokenizer = LoadTokenizer(bench);
  if (tokenizer == nullptr) return;
  const auto ids = tokenizer->Encode(text);
  std::vector<uint64_t> bits = MakeBits(*tokenizer);
  auto constraint = Compile(*tokenizer, spec);
  const auto make_state = [&] {
    ConstraintState state(constraint, {});
    for (const TokenId id : *ids) {
      if (!state.Accept(id)) bench.SkipWithError("the text is not allowed");
    }
    return state;
  };
  ConstraintState state = make_state();
  for (auto _ : bench) {
    if (fresh) {
      bench.PauseTiming();
      constraint = Compile(*tokenizer, spec);
      state = make_state();
      bench.ResumeTiming();
    }
    if (!state.FillMask(bits).ok()) bench.SkipWithError("too ambiguous");
    benchmark::DoNotOptimize(bits.data());
  }
}

const ConstraintSpec kAnyObject = {Kind::kJsonObject, ""};
const ConstraintSpec kShortString = {Kind::kJsonSchema, R"({"type":"string","maxLength":200})"};
const ConstraintSpec kAnything = {Kind::kRegex, "[\\s\\S]*"};

BENCHMARK_CAPTURE(MaskAfter, name_of_property, kInvoice, "{\n", false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, value_begins, kAnyObject, "{\"a\":", false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_number, kAnyObject, "{\"a\": 12", false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_string, kAnyObject, "{\"a\": \"Total", false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_string_nested, kAnyObject, "{\"a\": [{\"b\": [[{\"c\": [\"Total",
                  false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_short_string, kShortString, "\"Total", false)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, any_text, kAnything, "Total", false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_string_first_time, kAnyObject, "{\"a\": \"Total", true)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(MaskAfter, in_short_string_first_time, kShortString, "\"Total", true)
    ->Unit(benchmark::kMicrosecond);

// A whole document, token by token; time per token. `fresh`: with a constraint nobody has used.
void Document(benchmark::State& bench, const ConstraintSpec& spec, bool fresh) {
  const Tokenizer* tokenizer = LoadTokenizer(bench);
  if (tokenizer == nullptr) return;
  const auto ids = tokenizer->Encode(kDocument);
  std::vector<uint64_t> bits = MakeBits(*tokenizer);
  auto constraint = Compile(*tokenizer, spec);
  for (auto _ : bench) {
    if (fresh) {
      bench.PauseTiming();
      constraint = Compile(*tokenizer, spec);
      bench.ResumeTiming();
    }
    ConstraintState state(constraint, {});
    for (const TokenId id : *ids) {
      if (!state.FillMask(bits).ok() || (bits[id / 64] >> (id % 64) & 1) == 0 ||
          !state.Accept(id)) {
        return bench.SkipWithError("the document is not allowed");
      }
    }
    if (!state.CanOnlyEnd()) return bench.SkipWithError("the document is not complete");
  }
  bench.counters["tokens"] = static_cast<double>(ids->size());
  bench.counters["per_token"] =
      benchmark::Counter(static_cast<double>(bench.iterations()) * static_cast<double>(ids->size()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(Document, invoice, kInvoice, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Document, invoice_first_time, kInvoice, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Document, any_object, kAnyObject, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Document, any_object_first_time, kAnyObject, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mao
