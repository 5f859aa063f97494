// The engine thread: owns scheduler, runner and all running requests. docs/engine_contract.md.
#ifndef MAOOCR_ENGINE_CORE_ENGINE_CORE_H_
#define MAOOCR_ENGINE_CORE_ENGINE_CORE_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/core/active_request.h"
#include "engine/engine.h"
#include "engine/runner/model_runner.h"
#include "engine/sched/scheduler.h"

namespace mao {

class EngineCore {
 public:
  static Result<std::shared_ptr<EngineCore>> Create(std::unique_ptr<Model> model,
                                                    const EngineConfig& config);
  ~EngineCore();
  EngineCore(const EngineCore&) = delete;
  EngineCore& operator=(const EngineCore&) = delete;

  // A request as it enters the engine thread.
  struct Submission {
    RequestSpec spec;
    std::unique_ptr<ActiveRequest> request;
  };

  // Any thread.
  RequestId NextId();
  Status Submit(Submission submission);
  void Cancel(RequestId id);
  // Fails what runs with Cancelled and ends the threads; later submissions are refused.
  void Stop();

  const Model& model() const { return *model_; }
  const EngineConfig& config() const { return config_; }
  size_t kv_cache_bytes() const { return kv_cache_bytes_; }
  EngineStats stats() const;
  // Threads for preprocessing, or null while another request uses them.
  class PrepareLock {
   public:
    explicit PrepareLock(EngineCore& core)
        : lock_(core.prepare_mutex_, std::try_to_lock), pool_(core.prepare_pool_) {}
    ThreadPool* pool() { return lock_.owns_lock() ? &pool_ : nullptr; }

   private:
    std::unique_lock<std::mutex> lock_;
    ThreadPool& pool_;
  };

 private:
  EngineCore(std::unique_ptr<Model> model, const EngineConfig& config);

  Status Init();
  void Loop();
  // Waits for something to do and takes in what was submitted, cancelled and encoded. False: stop.
  bool TakeInbox();
  void TakeEncoded(EncodedImage image);
  void Step();
  void SampleRow(size_t index);
  void ReportFinished();
  // With what stands in the inbox; the caller has the lock.
  EngineStats StatsWithInbox() const;
  void PublishStats();

  std::unique_ptr<Model> model_;
  EngineConfig config_;
  size_t kv_cache_bytes_ = 0;

  std::mutex prepare_mutex_;
  ThreadPool prepare_pool_;

  // Between threads.
  mutable std::mutex inbox_mutex_;
  std::condition_variable inbox_changed_;
  std::vector<Submission> submissions_;
  std::vector<RequestId> cancellations_;
  std::vector<EncodedImage> encoded_;
  Clock::time_point first_submitted_{};  // of submissions_
  bool stopping_ = false;
  uint64_t num_ids_ = 0;
  EngineStats stats_;  // as of the end of the last step and the last look into the inbox

  // Of the engine thread.
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<ModelRunner> runner_;
  Sampler sampler_;
  std::unordered_map<RequestId, std::unique_ptr<ActiveRequest>> requests_;
  std::vector<Submission> taken_submissions_;
  std::vector<RequestId> taken_cancellations_;
  std::vector<EncodedImage> taken_encoded_;
  StepPlan plan_;
  StepOutcome outcome_;
  uint64_t num_steps_ = 0;
  uint64_t num_prompt_tokens_ = 0;
  uint64_t num_generation_tokens_ = 0;
  bool has_progressed_ = true;  // since the last PublishStats

  std::thread thread_;  // last: runs Loop over all of the above
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CORE_ENGINE_CORE_H_
