// Measures the stages of a model without the engine around it: load, image encoding by mode,
// prefill and decode. Prints one JSON object per line.
//
//   maoocr-bench FOLDER [--threads N] [--dtype bfloat16|float32] [--quantization int8|int4]
//                [--modes base,gundam|none] [--encode-batch 1]
//                [--prefill 290,1000|0] [--decode 1,4,8|0] [--context 512] [--steps 32] [--repeat 2]
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "base/cpu_features.h"
#include "base/memory.h"
#include "models/registry.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  std::string folder;
  size_t threads = 0;
  std::string dtype = "bfloat16";
  std::string quantization = "none";
  std::vector<std::string> modes = {"base"};
  size_t encode_batch = 1;
  std::vector<int64_t> prefill = {290};
  std::vector<int64_t> decode = {1};
  int64_t context = 512;
  int64_t steps = 32;
  int repeat = 2;
};

// A page of noise: the time of an encoding does not depend on what is on it.
Image NoisePage(int width, int height) {
  Image image = {width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3)};
  uint32_t state = 1;
  for (uint8_t& value : image.rgb) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<uint8_t>(state >> 24);
  }
  return image;
}

class Bench {
 public:
  static constexpr int64_t kBlockSize = 32;

  Bench(const Options& options, DType dtype)
      : options_(options), pool_(options.threads), ctx_{pool_, dtype, {}, {}} {}

  Status Run() {
    MAO_RETURN_IF_ERROR(Load());
    for (const std::string& mode : options_.modes) MAO_RETURN_IF_ERROR(Encode(mode));
    for (const int64_t tokens : options_.prefill) MAO_RETURN_IF_ERROR(Prefill(tokens));
    for (const int64_t batch : options_.decode) MAO_RETURN_IF_ERROR(Decode(batch));
    fmt::print("{{\"stage\": \"memory\", \"peak_resident_mib\": {}}}\n", PeakResidentBytes() >> 20);
    return OkStatus();
  }

