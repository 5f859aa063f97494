#include "apps/ocr_command.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/core.h>
#include <fmt/format.h>

#include "apps/console.h"
#include "apps/document_output.h"
#include "apps/exit_code.h"
#include "apps/input_pages.h"
#include "apps/inputs.h"
#include "apps/interrupt.h"
#include "apps/live_text.h"
#include "apps/open_model.h"
#include "apps/page_output.h"
#include "ocr/document_reader.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

struct OcrRunOptions {
  std::vector<OutputFormat> formats;
  ReadOptions picture;
  SamplingParams pdf_sampling;
};

// Reads the pages one after the other and writes what comes out of them.
class OcrRun {
 public:
  OcrRun(const OcrOptions& options, OcrRunOptions run_options, InputPages pages, Console& console)
      : options_(options),
        run_options_(std::move(run_options)),
        pages_(std::move(pages)),
        console_(console) {}

  // Until all is read or the stop token of the read options says so.
  void Run(Engine& engine) {
    PageReader page_reader(engine);
    DocumentReader reader(page_reader, size_t{2} * engine.config().max_num_seqs);
    start_ = Clock::now();
    while (!is_stopped() && output_status_.ok()) {
      while (!pages_.done() && !reader.full() && !is_stopped()) PushNext(reader);
      if (reader.empty() || is_stopped()) break;
      ReadNext(reader);
    }
    if (document_.has_value()) EndDocument(files()[document_file_]);  // what there is of it
  }

