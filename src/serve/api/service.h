// The service behind every interface: models by name, admission, queues, results.
#ifndef MAOOCR_SERVE_API_SERVICE_H_
#define MAOOCR_SERVE_API_SERVICE_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/api/backend.h"
#include "serve/api/call.h"
#include "serve/api/dispatcher.h"
#include "serve/api/result_cache.h"
#include "vision/decode.h"
#include "vision/pdf/pdf_document.h"

namespace mao {

struct ServiceConfig {
  size_t max_queue_length = 256;  // waiting calls of one model
  size_t max_concurrency = 0;     // calls of one model worked on at once; 0: the backend's
  size_t num_decoders = 2;        // image files decoded at once: it bounds their memory
  std::chrono::milliseconds request_timeout{600'000};  // longest, and the default
  ImageLimits image_limits;
  PdfLimits pdf_limits;
  int max_pages = 1000;  // of a document in one request
  ResultCache::Limits result_cache;
};

enum class ModelState { kLoading, kReady, kFailed };
// "loading", "loaded", "failed"
std::string_view ModelStateName(ModelState state);

// One model that the service answers for.
struct ServedModel {
  std::string name;
  ModelState state = ModelState::kLoading;
  Status failure;                                 // why it failed
  std::shared_ptr<Backend> backend;               // when ready
  std::chrono::system_clock::time_point created;  // when it became ready
};

struct ServiceLoad {
  size_t num_waiting = 0;
  size_t num_running = 0;
};

// Gets the bytes behind a URL, or says why not.
using FetchUrl = std::function<Result<std::string>(const std::string& url,
                                                   std::chrono::steady_clock::time_point deadline,
                                                   const std::stop_token& stop)>;

// Thread-safe.
class Service {
 public:
  // Without `fetch_url` images by URL are refused.
  Service(const ServiceConfig& config, FetchUrl fetch_url);
  // Stops.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Before the first call. Listeners outlive the service.
  void AddListener(CallListener* listener);

  // A model that is still being loaded; the first one is the default.
  void AddModel(const std::string& name);
  void SetReady(const std::string& name, std::shared_ptr<Backend> backend);
  void SetFailed(const std::string& name, Status status);

  std::vector<ServedModel> models() const;
  // Empty name: the default model. With `engine`, the first model that this engine computes.
  // NotFound names what there is; Unavailable while it is loading.
  Result<ServedModel> FindModel(std::string_view name, std::string_view engine = {}) const;

  // Admits the call or refuses it at once: errors of FindModel, ResourceExhausted when the queue is
  // full and the answer is not kept, Unavailable while draining. The observer hears of an admitted call only; it may be called
  // before Submit returns.
  Result<std::shared_ptr<Call>> Submit(GenerationRequest request,
                                       std::shared_ptr<CallObserver> observer);
  // Submit, and wait for the end.
  Result<Generation> Run(GenerationRequest request, const std::stop_token& stop = {});

  ServiceLoad load() const;
  // How long nothing has moved although there is work, by the account of its backend, else: no output,
  // no call taken up, none ended. Zero without work.
  std::chrono::milliseconds stalled_for() const;
  const ServiceConfig& config() const { return config_; }
  const ResultCache& result_cache() const { return result_cache_; }

  // Refuses new calls; those admitted go on.
  void Drain();
  bool is_draining() const { return draining_; }
  // Whether all calls have ended by then.
  bool WaitUntilIdle(std::chrono::milliseconds timeout) const;
  // Cancels all calls and waits for them.
  void Stop();

 private:
  struct Entry {
    ServedModel model;
    std::shared_ptr<Dispatcher> dispatcher;  // when ready
  };

  // The kept answer to a request whose image, if any, is at hand.
  std::shared_ptr<const Generation> FindKnown(const GenerationRequest& request,
                                              const std::string& model);
  void Work(const ServedModel& model, Call& call);
  // The bytes of the request's image; null without one.
  Result<std::shared_ptr<const std::string>> GetFile(Call& call, CallTimings& timings);
  Result<Generation> Answer(const ServedModel& model, Call& call, CallTimings& timings);
  // Opens a PDF, tells the observer, and settles which page is meant.
  Status OpenDocument(Call& call, const std::string* file);
  // Under the limit on decoders. Null without an image.
  Result<std::shared_ptr<const Image>> LoadImage(Call& call, const std::string* file,
                                                 CallTimings& timings);
  void Finish(const ServedModel& model, Call& call, const CallTimings& timings,
              const Result<Generation>& result);
  void NoteProgress() { last_progress_ = std::chrono::steady_clock::now(); }

  const ServiceConfig config_;
  const FetchUrl fetch_url_;
  std::vector<CallListener*> listeners_;
  std::counting_semaphore<> decoders_;
  ResultCache result_cache_;
  std::atomic<bool> draining_ = false;
  std::atomic<std::chrono::steady_clock::time_point> last_progress_ =
      std::chrono::steady_clock::now();

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_SERVICE_H_
