#include "base/thread_pool.h"

#include <algorithm>

#include <sched.h>

namespace mao {
namespace {

// How often to look before sleeping. Loops of one step follow each other within microseconds, and a
// futex wake costs about as much; these looks bridge the gap and are over in some 20 us.
constexpr int kSpinsBeforeSleep = 400;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

void WaitWhileEqual(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpinsBeforeSleep; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    Pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

size_t NumUsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return std::max<size_t>(1, static_cast<size_t>(CPU_COUNT(&set)));
  }
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

ThreadPool::ThreadPool(size_t num_threads) {
  if (num_threads == 0) num_threads = NumUsableCores();
  workers_.reserve(num_threads - 1);
  for (size_t i = 1; i < num_threads; ++i) workers_.emplace_back([this, i] { WorkerLoop(i); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::Run(size_t count, const void* context, Function function) {
  function_ = function;
  context_ = context;
  count_ = count;
  next_index_.store(0, std::memory_order_relaxed);
  num_active_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  Drain(0);
  // Every worker must have left the loop before its description may change again.
  for (uint32_t active = num_active_.load(std::memory_order_acquire); active != 0;
       active = num_active_.load(std::memory_order_acquire)) {
    WaitWhileEqual(num_active_, active);
  }
}

void ThreadPool::Drain(size_t worker) {
  const size_t count = count_;
  for (;;) {
    const size_t index = next_index_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count) return;
    function_(context_, index, worker);
  }
}

void ThreadPool::WorkerLoop(size_t worker) {
  uint32_t seen = 0;
  for (;;) {
    WaitWhileEqual(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    Drain(worker);
    if (num_active_.fetch_sub(1, std::memory_order_acq_rel) == 1) num_active_.notify_one();
  }
}

}  // namespace mao
