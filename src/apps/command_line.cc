#include "apps/command_line.h"

#include <iostream>
#include <utility>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "apps/exit_code.h"
#include "ocr/tasks.h"
#include "serve/config/setting.h"
#include "vision/pdf/pdf_document.h"

namespace mao {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxSequences = 1024;
constexpr int kMaxTokens = 1 << 20;
constexpr double kLeastTopP = 1e-6;

constexpr const char* kFooter = R"(Examples:
  maoocr ocr page.png                          Markdown of a page, as it is read
  maoocr ocr scans/ --output out --overlay     a folder: texts, figures and boxes of every page
  maoocr ocr page.jpg --format json            blocks, boxes, tokens and timings
  maoocr ocr - < page.webp                     from standard input
  maoocr ocr page.png --task "locate:Total"    where something stands
  maoocr ocr page.png --model DeepSeek-OCR     with a Hugging Face checkpoint in this folder
  maoocr info DeepSeek-OCR                     what a model is and how much memory it needs
  maoocr quantize DeepSeek-OCR small --quantization int8
                                               its weights ahead of time, for less memory
  maoocr config show                           the server's settings and where they come from
Without --model, maoocr uses the small model that it carries in itself (clean printed English).

Exit codes:
  0 everything was done            2 the command line is wrong
  1 a file could not be read or    3 the model could not be opened
    written; all others were       130 interrupted by Ctrl-C

Environment:
  MAOOCR_CPU_ISA  generic, avx2, avx512 or amx: use no better instruction set than this

`maoocr COMMAND --help` explains the options of a command.)";

constexpr const char* kOcrFooter = R"(
Modes: how the page is shown to the model, cheapest first. tiny, small: squeezed into 512 or 640
  pixels square. base, large: fitted into 1024 or 1280. gundam: 1024 and up to --max-tiles tiles of
  640, for dense pages. auto: base up to 1280 pixels a side, else gundam.

Formats: md    Markdown; tables are HTML, figures links
         text  plain text; table cells are separated by tabs
         json  blocks with label, text and boxes (pixels of the page, and 0 to 999), token counts,
               timings, finish reason and mode; one object, for several files one per line
         raw   what the model wrote, tags and all

Output: without --output, results go to standard output; for several files each is followed by a
  page separator (json: by a newline). With --output DIR, page.png becomes DIR/page/page.md (.txt,
  .json, .raw.txt), its figures DIR/page/images/0.jpg and so on, as the Markdown links them, and
  with --overlay DIR/page/page_overlay.png. A second page.png becomes page-2. Figures are only cut
  out with --output; --overlay alone writes page_overlay.png here.

PDF: scan.pdf becomes one text, DIR/scan/scan.md, with a page separator after every page; its figures
  are images/0_0.jpg (page from 0, figure) and its overlays scan_page-1_overlay.png. JSON is one object
  with the list `pages`. A page that cannot be read is told, leaves its place empty, and makes the exit
  code 1. Pages are rendered as they are needed, by pdftoppm of poppler-utils.

A text that is cut off at --max-tokens, or because the model went round in circles, is a result:
  a warning says so, and finish_reason in json; the exit code is 0.

Files: PDF, JPEG, PNG, WebP, TIFF (first page), BMP, GIF; up to 100 MiB and 100 million pixels; at least
  8 pixels a side, one side at most 100 times the other.)";

constexpr const char* kTokenizeFooter = R"(Examples:
  maoocr tokenize "Hello"                      one line per token: id and spelling
  echo -n "Hello" | maoocr tokenize --ids      the ids alone
  maoocr tokenize --decode 2037 441 2038       the text of ids)";

constexpr const char* kQuantizeFooter = R"(
Writes the model once more, into the new folder OUT, with the weights of its linear layers as the
program computes with them. OUT is used like the original (--model OUT) and gives the same text as
the original with the same --quantization, but it is not read and converted at every start: it is
mapped into memory and used where it is, so that a model starts at once, and processes on one machine
share it. Nothing but maoocr reads it; keep the original.

Types: none  as the model is stored (bfloat16, as a rule): starts fast, loses nothing
       int8  half the size of bfloat16 for the language model, and faster; the text is nearly always
             the same
       int4  about a third of the size, faster again; more pages differ in a word or figure
  The vision part, norms, embeddings and the choice of experts stay as they are; with int4, attention
  and the last layer have 8 bits.

When it is interrupted, however, the same command continues. It takes little memory, and as much disk
as OUT will have.

Examples:
  maoocr quantize DeepSeek-OCR DeepSeek-OCR-int8 --quantization int8
  maoocr ocr page.png --model DeepSeek-OCR-int8)";

