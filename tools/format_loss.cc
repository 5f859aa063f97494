// What a number format of the weights costs, on pages with a known answer: the character error rate
// of what is read, the share of equal ids under the reference's own history, and the KL divergence
// of the next-id distribution from float32's.
//
//   maoocr-format-loss MODEL_FOLDER PAGES_FOLDER [--threads N]
//
// PAGES_FOLDER holds NAME.json files {image, mode, prompt, expected, output_ids}, as
// tests/fixtures/maoocr-tiny does. Prints one JSON object per format.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/cpu_features.h"
#include "base/file.h"
#include "models/edit_distance.h"
#include "models/greedy_loop.h"
#include "models/registry.h"
#include "vision/decode.h"

namespace mao {
namespace {

struct Page {
  Prompt prompt;
  std::string expected;
  std::vector<TokenId> ids;
};

struct Format {
  DType dtype;
  Quantization quantization;
};

Result<std::vector<Page>> LoadPages(const std::filesystem::path& folder) {
  std::vector<Page> pages;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path);
    const nlohmann::json json = nlohmann::json::parse(in);
    if (!json.contains("output_ids")) continue;  // an index
    MAO_ASSIGN_OR_RETURN(const MappedFile file,
                         MappedFile::Open(folder / json.at("image").get<std::string>()));
    MAO_ASSIGN_OR_RETURN(Image image, DecodeImage(file.bytes(), path.string()));
    Page page;
    page.prompt.image = std::make_shared<const Image>(std::move(image));
    page.prompt.image_options = {json.at("mode"), 9};
    page.prompt.text = {
        {json.at("prompt").get<std::string>().substr(std::string("<image>").size()), true}};
    page.expected = json.at("expected");
    page.ids = json.at("output_ids").get<std::vector<TokenId>>();
    pages.push_back(std::move(page));
  }
  return pages;
}

// log softmax, in double.
std::vector<double> LogProbabilities(const std::vector<float>& logits) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  std::vector<double> result;
  for (const float logit : logits) result.push_back(logit - max - std::log(sum));
  return result;
}

double KlDivergence(const std::vector<double>& reference, const std::vector<double>& other) {
  double sum = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    sum += std::exp(reference[i]) * (reference[i] - other[i]);
  }
  return sum;
}

class Comparison {
 public:
  Comparison(const Checkpoint& checkpoint, std::vector<Page> pages, size_t threads)
      : checkpoint_(checkpoint), pages_(std::move(pages)), pool_(threads) {}

  Status Run() {
    for (const Format& format :
         {Format{DType::kF32, Quantization::kNone}, Format{DType::kBF16, Quantization::kNone},
          Format{DType::kBF16, Quantization::kInt8}, Format{DType::kBF16, Quantization::kInt4}}) {
      MAO_RETURN_IF_ERROR(Measure(format));
    }
    return OkStatus();
  }

 private:
  Status Measure(const Format& format) {
    MAO_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                         LoadModel(checkpoint_, {format.dtype, format.quantization}, pool_));
    size_t characters = 0, errors = 0, steps = 0, agreements = 0;
    double divergence = 0;
    for (size_t i = 0; i < pages_.size(); ++i) {
      const Page& page = pages_[i];
      MAO_ASSIGN_OR_RETURN(const PreparedPrompt prompt, model->Prepare(page.prompt, &pool_));
      GreedyLoop reading(*model, format.dtype, pool_);
      MAO_RETURN_IF_ERROR(reading.Prefill(prompt, 512));
      const std::vector<TokenId> ids = reading.Generate(GreedyLoop::kMaxTokens / 2);
      errors += EditDistance(model->tokenizer().Decode(ids, false), page.expected);
      characters += page.expected.size();
      GreedyLoop following(*model, format.dtype, pool_);
      MAO_RETURN_IF_ERROR(following.Prefill(prompt, 512));
      if (format.dtype == DType::kF32) reference_.emplace_back();
      for (size_t step = 0; step < page.ids.size(); ++step, ++steps) {
        std::vector<double> probabilities = LogProbabilities(following.logits());
        agreements += following.Best() == page.ids[step] ? 1 : 0;
        if (format.dtype == DType::kF32) {
          reference_.back().push_back(std::move(probabilities));
        } else {
          divergence += KlDivergence(reference_[i][step], probabilities);
        }
        following.Step(page.ids[step]);
      }
    }
    fmt::print(
        "{{\"dtype\": \"{}\", \"quantization\": \"{}\", \"pages\": {}, \"characters\": {}, "
        "\"character_error_rate\": {:.4f}, \"ids\": {}, \"id_agreement\": {:.4f}, "
        "\"mean_kl_divergence\": {:.5f}}}\n",
        Name(format.dtype), Name(format.quantization), pages_.size(), characters,
        static_cast<double>(errors) / static_cast<double>(characters), steps,
        static_cast<double>(agreements) / static_cast<double>(steps),
        divergence / static_cast<double>(steps));
    return OkStatus();
  }

  const Checkpoint& checkpoint_;
  std::vector<Page> pages_;
  ThreadPool pool_;
  std::vector<std::vector<std::vector<double>>> reference_;  // by page and step
};

Status Run(const std::string& model, const std::string& pages, size_t threads) {
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(model));
  MAO_ASSIGN_OR_RETURN(std::vector<Page> loaded, LoadPages(pages));
  return Comparison(checkpoint, std::move(loaded), threads).Run();
}

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  std::string model;
  std::string pages;
  size_t threads = 0;
  CLI::App app("What number formats of the weights cost on pages with known answers.");
  app.add_option("model", model, "Checkpoint folder")->required();
  app.add_option("pages", pages, "Folder with pages and answers")->required();
  app.add_option("--threads", threads, "0: all cores");
  CLI11_PARSE(app, argc, argv);
  const mao::Status status = mao::Run(model, pages, threads);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
