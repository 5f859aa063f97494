#include "apps/inputs.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

namespace mao {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtensions[] = {".bmp", ".gif", ".jpeg", ".jpg", ".pdf",
                                            ".png", ".tif", ".tiff", ".webp"};

bool HasPictureExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(std::begin(kExtensions), std::end(kExtensions), extension) !=
         std::end(kExtensions);
}

Result<std::vector<std::string>> PicturesIn(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code type_error;
    if (HasPictureExtension(it->path()) && it->is_regular_file(type_error)) {
      paths.push_back(it->path().string());
    }
  }
  if (error) return InvalidArgumentError("cannot list the folder: " + error.message());
  if (paths.empty()) return NotFoundError("the folder has no pictures");
  std::sort(paths.begin(), paths.end());
  return paths;
}

class OutputNames {
 public:
  std::string Unused(const std::string& path) {
    std::string stem = path == kStandardInput ? "stdin" : fs::path(path).stem().string();
    if (stem.empty() || stem == "." || stem == "..") stem = "page";
    std::string name = stem;
    for (int number = 2; !used_.insert(name).second; ++number) {
      name = fmt::format("{}-{}", stem, number);
    }
    return name;
  }

 private:
  std::set<std::string> used_;
};

}  // namespace

Result<std::string> ReadStandardInput(size_t max_bytes) {
  std::string contents;
  char buffer[1 << 16];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), stdin)) {
    contents.append(buffer, count);
    if (contents.size() > max_bytes) {
      return OutOfRangeError(
          fmt::format("standard input: more than the limit of {} bytes", max_bytes));
    }
  }
  if (std::ferror(stdin) != 0) return DataLossError("standard input: cannot read");
  return contents;
}

std::vector<InputFile> ExpandInputs(const std::vector<std::string>& arguments) {
  std::vector<InputFile> files;
  OutputNames names;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == kStandardInput || !fs::is_directory(argument, error)) {
      files.push_back({argument, names.Unused(argument), OkStatus()});
      continue;
    }
    const Result<std::vector<std::string>> paths = PicturesIn(argument);
    if (!paths.ok()) {
      files.push_back({argument, "", paths.status()});
      continue;
    }
    for (const std::string& path : *paths) files.push_back({path, names.Unused(path), OkStatus()});
  }
  return files;
}

}  // namespace mao
