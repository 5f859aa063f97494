// Measures what this machine can do at most: sequential reads of memory, products of AMX tiles and
// of AVX-512 floats; what it does not have is left out. Prints one JSON object per line, with the
// median and the best of the passes, in bytes, floating-point or integer operations per second.
//
//   maoocr-bench-floors [--threads 1,2] [--passes 9] [--read-mib 2048]
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "base/cpu_features.h"
#include "base/cpu_topology.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "floors/loops.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMib = size_t{1} << 20;
constexpr size_t kReadMibAtOnce = 16;  // by one thread
// A pass is this many shares a thread, so that a thread that is held up leaves its shares to others;
// and a share is some milliseconds.
constexpr size_t kSharesPerThread = 16;

struct ComputeLoop {
  const char* name;
  CpuIsa needs;
  void (*run)(int64_t rounds);
  double per_round;
  int64_t rounds;  // of a share
};

constexpr ComputeLoop kComputeLoops[] = {
    {"amx_bf16", CpuIsa::kAmx, TilesBf16Held, kTileFlopPerRoundBf16, 100'000},
    {"amx_int8", CpuIsa::kAmx, TilesInt8Held, kTileOpsPerRoundInt8, 100'000},
    {"amx_bf16_loading", CpuIsa::kAmx, TilesBf16Loaded, kTileFlopPerRoundBf16, 100'000},
    {"amx_int8_loading", CpuIsa::kAmx, TilesInt8Loaded, kTileOpsPerRoundInt8, 100'000},
    {"avx512_float_fma", CpuIsa::kAvx512, FmaAvx512, kFmaFlopPerRound, 500'000},
};

// Runs `pass`, which does `amount` of something, and prints its rate.
void Measure(const char* name, size_t threads, int passes, double amount,
             const std::function<void()>& pass) {
  pass();  // wakes the threads, and the clock of the core
  std::vector<double> rates;
  for (int i = 0; i < passes; ++i) {
    const auto start = Clock::now();
    pass();
    rates.push_back(amount / std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(rates.begin(), rates.end());
  fmt::print(
      "{{\"stage\": \"floor\", \"name\": \"{}\", \"threads\": {}, \"per_second\": {:.4g}, "
      "\"best_per_second\": {:.4g}}}\n",
      name, threads, rates[rates.size() / 2], rates.back());
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

int Run(const std::vector<size_t>& thread_counts, int passes, size_t read_mib) {
  const size_t bytes = read_mib / kReadMibAtOnce * kReadMibAtOnce * kMib;
  if (const size_t available = AvailableMemoryBytes(); available != 0 && bytes > available) {
    std::fprintf(stderr, "--read-mib %zu: only %zu MiB of memory are free\n", read_mib,
                 available / kMib);
    return 1;
  }
  const std::unique_ptr<uint64_t, Free> memory(
      static_cast<uint64_t*>(std::aligned_alloc(2 * kMib, bytes)));
  if (memory == nullptr) {
    std::fprintf(stderr, "--read-mib %zu: no memory\n", read_mib);
    return 1;
  }
  madvise(memory.get(), bytes, MADV_HUGEPAGE);  // advice: slower without, not wrong
  std::memset(memory.get(), 1, bytes);
  const auto read = CurrentCpuIsa() >= CpuIsa::kAvx512 ? ReadAvx512 : ReadGeneric;
  for (const size_t threads : thread_counts) {
    ThreadPool pool(threads);
    const size_t piece = kReadMibAtOnce * kMib;
    Measure("read", threads, passes, static_cast<double>(bytes), [&] {
      pool.ParallelFor(bytes / piece, [&](size_t i, size_t) {
        read(memory.get() + i * piece / sizeof(uint64_t), piece);
      });
    });
    for (const ComputeLoop& loop : kComputeLoops) {
      if (CurrentCpuIsa() < loop.needs) continue;
      const size_t shares = kSharesPerThread * threads;
      const double amount = loop.per_round * static_cast<double>(loop.rounds * shares);
      Measure(loop.name, threads, passes, amount,
              [&] { pool.ParallelFor(shares, [&](size_t, size_t) { loop.run(loop.rounds); }); });
    }
  }
  return 0;
}

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  std::vector<size_t> threads = {1};
  if (mao::NumUsableCores() > 1) threads.push_back(mao::NumUsableCores());
  int passes = 9;
  size_t read_mib = 2048;
  CLI::App app("Measures this machine's floors: memory reads, AMX and AVX-512 products.");
  app.add_option("--threads", threads, "Thread counts")->delimiter(',')->check(CLI::Range(1, 1024));
  app.add_option("--passes", passes)->check(CLI::Range(1, 1000));
  app.add_option("--read-mib", read_mib, "Far more than the caches hold")
      ->check(CLI::Range(16, 1 << 20));
  CLI11_PARSE(app, argc, argv);
  if (const mao::Status status = mao::SetCpuIsaFromEnvironment(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 2;
  }
  return mao::Run(threads, passes, read_mib);
}
