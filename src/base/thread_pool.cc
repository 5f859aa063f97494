#include "base/thread_pool.h"

#include <algorithm>

#include <sys/resource.h>
#include <unistd.h>

#include "base/cpu_topology.h"

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

void LowerThreadPriority(int niceness) {
  // On Linux a thread's id names the thread alone, not its process.
  const auto thread = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + niceness);
}

ThreadPool::ThreadPool(size_t num_threads, int niceness)
    : ranges_(num_threads == 0 ? NumUsableCores() : num_threads) {
  num_threads = ranges_.size();
  workers_.reserve(num_threads - 1);
  for (size_t i = 1; i < num_threads; ++i) {
    workers_.emplace_back([this, i, niceness] {
      if (niceness > 0) LowerThreadPriority(niceness);
      WorkerLoop(i);
    });
  }
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
  const size_t num_ranges = ranges_.size();
  for (size_t i = 0; i < num_ranges; ++i) {
    const uint64_t first = count * i / num_ranges;
    const uint64_t end = count * (i + 1) / num_ranges;
    ranges_[i].left.store(first | end << 32, std::memory_order_relaxed);
  }
  participants_.store(0, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  Drain(0);
  // Every worker that joined must have left before the loop's description may change again. Those
  // still asleep find the loop closed: on a machine with more threads than cores it may take the
  // system many milliseconds to run them, and a step has thousands of loops.
  uint32_t old = participants_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
  while (old != kClosed) {
    WaitWhileEqual(participants_, old);
    old = participants_.load(std::memory_order_acquire);
  }
}

// False when the loop is over. Any open loop will do, be it a later one than that which woke the
// worker: who has joined sees the description of the loop it joined.
bool ThreadPool::Join() {
  uint32_t old = participants_.load(std::memory_order_relaxed);
  do {
    if ((old & kClosed) != 0) return false;
  } while (!participants_.compare_exchange_weak(old, old + 1, std::memory_order_acquire,
                                                std::memory_order_relaxed));
  return true;
}

void ThreadPool::Leave() {
  // The last one out of a closed loop: its caller may be asleep.
  if (participants_.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1)) {
    participants_.notify_one();
  }
}

bool ThreadPool::Range::TakeFirst(size_t& index) {
  uint64_t old = left.load(std::memory_order_relaxed);
  do {
    index = static_cast<uint32_t>(old);
    if (index >= old >> 32) return false;
  } while (!left.compare_exchange_weak(old, old + 1, std::memory_order_relaxed));
  return true;
}

bool ThreadPool::Range::TakeLast(size_t& index) {
  uint64_t old = left.load(std::memory_order_relaxed);
  do {
    const uint64_t end = old >> 32;
    if (static_cast<uint32_t>(old) >= end) return false;
    index = end - 1;
  } while (!left.compare_exchange_weak(old, old - (uint64_t{1} << 32), std::memory_order_relaxed));
  return true;
}

void ThreadPool::Drain(size_t worker) {
  size_t index;
  while (ranges_[worker].TakeFirst(index)) function_(context_, index, worker);
  for (size_t i = 1; i < ranges_.size(); ++i) {
    Range& other = ranges_[(worker + i) % ranges_.size()];
    while (other.TakeLast(index)) function_(context_, index, worker);
  }
}

void ThreadPool::WorkerLoop(size_t worker) {
  uint32_t seen = 0;
  for (;;) {
    WaitWhileEqual(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (!Join()) continue;
    Drain(worker);
    Leave();
  }
}

}  // namespace mao
