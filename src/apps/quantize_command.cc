#include "apps/quantize_command.h"

#include <chrono>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/console.h"
#include "apps/exit_code.h"
#include "apps/interrupt.h"
#include "apps/open_model.h"
#include "models/quantize_model.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kBytesPerMb = 1e6;
constexpr double kBytesPerGb = 1e9;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A bar for a terminal; else a line for every tenth of the work.
class ProgressTeller {
 public:
  ProgressTeller(const std::string& output, Console& console)
      : output_(output), console_(console), start_(Clock::now()) {}

  void Tell(size_t done_bytes, size_t total_bytes) {
    if (console_.error_is_terminal()) {
      const auto megabytes = [](size_t bytes) {
        return static_cast<size_t>(static_cast<double>(bytes) / kBytesPerMb);
      };
      console_.ShowProgress(
          {megabytes(done_bytes), megabytes(total_bytes), output_, 0, SecondsSince(start_), "MB"});
      return;
    }
    constexpr size_t kNumLines = 10;
    const size_t line = total_bytes == 0 ? kNumLines : done_bytes * kNumLines / total_bytes;
    if (line == lines_told_) return;
    lines_told_ = line;
    console_.Say(fmt::format("{}: {} % of {:.2f} GB", output_, line * (100 / kNumLines),
                             static_cast<double>(total_bytes) / kBytesPerGb));
  }

  double seconds() const { return SecondsSince(start_); }

 private:
  const std::string& output_;
  Console& console_;
  Clock::time_point start_;
  size_t lines_told_ = 0;
};

std::string ResultJson(const QuantizeCommandOptions& options, const QuantizeResult& result,
                       double seconds) {
  nlohmann::ordered_json json;
  json["model"] = options.model;
  json["output"] = options.output;
  json["quantization"] = options.quantization;
  json["tensors"] = result.num_tensors;
  json["tensor_bytes"] = result.total_bytes;
  json["was_complete"] = result.was_complete;
  json["seconds"] = seconds;
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Status TellResult(const QuantizeCommandOptions& options, const QuantizeResult& result,
                  double seconds, Console& console) {
  if (options.json) return console.Print(ResultJson(options, result, seconds));
  const std::string size = fmt::format("{} tensors, {:.2f} GB", result.num_tensors,
                                       static_cast<double>(result.total_bytes) / kBytesPerGb);
  console.Say(result.was_complete
                  ? fmt::format("{}: is complete already: {}", options.output, size)
                  : fmt::format("{}: complete: {}, in {:.1f} s", options.output, size, seconds));
  return OkStatus();
}

}  // namespace

int RunQuantize(const QuantizeCommandOptions& options) {
  InterruptWatch interrupt;
  Console console(options.quiet);
  const Result<Checkpoint> source = OpenCheckpoint(options.model);
  if (!source.ok()) {
    console.Error("", source.status().message());
    return kExitModel;
  }
  const Result<DType> dtype = ParseComputeDType(options.dtype, *source);
  const Result<Quantization> quantization = ParseQuantization(options.quantization);
  if (!dtype.ok() || !quantization.ok()) {
    console.Error("", dtype.ok() ? quantization.status().message() : dtype.status().message());
    return kExitUsage;
  }
  ProgressTeller progress(options.output, console);
  QuantizeOptions quantize;
  quantize.quantization = *quantization;
  quantize.dtype = *dtype;
  quantize.progress = [&](size_t done, size_t total) { progress.Tell(done, total); };
  quantize.stop = interrupt.token();
  interrupt.BeginGraceful();
  ThreadPool pool(options.num_threads);
  const Result<QuantizeResult> result = QuantizeModel(*source, options.output, quantize, pool);
  if (!result.ok() && result.status().code() == StatusCode::kCancelled) {
    console.Error("",
                  fmt::format("{}: interrupted; the same command continues it", options.output));
    return kExitSignal + interrupt.signal();
  }
  const Status status =
      result.ok() ? TellResult(options, *result, progress.seconds(), console) : result.status();
  if (!status.ok()) console.Error("", status.message());
  return status.ok() ? kExitOk : kExitFailed;
}

}  // namespace mao