constexpr const char* kNoCommand =
    "name a command first: ocr, serve, info, quantize, tokenize or config";

std::string OcrFooter() {
  std::string tasks;
  for (const TaskRow& row : NamedTasks()) {
    tasks +=
        fmt::format("{}{:<13} {}\n", tasks.empty() ? "Tasks: " : "       ", row.name, row.help);
  }
  tasks += "       locate:TERM   where TERM stands\n       any other TEXT is the prompt itself\n";
  return tasks + kOcrFooter;
}

// An option with a number from min to max.
template <typename Number, typename Limit>
CLI::Option* AddNumber(CLI::App* app, const std::string& name, Number& value,
                       const std::string& help, Limit min, Limit max) {
  const auto range = CLI::Range(min, max).description("");
  return app->add_option(name, value, help)->check(range)->type_name("N");
}

// CLI11 would turn -1 into the largest number.
std::string IsNotNegative(const std::string& text) {
  return text.starts_with('-') ? "must not be negative" : "";
}

// An empty name of a model would be the embedded one.
std::string IsNotEmpty(const std::string& text) { return text.empty() ? "must not be empty" : ""; }

constexpr const char* kGeneration = "Generation";
constexpr const char* kComputing = "Computing";

void AddModel(CLI::App* app, std::string& model) {
  app->add_option("--model", model, "Folder of a Hugging Face checkpoint [the embedded model]")
      ->type_name("DIR");
}

void AddReadingOptions(CLI::App* app, OcrOptions& options) {
  app->add_option("files", options.files,
                  "Pictures, PDF files, folders of them, or - for standard input")
      ->required()
      ->type_name("FILE");
  AddModel(app, options.model);
  app->add_option("--task", options.task, "What to ask the model, see below")
      ->type_name("TASK")
      ->capture_default_str();
  app->add_option("--mode", options.mode, "How to show the page to the model, see below")
      ->type_name("MODE")
      ->capture_default_str();
  AddNumber(app, "--max-tiles", options.max_tiles, "Most tiles in mode gundam, 2 to 9", 2, 9)
      ->capture_default_str();
  app->add_option("--pages", options.pages, "Pages of a PDF, as in 1-3,7,12-; default: all")
      ->type_name("PAGES");
  AddNumber(app, "--dpi", options.dpi,
            "Resolution of PDF pages, 36 to 600 [144, less for very large pages]", kMinDpi,
            kMaxDpi);
}

void AddOutputOptions(CLI::App* app, OcrOptions& options, bool& verbose) {
  app->add_option("--format", options.format,
                  "md, text, json or raw; with --output also several, as in md,json")
      ->type_name("FORMAT")
      ->capture_default_str();
  app->add_option("--output", options.output, "Write into this folder, see below")
      ->type_name("DIR");
  app->add_flag("--overlay", options.overlay, "Also write the page with its boxes drawn");
  auto* const quiet = app->add_flag("--quiet,-q", options.quiet, "Tell errors only");
  app->add_flag("--verbose,-v", verbose, "Tell what happens inside")->excludes(quiet);
}

void AddSamplingOptions(CLI::App* app, OcrOptions& options) {
  AddNumber(app, "--max-tokens", options.max_tokens, "Most tokens of a page's text", 1, kMaxTokens)
      ->capture_default_str()
      ->group(kGeneration);
  AddNumber(app, "--no-repeat-ngram-size", options.no_repeat_ngram_size,
            "No N tokens twice within the window; 0 = off [30; PDF: 20]", 0, kMaxNgramSize)
      ->group(kGeneration);
  AddNumber(app, "--no-repeat-ngram-window", options.no_repeat_ngram_window,
            "Tokens of the window; 0 = the whole text [90; PDF: 50]", 0, kMaxNgramWindow)
      ->group(kGeneration);
  AddNumber(app, "--temperature", options.temperature, "0 = always the likeliest token; up to 2",
            0.0, 2.0)
      ->capture_default_str()
      ->group(kGeneration);
  AddNumber(app, "--top-p", options.top_p, "Choose among the likeliest with this mass, up to 1",
            kLeastTopP, 1.0)
      ->capture_default_str()
      ->group(kGeneration);
  AddNumber(app, "--top-k", options.top_k, "Choose among this many; 0 = off", 0, kMaxTokens)
      ->capture_default_str()
      ->group(kGeneration);
  app->add_option("--seed", options.seed, "Makes a temperature above 0 repeatable")
      ->check(IsNotNegative, "")
      ->type_name("N")
      ->group(kGeneration);
}

