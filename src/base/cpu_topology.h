// Which processor cores this process may use.
#ifndef MAOOCR_BASE_CPU_TOPOLOGY_H_
#define MAOOCR_BASE_CPU_TOPOLOGY_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

// How many threads may compute at once without being in each other's way: one for each physical core
// of the process' affinity mask, as hyperthreads of one core share its multipliers and its caches,
// and no more than the control group's quota of CPU time pays for (Linux cgroup v2, cpu.max;
// containers have one). At least 1.
size_t NumUsableCores();

// The parts of the above, for tests.

// The logical CPUs (hyperthreads) of one physical core, ascending.
using CpuCore = std::vector<int>;

// sysfs: where cpu<N>/topology/thread_siblings_list are. A CPU whose file is missing or broken
// counts as a core of its own.
std::vector<CpuCore> GroupByCore(std::span<const int> cpus, const std::string& sysfs);
// "0-3,8" as Linux writes it; nothing if it is no such list.
std::optional<std::vector<int>> ParseCpuList(std::string_view text);
// CPU time that the control group named in groups_file (/proc/self/cgroup) may use, in CPUs; nothing
// if there is no limit. root: where the tree of cgroup v2 is mounted.
std::optional<double> CpuQuota(const std::string& groups_file, const std::string& root);

}  // namespace mao

#endif  // MAOOCR_BASE_CPU_TOPOLOGY_H_