 private:
  Status Load() {
    const auto start = Clock::now();
    MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(options_.folder));
    MAO_ASSIGN_OR_RETURN(const Quantization quantization, ParseQuantization(options_.quantization));
    MAO_ASSIGN_OR_RETURN(model_, LoadModel(checkpoint, {ctx_.compute, quantization}, pool_));
    fmt::print("{{\"stage\": \"load\", \"threads\": {}, \"isa\": \"{}\", \"seconds\": {:.3f}}}\n",
               pool_.num_threads(), CpuIsaName(CurrentCpuIsa()), SecondsSince(start));
    return OkStatus();
  }

  Status Encode(const std::string& mode) {
    Prompt prompt;
    prompt.image = std::make_shared<const Image>(NoisePage(1240, 1754));
    prompt.image_options.mode = mode;
    for (int i = 0; i < options_.repeat; ++i) {
      const auto start = Clock::now();
      MAO_ASSIGN_OR_RETURN(const PreparedPrompt prepared, model_->Prepare(prompt, &pool_));
      const double prepare = SecondsSince(start);
      // Copies of one page: the time does not depend on what is on it.
      const auto page_values =
          static_cast<size_t>(prepared.image->num_rows * model_->info().hidden_size);
      std::vector<float> rows(options_.encode_batch * page_values);
      std::vector<EncodeItem> pages;
      for (size_t page = 0; page < options_.encode_batch; ++page) {
        pages.push_back({prepared.image.get(), rows.data() + page * page_values});
      }
      const auto encode_start = Clock::now();
      MAO_RETURN_IF_ERROR(model_->Encode(ctx_, pages));
      const double seconds = SecondsSince(encode_start);
      fmt::print(
          "{{\"stage\": \"encode\", \"mode\": \"{}\", \"pages\": {}, \"tiles\": {}, "
          "\"rows\": {}, \"prepare_seconds\": {:.4f}, \"seconds\": {:.3f}, "
          "\"per_second\": {:.4f}}}\n",
          mode, pages.size(), prepared.image->tiles.size(), prepared.image->num_rows, prepare,
          seconds, static_cast<double>(pages.size()) / seconds);
    }
    return OkStatus();
  }

  // A cache for `batch` sequences and the block table of each.
  Status MakeCache(int64_t batch, int64_t tokens) {
    const ModelInfo& info = model_->info();
    const KvLayout layout = {ctx_.compute, kBlockSize, info.num_kv_heads, info.head_dim};
    const int64_t per_sequence = (tokens + kBlockSize - 1) / kBlockSize;
    MAO_ASSIGN_OR_RETURN(cache_, KvCache::Allocate(info.num_layers, batch * per_sequence, layout));
    tables_.assign(static_cast<size_t>(batch), {});
    for (int64_t s = 0; s < batch; ++s) {
      for (int64_t i = 0; i < per_sequence; ++i) {
        tables_[static_cast<size_t>(s)].push_back(static_cast<uint32_t>(s * per_sequence + i));
      }
    }
    logits_.resize(static_cast<size_t>(batch * info.vocab_size));
    return OkStatus();
  }

  void Add(ForwardInput& input, int64_t sequence, int64_t first, int64_t count) {
    const auto& table = tables_[static_cast<size_t>(sequence)];
    input.batch.sequences.push_back({input.batch.num_rows(), count, first, table.data()});
    for (int64_t p = first; p < first + count; ++p) {
      // Different tokens for each sequence, so that each chooses experts of its own.
      input.token_ids.push_back(
          static_cast<TokenId>((p * 7919 + sequence * 104729) % model_->info().vocab_size));
      input.embeddings.push_back(nullptr);
      input.batch.positions.push_back(static_cast<int32_t>(p));
      input.batch.slots.push_back(static_cast<int64_t>(table[static_cast<size_t>(p / kBlockSize)]) *
                                      kBlockSize +
                                  p % kBlockSize);
    }
    input.logits_rows.push_back(input.batch.num_rows() - 1);
  }

  Status Prefill(int64_t tokens) {
    MAO_RETURN_IF_ERROR(MakeCache(1, tokens));
    MAO_RETURN_IF_ERROR(model_->ReserveForward(ctx_, tokens, 1));
    for (int i = 0; i < options_.repeat; ++i) {
      ForwardInput input;
      Add(input, 0, 0, tokens);
      const auto start = Clock::now();
      model_->Forward(ctx_, input, cache_, logits_.data());
      const double seconds = SecondsSince(start);
      fmt::print(
          "{{\"stage\": \"prefill\", \"tokens\": {}, \"seconds\": {:.3f}, "
          "\"tokens_per_second\": {:.1f}}}\n",
          tokens, seconds, static_cast<double>(tokens) / seconds);
    }
    return OkStatus();
  }

  Status Decode(int64_t batch) {
    const int64_t total = options_.context + options_.steps;
    MAO_RETURN_IF_ERROR(MakeCache(batch, total));
    MAO_RETURN_IF_ERROR(model_->ReserveForward(ctx_, std::max(batch, options_.context), batch));
    for (int64_t s = 0; s < batch; ++s) {
      ForwardInput prompt;
      Add(prompt, s, 0, options_.context);
      model_->Forward(ctx_, prompt, cache_, logits_.data());
    }
    const auto start = Clock::now();
    for (int64_t step = 0; step < options_.steps; ++step) {
      ForwardInput input;
      for (int64_t s = 0; s < batch; ++s) Add(input, s, options_.context + step, 1);
      model_->Forward(ctx_, input, cache_, logits_.data());
    }
    const double seconds = SecondsSince(start);
    fmt::print(
        "{{\"stage\": \"decode\", \"batch\": {}, \"context\": {}, \"steps\": {}, "
        "\"tokens_per_second\": {:.2f}}}\n",
        batch, options_.context, options_.steps,
        static_cast<double>(batch * options_.steps) / seconds);
    return OkStatus();
  }

  Options options_;
  ThreadPool pool_;
  ExecutionContext ctx_;
  std::unique_ptr<Model> model_;
  KvCache cache_;
  std::vector<std::vector<uint32_t>> tables_;
  std::vector<float> logits_;
};

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  mao::Options options;
  CLI::App app("Measures the stages of a model: load, encode, prefill, decode.");
  app.add_option("folder", options.folder, "Checkpoint folder")->required();
  app.add_option("--threads", options.threads, "0: all cores");
  app.add_option("--dtype", options.dtype)->check(CLI::IsMember({"bfloat16", "float32"}));
  app.add_option("--quantization", options.quantization, "int8 or int4");
  app.add_option("--modes", options.modes, "Image modes, or none")->delimiter(',');
  app.add_option("--encode-batch", options.encode_batch, "Pages encoded at once")
      ->check(CLI::Range(1, 64));
  app.add_option("--prefill", options.prefill, "Prompt lengths; 0: none")->delimiter(',');
  app.add_option("--decode", options.decode, "Batch sizes; 0: none")->delimiter(',');
  app.add_option("--context", options.context, "Tokens before the first decoded one");
  app.add_option("--steps", options.steps, "Decoded tokens");
  app.add_option("--repeat", options.repeat, "Runs of encode and prefill");
  CLI11_PARSE(app, argc, argv);
  std::erase(options.modes, "none");
  std::erase(options.prefill, 0);
  std::erase(options.decode, 0);
  if (const mao::Status status = mao::SetCpuIsaFromEnvironment(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 2;
  }
  const mao::DType dtype = options.dtype == "float32" ? mao::DType::kF32 : mao::DType::kBF16;
  const mao::Status status = mao::Bench(options, dtype).Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