CLI::Option* AddThreads(CLI::App* app, size_t& num_threads) {
  return AddNumber(app, "--threads", num_threads, "0 = all cores", 0, kMaxThreads)
      ->capture_default_str();
}

CLI::Option* AddDType(CLI::App* app, std::string& dtype) {
  return app->add_option("--dtype", dtype, "auto (the checkpoint's), bfloat16 or float32")
      ->check(CLI::IsMember({"auto", "bfloat16", "float32"}).description(""))
      ->type_name("TYPE")
      ->capture_default_str();
}

CLI::Option* AddQuantization(CLI::App* app, std::string& quantization, const std::string& help) {
  return app->add_option("--quantization", quantization, help)
      ->check(CLI::IsMember({"none", "int8", "int4"}).description(""))
      ->type_name("TYPE");
}

void AddComputeOptions(CLI::App* app, OcrOptions& options) {
  AddThreads(app, options.num_threads)->group(kComputing);
  AddNumber(app, "--max-num-seqs", options.max_num_seqs, "Pages computed at once", 1, kMaxSequences)
      ->capture_default_str()
      ->group(kComputing);
  AddDType(app, options.dtype)->group(kComputing);
  AddQuantization(app, options.quantization,
                  "Weights of the language model: none (as stored), int8 or int4")
      ->capture_default_str()
      ->group(kComputing);
}

CLI::App* AddQuantize(CLI::App& app, QuantizeCommandOptions& options) {
  CLI::App* quantize = app.add_subcommand("quantize", "Pack a model's weights ahead of time");
  quantize->add_option("model", options.model, "Folder of a Hugging Face checkpoint")
      ->required()
      ->check(IsNotEmpty, "")
      ->type_name("DIR");
  quantize->add_option("output", options.output, "The folder to write, see below")
      ->required()
      ->check(IsNotEmpty, "")
      ->type_name("OUT");
  AddQuantization(quantize, options.quantization, "none, int8 or int4, see below")->required();
  AddDType(quantize, options.dtype);
  AddThreads(quantize, options.num_threads);
  quantize->add_flag("--json", options.json, "Tell the result as JSON");
  quantize->add_flag("--quiet,-q", options.quiet, "Tell errors only");
  quantize->footer(kQuantizeFooter);
  return quantize;
}

CLI::App* AddInfo(CLI::App& app, InfoOptions& options) {
  CLI::App* info = app.add_subcommand("info", "Tell what a model is, without loading it");
  info->add_option("model,--model", options.model, "Folder of a checkpoint [the embedded model]")
      ->type_name("DIR");
  info->add_flag("--json", options.json, "As JSON");
  return info;
}

CLI::App* AddTokenize(CLI::App& app, TokenizeOptions& options) {
  CLI::App* tokenize = app.add_subcommand("tokenize", "Turn text into token ids, or back");
  AddModel(tokenize, options.model);
  tokenize->add_option("text", options.text, "The text, or - for standard input")
      ->type_name("TEXT")
      ->capture_default_str();
  tokenize->add_option("--decode", options.decode, "Print the text of these ids instead")
      ->type_name("ID");
  tokenize->add_flag("--ids", options.ids_only, "Print the ids alone, in one line");
  tokenize->add_flag("--no-special", options.no_special,
                     "Text stays text: \"<td>\" is no special token; with --decode, leave special "
                     "tokens out");
  tokenize->footer(kTokenizeFooter);
  return tokenize;
}

constexpr const char* kServeFooter = R"(
Examples:
  maoocr serve                                 the embedded model on http://127.0.0.1:8000
  maoocr serve --model-path /models/DeepSeek-OCR --port 9000
  maoocr serve --config serve.yaml             several models, ports, keys: docs/configuration.md)";

constexpr const char* kConfigShowFooter = R"(
Examples:
  maoocr config show                           what holds in this folder
  maoocr config show --config serve.yaml --port 9000
  maoocr config show --format yaml             the same as a file that can be read again; secrets
                                               are ***)";

// The files and flags of the server's configuration, for a command that starts from one.
class ConfigFlags {
 public:
  explicit ConfigFlags(CLI::App* app) {
    config_file_ = AddFile(app, "--config", "YAML file [$MAOOCR_CONFIG]");
    env_file_ = AddFile(app, "--env-file", "File of NAME=value lines [./.env, if there is one]");
    for (const Setting& setting : Settings()) {
      if (!setting.flags.empty()) options_.emplace_back(&setting, AddSetting(app, setting));
    }
  }

