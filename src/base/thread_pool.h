// A fixed set of worker threads for data-parallel loops. One pool serves one caller at a time: the
// thread that owns the step. Idle workers sleep on a futex; they do not spin away a shared core.
#ifndef MAOOCR_BASE_THREAD_POOL_H_
#define MAOOCR_BASE_THREAD_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace mao {

class ThreadPool {
 public:
  // num_threads counts the caller, so 1 starts no thread. 0 means NumUsableCores (cpu_topology.h).
  // The pool's own threads get that niceness (see LowerThreadPriority); the caller sees to its own.
  explicit ThreadPool(size_t num_threads = 0, int niceness = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t num_threads() const { return workers_.size() + 1; }

  // Calls body(index, worker) once for each index in [0, count), worker in [0, num_threads()), count
  // below 2^32. Every worker goes through a range of its own in rising order, so neighbours in
  // memory may be neighbours in time; whoever is done takes the last index of another's range, so
  // uneven ones balance themselves. Make an index worth some microseconds. Returns when all are
  // done; a worker that the system has not woken by then is not waited for, so a busy machine costs
  // no more than the work. Allocates nothing. Not reentrant: body must not call ParallelFor of the
  // same pool.
  template <typename Body>
  void ParallelFor(size_t count, const Body& body) {
    if (count <= 1 || workers_.empty()) {
      for (size_t i = 0; i < count; ++i) body(i, size_t{0});
      return;
    }
    Run(count, &body, [](const void* context, size_t index, size_t worker) {
      (*static_cast<const Body*>(context))(index, worker);
    });
  }

 private:
  using Function = void (*)(const void* context, size_t index, size_t worker);
  // In participants_: no one may join the loop any more.
  static constexpr uint32_t kClosed = 1u << 31;

  void Run(size_t count, const void* context, Function function);
  void WorkerLoop(size_t worker);
  bool Join();
  void Leave();
  void Drain(size_t worker);

  // The indices that a worker has not begun yet, on a cache line of its own: the first in the lower
  // half, the end in the upper half.
  struct alignas(64) Range {
    std::atomic<uint64_t> left{0};
    bool TakeFirst(size_t& index);
    bool TakeLast(size_t& index);
  };

  std::vector<std::thread> workers_;
  std::vector<Range> ranges_;  // one for each thread
  // The loop being run; written by the caller while the loop is closed and nobody is in it.
  Function function_ = nullptr;
  const void* context_ = nullptr;
  alignas(64) std::atomic<uint32_t> generation_{0};  // counts loops, for workers to sleep on
  // How many workers are in the loop, and kClosed.
  alignas(64) std::atomic<uint32_t> participants_{kClosed};
  std::atomic<bool> stopping_{false};
};

// Makes the calling thread yield to others when cores are scarce: nice(1) for one thread, from 0 (as
// the process) to 19. Without effect where the system does not allow it.
void LowerThreadPriority(int niceness);

}  // namespace mao

#endif  // MAOOCR_BASE_THREAD_POOL_H_
