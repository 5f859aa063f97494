#include "base/cpu_topology.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <thread>

#include <sched.h>

#include "base/file.h"

namespace mao {
namespace {

constexpr size_t kMaxFileBytes = 64 * 1024;
constexpr int kMaxCpu = CPU_SETSIZE - 1;

// The file's text without the newline at its end; nothing if it cannot be read.
std::optional<std::string> ReadLine(const std::string& path) {
  Result<std::string> text = ReadFile(path, kMaxFileBytes);
  if (!text.ok()) return std::nullopt;
  while (!text.value().empty() && text.value().back() == '\n') text.value().pop_back();
  return std::move(text).value();
}

// The number that `text` begins with, which is taken off it; nothing if there is none.
template <typename Number>
std::optional<Number> TakeNumber(std::string_view& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::vector<int> CpusOfAffinityMask() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu <= kMaxCpu; ++cpu) {
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) {  // more CPUs than a cpu_set_t has bits
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
      cpus.push_back(static_cast<int>(i));
    }
  }
  return cpus;
}

// cpu.max: "150000 100000" are 1.5 CPUs, "max 100000" is no limit.
std::optional<double> ParseCpuMax(std::string_view text) {
  const std::optional<int64_t> quota = TakeNumber<int64_t>(text);
  if (!quota.has_value() || !Take(text, ' ')) return std::nullopt;
  const std::optional<int64_t> period = TakeNumber<int64_t>(text);
  if (!period.has_value() || !text.empty() || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

std::optional<std::vector<int>> ParseCpuList(std::string_view text) {
  std::vector<int> cpus;
  do {
    const std::optional<int> first = TakeNumber<int>(text);
    std::optional<int> last = first;
    if (Take(text, '-')) last = TakeNumber<int>(text);
    if (!first.has_value() || !last.has_value()) return std::nullopt;
    if (*first < 0 || *last < *first || *last > kMaxCpu) return std::nullopt;
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  } while (Take(text, ','));
  if (!text.empty()) return std::nullopt;
  return cpus;
}

std::vector<CpuCore> GroupByCore(std::span<const int> cpus, const std::string& sysfs) {
  std::vector<CpuCore> cores;
  std::vector<int> grouped;
  for (const int cpu : cpus) {
    if (std::find(grouped.begin(), grouped.end(), cpu) != grouped.end()) continue;
    const std::optional<std::string> text =
        ReadLine(sysfs + "/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::optional<std::vector<int>> siblings;
    if (text.has_value()) siblings = ParseCpuList(*text);
    CpuCore core;
    for (const int other : cpus) {
      const bool is_sibling = siblings.has_value() && std::find(siblings->begin(), siblings->end(),
                                                                other) != siblings->end();
      if (other == cpu || is_sibling) core.push_back(other);
    }
    grouped.insert(grouped.end(), core.begin(), core.end());
    cores.push_back(std::move(core));
  }
  return cores;
}

std::optional<double> CpuQuota(const std::string& groups_file, const std::string& root) {
  const std::optional<std::string> groups = ReadLine(groups_file);
  if (!groups.has_value()) return std::nullopt;
  constexpr std::string_view kUnified = "0::";  // the line of cgroup v2
  const size_t line = groups->starts_with(kUnified) ? 0 : groups->find("\n0::") + 1;
  if (line == 0 && !groups->starts_with(kUnified)) return std::nullopt;
  const size_t begin = line + kUnified.size();
  const std::string group = groups->substr(begin, groups->find('\n', begin) - begin);
  const std::optional<std::string> limit = ReadLine(root + group + "/cpu.max");
  return limit.has_value() ? ParseCpuMax(*limit) : std::nullopt;
}

size_t NumUsableCores() {
  const size_t num_cores = GroupByCore(CpusOfAffinityMask(), "/sys/devices/system/cpu").size();
  const std::optional<double> quota = CpuQuota("/proc/self/cgroup", "/sys/fs/cgroup");
  if (!quota.has_value() || *quota >= static_cast<double>(num_cores)) return num_cores;
  return std::max<size_t>(1, static_cast<size_t>(*quota));
}

}  // namespace mao
