#include "base/memory.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <sys/resource.h>

namespace mao {
namespace {

constexpr size_t kMaxProcFileBytes = 1 << 20;

// Files of /proc and /sys tell a size of 0, so they are mapped by no one and read in one go.
std::string ReadProcFile(const char* path) {
  std::string text;
  if (FILE* file = std::fopen(path, "re"); file != nullptr) {
    text.resize(kMaxProcFileBytes);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
  }
  return text;
}

std::optional<size_t> ParseNumber(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<size_t> SystemAvailable() {
  const std::string text = ReadProcFile("/proc/meminfo");
  const size_t at = text.find("MemAvailable:");
  if (at == std::string::npos) return std::nullopt;
  const auto kib = ParseNumber(std::string_view(text).substr(at + 13));
  if (!kib.has_value()) return std::nullopt;
  return *kib * 1024;
}

std::optional<size_t> CgroupAvailable() {
  const auto limit = ParseNumber(ReadProcFile("/sys/fs/cgroup/memory.max"));
  const auto used = ParseNumber(ReadProcFile("/sys/fs/cgroup/memory.current"));
  if (!limit.has_value() || !used.has_value()) return std::nullopt;  // no limit reads "max"
  return *limit > *used ? *limit - *used : 0;
}

}  // namespace

size_t AvailableMemoryBytes() {
  const auto system = SystemAvailable();
  const auto cgroup = CgroupAvailable();
  if (system.has_value() && cgroup.has_value()) return std::min(*system, *cgroup);
  return system.value_or(cgroup.value_or(0));
}

size_t PeakResidentBytes() {
  struct rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace mao
