#include "apps/ocr_command.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <fmt/format.h>

#include "apps/console.h"
#include "apps/exit_code.h"
#include "apps/inputs.h"
#include "apps/interrupt.h"
#include "apps/live_text.h"
#include "apps/open_model.h"
#include "apps/page_output.h"
#include "ocr/document_reader.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

// Reads the files one after the other and writes what comes out of them.
class OcrRun {
 public:
  OcrRun(const OcrOptions& options, std::vector<OutputFormat> formats, ReadOptions read_options,
         std::vector<InputFile> files, Console& console)
      : options_(options),
        formats_(std::move(formats)),
        read_options_(std::move(read_options)),
        files_(std::move(files)),
        console_(console) {}

  // Until all is read or the stop token of the read options says so.
  void Run(Engine& engine) {
    PageReader page_reader(engine);
    DocumentReader reader(page_reader, size_t{2} * engine.config().max_num_seqs);
    start_ = Clock::now();
    for (size_t next = 0; next < files_.size() || !reader.empty();) {
      while (next < files_.size() && !reader.full() && !is_stopped()) {
        reader.Push(LoadPage(files_[next++]), read_options_);
      }
      if (reader.empty() || is_stopped() || !output_status_.ok()) return;
      ReadNext(reader);
    }
  }

  size_t num_done() const { return num_done_; }
  size_t num_failed() const { return num_failed_; }
  const Status& output_status() const { return output_status_; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_stopped() const { return read_options_.stop.stop_requested(); }
  bool is_single() const { return files_.size() == 1; }
  bool to_folder() const { return !options_.output.empty(); }

  void ReadNext(DocumentReader& reader) {
    const InputFile& file = files_[num_done_];
    LiveText live(formats_.front(), read_options_.markdown);
    const bool is_live = is_single() && !to_folder() && console_.output_is_terminal();
    int64_t num_pieces = 0;  // of text; as a rule one for each token
    ShowProgress(num_pieces);
    const ReadPage page = reader.Pop([&](std::string_view text) {
      if (is_live) {
        Show(live.Feed(text));
      } else {
        ++num_pieces;
        ShowProgress(num_pieces);
      }
    });
    if (is_stopped() && !page.result.ok()) {
      if (is_live) Show("\n");
      return;
    }
    ++num_done_;
    const Status status = page.result.ok() ? Write(file, page, live) : page.result.status();
    if (!status.ok()) {
      ++num_failed_;
      console_.Error(file.path, status.message());
    }
  }

  Status Write(const InputFile& file, const ReadPage& read, const LiveText& live) {
    const PageResult& page = *read.result;
    num_tokens_ += page.tokens.output;
    WarnIfCut(file, page);
    if (to_folder()) {
      const fs::path folder = fs::path(options_.output) / file.output_name;
      return WritePageFiles({folder.string(), file.output_name, formats_, options_.overlay},
                            file.path, *read.image, page);
    }
    Print(file, page, live);
    if (!options_.overlay) return OkStatus();
    const std::string path = file.output_name + "_overlay.png";
    MAO_RETURN_IF_ERROR(WriteOverlay(path, *read.image, page));
    console_.Note("wrote " + path);
    return OkStatus();
  }

  void Print(const InputFile& file, const PageResult& page, const LiveText& live) {
    const OutputFormat format = formats_.front();
    const std::string text = RenderPage(page, format, file.path, is_single());
    Show(live.Finish(text));
    if (!is_single() && format != OutputFormat::kJson) {
      Show(kPageSplit);
    } else if (!text.empty() && !text.ends_with('\n')) {
      Show("\n");
    }
  }

  void Show(std::string_view text) {
    if (output_status_.ok()) output_status_ = console_.Print(text);
  }

  void WarnIfCut(const InputFile& file, const PageResult& page) {
    if (page.finish == PageFinish::kLength) {
      console_.Warn(file.path, fmt::format("the text is cut off after {} tokens (--max-tokens, or "
                                           "the length of the model's context)",
                                           page.tokens.output));
    } else if (page.finish == PageFinish::kRepetition) {
      console_.Warn(file.path, fmt::format("the text went round in circles and is cut off after {} "
                                           "tokens; another --mode may help",
                                           page.tokens.output));
    }
  }

  // num_more_tokens: of the page that is being read.
  void ShowProgress(int64_t num_more_tokens) {
    if (is_single() && !to_folder()) return;
    const double elapsed = seconds();
    console_.ShowProgress(
        {num_done_, files_.size(), files_[num_done_].path,
         static_cast<double>(num_tokens_ + num_more_tokens) / std::max(elapsed, 1e-3), elapsed});
  }

  const OcrOptions& options_;
  std::vector<OutputFormat> formats_;
  ReadOptions read_options_;
  std::vector<InputFile> files_;
  Console& console_;
  Clock::time_point start_;
  size_t num_done_ = 0;
  size_t num_failed_ = 0;
  int64_t num_tokens_ = 0;
  Status output_status_;
};

SamplingParams MakeSampling(const OcrOptions& options, const ModelInfo& model) {
  SamplingParams params = DefaultSampling(model);
  params.max_tokens = options.max_tokens;
  params.temperature = options.temperature;
  params.top_p = options.top_p;
  params.top_k = options.top_k;
  params.seed = options.seed;
  params.no_repeat_ngram_size = options.no_repeat_ngram_size.value_or(params.no_repeat_ngram_size);
  params.no_repeat_ngram_window =
      options.no_repeat_ngram_window.value_or(params.no_repeat_ngram_window);
  return params;
}

Status CheckForModel(const OcrOptions& options, const SamplingParams& sampling,
                     const ModelInfo& model) {
  const std::vector<std::string>& modes = model.image_modes;
  if (std::find(modes.begin(), modes.end(), options.mode) == modes.end()) {
    return InvalidArgumentError(fmt::format("--mode: the model has no mode '{}'; it has {}",
                                            options.mode, fmt::join(modes, ", ")));
  }
  return Validate(sampling, static_cast<int>(model.vocab_size));
}

Status CheckOutput(const OcrOptions& options, const std::vector<OutputFormat>& formats) {
  if (options.output.empty()) {
    if (formats.size() == 1) return OkStatus();
    return InvalidArgumentError("--format: several formats need --output DIR");
  }
  std::error_code error;
  fs::create_directories(options.output, error);
  if (!error) return OkStatus();
  return InvalidArgumentError(fmt::format("--output {}: {}", options.output, error.message()));
}

int UsageError(Console& console, const Status& status) {
  console.Error("", status.message());
  return kExitUsage;
}

// What is left to say after the run, and the exit code.
int Conclude(const OcrRun& run, size_t num_files, int signal, Console& console) {
  if (!run.output_status().ok()) {
    console.Error("", run.output_status().message());
    return kExitFailed;
  }
  if (signal != 0 && run.num_done() < num_files) {
    console.Error("", fmt::format("interrupted; {} of {} files done", run.num_done(), num_files));
    return kExitSignal + signal;
  }
  if (num_files > 1) {
    console.Note(fmt::format("{} of {} files read in {:.1f} s", run.num_done() - run.num_failed(),
                             num_files, run.seconds()));
  }
  return run.num_failed() > 0 ? kExitFailed : kExitOk;
}

}  // namespace