  size_t num_done() const { return num_done_; }
  size_t num_failed() const { return num_failed_; }
  size_t num_known() const { return pages_.num_known(); }
  std::string_view noun() const { return num_known() > files().size() ? "pages" : "files"; }
  const Status& output_status() const { return output_status_; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_stopped() const { return run_options_.picture.stop.stop_requested(); }
  const std::vector<InputFile>& files() const { return pages_.files(); }
  const std::vector<OutputFormat>& formats() const { return run_options_.formats; }
  bool is_single_file() const { return files().size() == 1; }
  bool is_single(const InputPage& page) const { return is_single_file() && !page.is_document; }
  bool to_folder() const { return !options_.output.empty(); }
  PageFiles FilesOf(const InputFile& file) const {
    const fs::path folder = fs::path(options_.output) / file.output_name;
    return {folder.string(), file.output_name, formats(), options_.overlay};
  }

  void PushNext(DocumentReader& reader) {
    InputPage page = pages_.Next();
    DocumentPage content = std::move(page.content);
    ReadOptions read_options = run_options_.picture;
    if (page.is_document) {
      read_options.sampling = run_options_.pdf_sampling;
      read_options.markdown.page = page.page;
    }
    pending_.push_back(std::move(page));
    reader.Push(std::move(content), read_options);
  }

  std::string NameOf(const InputPage& page) const {
    const std::string& path = files()[page.file].path;
    return page.is_document ? fmt::format("{}: page {}", path, page.page + 1) : path;
  }

  void ReadNext(DocumentReader& reader) {
    const InputPage page = std::move(pending_.front());
    pending_.pop_front();
    LiveText live(formats().front(), run_options_.picture.markdown);
    const bool is_live = is_single(page) && !to_folder() && console_.output_is_terminal();
    int64_t num_pieces = 0;  // of text; as a rule one for each token
    ShowProgress(page, num_pieces);
    ReadPage read = reader.Pop([&](std::string_view text) {
      if (is_live) {
        Show(live.Feed(text));
      } else {
        ++num_pieces;
        ShowProgress(page, num_pieces);
      }
    });
    if (is_stopped() && !read.result.ok()) {
      if (is_live) Show("\n");
      return;
    }
    ++num_done_;
    if (read.result.ok()) read.result->page = page.page;
    const Status status = page.is_document   ? TakePage(page, read)
                          : read.result.ok() ? Write(page, read, live)
                                             : read.result.status();
    if (!status.ok()) {
      ++num_failed_;
      console_.Error(NameOf(page), status.message());
    }
    if (page.is_document && page.ends_file) EndDocument(files()[page.file]);
  }

  Status Write(const InputPage& input, const ReadPage& read, const LiveText& live) {
    const InputFile& file = files()[input.file];
    const PageResult& page = *read.result;
    num_tokens_ += page.tokens.output;
    WarnIfCut(input, page);
    if (to_folder()) return WritePageFiles(FilesOf(file), file.path, *read.image, page);
    Print(file, page, live);
    if (!options_.overlay) return OkStatus();
    return WriteOverlayHere(file.output_name + "_overlay.png", *read.image, page);
  }

  Status WriteOverlayHere(const std::string& path, const Image& image, const PageResult& page) {
    MAO_RETURN_IF_ERROR(WriteOverlay(path, image, page));
    console_.Note("wrote " + path);
    return OkStatus();
  }

  // Of a document: its texts are written together, unless they go to standard output.
  Status TakePage(const InputPage& input, const ReadPage& read) {
    const InputFile& file = files()[input.file];
    const bool prints_at_once = !to_folder() && formats().front() != OutputFormat::kJson;
    if (!document_.has_value()) {
      document_.emplace(file.path, input.num_pages,
                        prints_at_once ? std::vector<OutputFormat>() : formats());
      document_file_ = input.file;
    }
    if (!read.result.ok()) {
      document_->AddError(input.page, read.result.status());
      if (prints_at_once) Show(kPageSplit);
      return read.result.status();
    }
    const PageResult& page = *read.result;
    num_tokens_ += page.tokens.output;
    WarnIfCut(input, page);
    document_->Add(page);
    if (prints_at_once) {
      Show(RenderPage(page, formats().front(), file.path, false));
      Show(kPageSplit);
    }
    const std::string overlay =
        fmt::format("{}_page-{}_overlay.png", file.output_name, input.page + 1);
    if (to_folder()) return WritePagePictures(FilesOf(file), overlay, *read.image, page);
    return options_.overlay ? WriteOverlayHere(overlay, *read.image, page) : OkStatus();
  }

  void EndDocument(const InputFile& file) {
    const DocumentOutput document = *std::move(document_);
    document_.reset();
    if (!to_folder()) {
      if (formats().front() == OutputFormat::kJson) {
        Show(document.Render(OutputFormat::kJson, is_single_file()) + "\n");
      }
      return;
    }
    if (const Status status = document.WriteTexts(FilesOf(file)); !status.ok()) {
      output_status_ = status;
    }
  }

  void Print(const InputFile& file, const PageResult& page, const LiveText& live) {
    const OutputFormat format = formats().front();
    const std::string text = RenderPage(page, format, file.path, is_single_file());
    Show(live.Finish(text));
    if (!is_single_file() && format != OutputFormat::kJson) {
      Show(kPageSplit);
    } else if (!text.empty() && !text.ends_with('\n')) {
      Show("\n");
    }
  }

  void Show(std::string_view text) {
    if (output_status_.ok()) output_status_ = console_.Print(text);
  }

  void WarnIfCut(const InputPage& input, const PageResult& page) {
    if (page.finish == PageFinish::kLength) {
      console_.Warn(NameOf(input),
                    fmt::format("the text is cut off after {} tokens (--max-tokens, or "
                                "the length of the model's context)",
                                page.tokens.output));
    } else if (page.finish == PageFinish::kRepetition) {
      console_.Warn(NameOf(input),
                    fmt::format("the text went round in circles and is cut off after {} "
                                "tokens; another --mode may help",
                                page.tokens.output));
    }
  }

  // num_more_tokens: of the page that is being read.
  void ShowProgress(const InputPage& page, int64_t num_more_tokens) {
    if (is_single(page) && !to_folder()) return;
    const double elapsed = seconds();
    console_.ShowProgress(
        {num_done_, num_known(), NameOf(page),
         static_cast<double>(num_tokens_ + num_more_tokens) / std::max(elapsed, 1e-3), elapsed});
  }

  const OcrOptions& options_;
  const OcrRunOptions run_options_;
  InputPages pages_;
  Console& console_;
  std::deque<InputPage> pending_;  // in the reader; without their pictures
  std::optional<DocumentOutput> document_;
  size_t document_file_ = 0;
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

SamplingParams PdfSampling(const OcrOptions& options, const ModelInfo& model) {
  SamplingParams params = MakeSampling(options, model);
  params.no_repeat_ngram_size = options.no_repeat_ngram_size.value_or(kPdfNgramSize);
  params.no_repeat_ngram_window = options.no_repeat_ngram_window.value_or(kPdfNgramWindow);
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
int Conclude(const OcrRun& run, int signal, Console& console) {
  const size_t num_pages = run.num_known();
  if (!run.output_status().ok()) {
    console.Error("", run.output_status().message());
    return kExitFailed;
  }
  if (signal != 0 && run.num_done() < num_pages) {
    console.Error(
        "", fmt::format("interrupted; {} of {} {} done", run.num_done(), num_pages, run.noun()));
    return kExitSignal + signal;
  }
  if (num_pages > 1) {
    console.Note(fmt::format("{} of {} {} read in {:.1f} s", run.num_done() - run.num_failed(),
                             num_pages, run.noun(), run.seconds()));
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
  Result<std::vector<PageRange>> ranges = ParsePageRanges(options.pages);
  if (!ranges.ok()) return UsageError(console, ranges.status().WithContext("--pages"));
  std::vector<InputFile> files = ExpandInputs(options.files);
  const bool is_one_page_each = std::none_of(files.begin(), files.end(), MayBePdf);
  const auto max_num_seqs =
      is_one_page_each ? static_cast<uint32_t>(std::min<size_t>(options.max_num_seqs, files.size()))
                       : options.max_num_seqs;
  OpenModelOptions model = {options.model, options.dtype, options.quantization, {}};
  model.engine.num_threads = options.num_threads;
  model.engine.max_num_seqs = max_num_seqs;
  const Result<std::unique_ptr<Engine>> engine = OpenEngine(model);
  if (!engine.ok()) {
    console.Error("", engine.status().message());
    return kExitModel;
  }
  const ModelInfo& info = (*engine)->model_info();
  OcrRunOptions run_options = {std::move(formats).value(), {}, PdfSampling(options, info)};
  ReadOptions& read_options = run_options.picture;
  read_options.task = std::move(task).value();
  read_options.sampling = MakeSampling(options, info);
  read_options.image = {options.mode, options.max_tiles};
  read_options.markdown.collapse_blank_lines = true;
  read_options.stop = interrupt.token();
  if (Status status = CheckForModel(options, read_options.sampling, info); !status.ok()) {
    return UsageError(console, status);
  }
  interrupt.BeginGraceful();
  InputPages pages(std::move(files), {std::move(ranges).value(), options.dpi}, interrupt.token());
  OcrRun run(options, std::move(run_options), std::move(pages), console);
  run.Run(**engine);
  return Conclude(run, interrupt.signal(), console);
}

}  // namespace mao
