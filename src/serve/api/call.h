// A request on its way through the service.
#ifndef MAOOCR_SERVE_API_CALL_H_
#define MAOOCR_SERVE_API_CALL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "serve/api/generation.h"

namespace mao {

// Gets the answer. Its functions are called by one thread at a time, never by the engine's, and
// must not wait for the network.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnOutput(const GenerationOutput& output) = 0;
  // The file is a PDF and was opened now (not: GenerationRequest::image had the document already);
  // at most once, first. An error ends the call.
  virtual Status OnDocument(const std::shared_ptr<const PdfDocument>& /*document*/) {
    return OkStatus();
  }
  // Exactly once, last.
  virtual void OnDone(const Result<Generation>& result) = 0;
};

// What is left of a call when it has ended, for metrics, statistics, traces and the log.
struct CallRecord {
  const GenerationRequest& request;
  std::string model;  // as resolved
  std::string engine;
  std::chrono::system_clock::time_point start;
  CallTimings timings;
  const Result<Generation>& result;
};

class CallListener {
 public:
  virtual ~CallListener() = default;
  // Any thread, several at once.
  virtual void OnCallDone(const CallRecord& record) = 0;
};

class Dispatcher;

// Shared by the service and who asked.
class Call : public std::enable_shared_from_this<Call> {
 public:
  using Clock = std::chrono::steady_clock;

  Call(GenerationRequest request, std::shared_ptr<CallObserver> observer,
       Clock::time_point deadline)
      : request_(std::move(request)), observer_(std::move(observer)), deadline_(deadline) {}

  // Ends the call with Cancelled once its step is over; nothing if it has ended. Any thread; calls
  // the observer on another one.
  void Cancel();

 private:
  friend class Dispatcher;
  friend class Service;

  GenerationRequest request_;
  std::shared_ptr<CallObserver> observer_;
  const Clock::time_point deadline_;
  const Clock::time_point submitted_ = Clock::now();
  // Its answer if it was kept: then the call waits for nobody. Set before the call is shared.
  std::shared_ptr<const Generation> known_;
  const std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
  std::stop_source stop_;
  std::weak_ptr<Dispatcher> dispatcher_;  // set once, before the call is shared
  uint64_t order_ = 0;                    // of the dispatcher: place among those of its priority
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_CALL_H_