int RunOcr(const OcrOptions& options) {
  InterruptWatch interrupt;
  Console console(options.quiet);
  Result<OcrTask> task = ParseTask(options.task);
  if (!task.ok()) return UsageError(console, task.status());
  Result<std::vector<OutputFormat>> formats = ParseFormats(options.format);
  if (!formats.ok()) return UsageError(console, formats.status());
  if (Status status = CheckOutput(options, *formats); !status.ok()) {
    return UsageError(console, status);
  }
  std::vector<InputFile> files = ExpandInputs(options.files);
  const size_t num_files = files.size();
  const auto max_num_seqs =
      static_cast<uint32_t>(std::min<size_t>(options.max_num_seqs, num_files));
  OpenModelOptions model = {options.model, options.dtype, options.quantization, {}};
  model.engine.num_threads = options.num_threads;
  model.engine.max_num_seqs = max_num_seqs;
  const Result<std::unique_ptr<Engine>> engine = OpenEngine(model);
  if (!engine.ok()) {
    console.Error("", engine.status().message());
    return kExitModel;
  }
  ReadOptions read_options;
  read_options.task = std::move(task).value();
  read_options.sampling = MakeSampling(options, (*engine)->model_info());
  read_options.image = {options.mode, options.max_tiles};
  read_options.markdown.collapse_blank_lines = true;
  read_options.stop = interrupt.token();
  if (Status status = CheckForModel(options, read_options.sampling, (*engine)->model_info());
      !status.ok()) {
    return UsageError(console, status);
  }
  interrupt.BeginGraceful();
  OcrRun run(options, std::move(formats).value(), std::move(read_options), std::move(files),
             console);
  run.Run(**engine);
  return Conclude(run, num_files, interrupt.signal(), console);
}

}  // namespace mao
