#include "serve/api/ocr_modes.h"

#include <algorithm>

namespace mao {
namespace {

// name, other name, task without boxes, task with boxes, boxes by default, output
constexpr OcrMode kModes[] = {
    {"markdown", "", "text", "markdown", true, OcrOutput::kMarkdown},
    {"plain_ocr", "text", "text", "ocr", false, OcrOutput::kText},
    {"ocr", "", "text", "ocr", true, OcrOutput::kText},
    {"multilingual", "", "text", "ocr", false, OcrOutput::kText},
    {"tables_csv", "", "", "markdown", true, OcrOutput::kTablesCsv},
    {"tables_md", "", "", "markdown", true, OcrOutput::kTablesMarkdown},
    {"kv_json", "", "text", "markdown", true, OcrOutput::kKeyValues},
    {"figure_chart", "figure", "figure", "", false, OcrOutput::kText},
    {kFindMode, "locate", "", "", true, OcrOutput::kPlaces},
    {"layout_map", "", "", "markdown", true, OcrOutput::kLayout},
    {"pii_redact", "", "", "markdown", true, OcrOutput::kRedacted},
    {"describe", "", "describe", "", false, OcrOutput::kText},
    {kFreeformMode, "", "", "", false, OcrOutput::kText},
};

struct SizeRow {
  std::string_view name;
  int base_size;
  int image_size;
  bool crop_mode;
};
constexpr SizeRow kSizes[] = {
    {"tiny", 512, 512, false},    {"small", 640, 640, false},  {"base", 1024, 1024, false},
    {"large", 1280, 1280, false}, {"gundam", 1024, 640, true},
};

constexpr std::string_view kSizeModes[] = {"auto", "tiny", "small", "base", "large", "gundam"};

bool Fits(const SizeRow& row, const LegacySize& size) {
  return size.base_size.value_or(row.base_size) == row.base_size &&
         size.image_size.value_or(row.image_size) == row.image_size &&
         size.crop_mode.value_or(row.crop_mode) == row.crop_mode;
}

}  // namespace

std::span<const OcrMode> OcrModes() { return kModes; }

const OcrMode* FindOcrMode(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto* const mode =
      std::find_if(std::begin(kModes), std::end(kModes),
                   [&](const OcrMode& m) { return m.name == name || m.other_name == name; });
  return mode == std::end(kModes) ? nullptr : mode;
}

std::string OcrModeNames() {
  std::string names;
  for (const OcrMode& mode : kModes) {
    names += (names.empty() ? "" : ", ") + std::string(mode.name);
  }
  return names;
}

bool IsSizeMode(std::string_view name) {
  return std::find(std::begin(kSizeModes), std::end(kSizeModes), name) != std::end(kSizeModes);
}

std::span<const std::string_view> SizeModes() { return kSizeModes; }

Result<std::string> SizeModeOf(const LegacySize& size) {
  if (!size.base_size && !size.image_size && !size.crop_mode) return std::string();
  const auto fits = [&](const SizeRow& row) { return Fits(row, size); };
  if (std::count_if(std::begin(kSizes), std::end(kSizes), fits) == 1) {
    return std::string(std::find_if(std::begin(kSizes), std::end(kSizes), fits)->name);
  }
  return InvalidArgumentError(
      "base_size, image_size and crop_mode are none of the model's sizes, or could be several: "
      "512/512/false (tiny), 640/640/false (small), 1024/1024/false (base), 1280/1280/false "
      "(large), 1024/640/true (gundam)");
}

LegacySize LegacySizeOf(std::string_view size_mode) {
  for (const SizeRow& row : kSizes) {
    if (row.name == size_mode) return {row.base_size, row.image_size, row.crop_mode};
  }
  return {};
}

}  // namespace mao