  // What was given.
  ConfigOptions Given() const {
    ConfigOptions given;
    if (config_file_->count() > 0) given.config_file = config_file_->results().back();
    if (env_file_->count() > 0) given.env_file = env_file_->results().back();
    for (const auto& [setting, option] : options_) {
      if (option->count() == 0) continue;
      std::vector<std::string> values = option->results();
      const bool is_list = setting->type.kind == SettingType::Kind::kList;
      if (!is_list) values.erase(values.begin(), values.end() - 1);  // the last counts
      given.flags.push_back({setting, std::move(values)});
    }
    return given;
  }

 private:
  static CLI::Option* AddFile(CLI::App* app, const char* name, const char* help) {
    return app->add_option(name)->description(help)->type_name("FILE");
  }

  static CLI::Option* AddSetting(CLI::App* app, const Setting& setting) {
    std::string names;
    const bool is_switch = setting.type.kind == SettingType::Kind::kSwitch;
    for (const std::string& flag : setting.flags) {
      names += (names.empty() ? "" : ",") + flag;
      if (is_switch) names += ",!--no-" + flag.substr(2);
    }
    CLI::Option* option = is_switch ? app->add_flag(names) : app->add_option(names);
    if (!is_switch) option->type_name(setting.type.placeholder);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    const std::string group = setting.is_of_model() ? "models" : setting.section;
    return option->description(setting.help)->group(group.empty() ? "server" : group);
  }

  CLI::Option* config_file_;
  CLI::Option* env_file_;
  std::vector<std::pair<const Setting*, CLI::Option*>> options_;
};

CLI::App* AddConfig(CLI::App& app) {
  CLI::App* config = app.add_subcommand("config", "Tell how the server is configured");
  config->require_subcommand(1);
  return config;
}

CLI::App* AddConfigShow(CLI::App& config, ConfigShowOptions& options) {
  CLI::App* show = config.add_subcommand("show", "Print every setting and where it comes from");
  show->add_option("--format", options.format, "text or yaml")
      ->check(CLI::IsMember({"text", "yaml"}).description(""))
      ->type_name("FORMAT")
      ->capture_default_str();
  show->footer(std::string(kConfigHelp) + "\n" + kConfigShowFooter);
  return show;
}

// Prints help, version or error as CLI11 words it; its own exit codes are folded into ours.
int Finish(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error, std::cout, std::cerr);
    return std::cout.flush() ? kExitOk : kExitFailed;
  }
  const bool lacks_command = app.get_subcommands().empty() && error.get_name() == "RequiredError";
  std::cerr << "maoocr: " << (lacks_command ? kNoCommand : error.what())
            << "\nTry `maoocr --help`.\n";
  return kExitUsage;
}

}  // namespace

CommandLine ParseCommandLine(int argc, char** argv, const std::string& version) {
  CommandLine line;
  OcrOptions ocr_options;
  InfoOptions info_options;
  TokenizeOptions tokenize_options;
  QuantizeCommandOptions quantize_options;
  ConfigShowOptions config_show_options;
  CLI::App app("MaoOCR reads documents with vision-language models.", "maoocr");
  app.set_version_flag("--version", version);
  app.footer(kFooter);
  app.require_subcommand(1);
  CLI::App* ocr = app.add_subcommand("ocr", "Read documents: pictures and PDF files");
  AddReadingOptions(ocr, ocr_options);
  AddOutputOptions(ocr, ocr_options, line.verbose);
  AddSamplingOptions(ocr, ocr_options);
  AddComputeOptions(ocr, ocr_options);
  ocr->footer(OcrFooter());
  CLI::App* serve = app.add_subcommand("serve", "Answer over HTTP and gRPC");
  serve->footer(std::string(kConfigHelp) + "\n" + kServeFooter);
  const ConfigFlags serve_flags(serve);
  const CLI::App* info = AddInfo(app, info_options);
  const CLI::App* quantize = AddQuantize(app, quantize_options);
  AddTokenize(app, tokenize_options);
  CLI::App* config_show = AddConfigShow(*AddConfig(app), config_show_options);
  const ConfigFlags config_flags(config_show);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.command = Finish(app, error);
    return line;
  }
  if (ocr->parsed()) {
    line.command = std::move(ocr_options);
  } else if (serve->parsed()) {
    line.command = ServeOptions{serve_flags.Given()};
  } else if (info->parsed()) {
    line.command = std::move(info_options);
  } else if (quantize->parsed()) {
    line.command = std::move(quantize_options);
  } else if (config_show->parsed()) {
    config_show_options.config = config_flags.Given();
    line.command = std::move(config_show_options);
  } else {
    line.command = std::move(tokenize_options);
  }
  return line;
}

}  // namespace mao
