#include "serve/api/service.h"

#include <algorithm>
#include <condition_variable>
#include <span>
#include <thread>
#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

using Clock = Call::Clock;

// Added to what background work asks for; clients' own priorities are small numbers.
constexpr int32_t kBackgroundPriority = 1'000'000;

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// "direct" is what our own engine is called at home, "vllm_direct" in existing configurations.
std::string_view CanonicalEngine(std::string_view engine) {
  return engine == "direct" ? "vllm_direct" : engine;
}

// Waits for the end of a call.
class Waiter final : public CallObserver {
 public:
  void OnOutput(const GenerationOutput&) override {}
  void OnDone(const Result<Generation>& result) override {
    const std::lock_guard lock(mutex_);
    result_ = result;
    done_.notify_one();
  }
  Result<Generation> Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return result_.has_value(); });
    return *std::move(result_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<Result<Generation>> result_;
};

}  // namespace

std::string_view ModelStateName(ModelState state) {
  switch (state) {
    case ModelState::kLoading:
      return "loading";
    case ModelState::kReady:
      return "loaded";
    case ModelState::kFailed:
      break;
  }
  return "failed";
}

Service::Service(const ServiceConfig& config, FetchUrl fetch_url)
    : config_(config),
      fetch_url_(std::move(fetch_url)),
      decoders_(static_cast<std::ptrdiff_t>(config.num_decoders)),
      result_cache_(config.result_cache) {}

Service::~Service() { Stop(); }

void Service::AddListener(CallListener* listener) { listeners_.push_back(listener); }

void Service::AddModel(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Entry entry;
  entry.model.name = name;
  entries_.push_back(std::move(entry));
}

void Service::SetReady(const std::string& name, std::shared_ptr<Backend> backend) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.model.name != name) continue;
    ServedModel& model = entry.model;
    model.state = ModelState::kReady;
    model.created = std::chrono::system_clock::now();
    model.backend = std::move(backend);
    const size_t max_workers =
        config_.max_concurrency > 0 ? config_.max_concurrency : model.backend->max_concurrency();
    entry.dispatcher = std::make_shared<Dispatcher>(
        Dispatcher::Limits{config_.max_queue_length, max_workers},
        [this, model](Call& call) { Work(model, call); },
        [this, model](Call& call, Status status) {
          CallTimings timings;
          timings.wait_ms = timings.total_ms = MsSince(call.submitted_);
          Finish(model, call, timings, std::move(status));
        });
    return;
  }
}

void Service::SetFailed(const std::string& name, Status status) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.model.name != name) continue;
    entry.model.state = ModelState::kFailed;
    entry.model.failure = std::move(status);
    return;
  }
}

std::vector<ServedModel> Service::models() const {
  const std::lock_guard lock(mutex_);
  std::vector<ServedModel> models;
  models.reserve(entries_.size());
  for (const Entry& entry : entries_) models.push_back(entry.model);
  return models;
}

Result<ServedModel> Service::FindModel(std::string_view name, std::string_view engine) const {
  const std::string_view wanted_engine = CanonicalEngine(engine);
  std::string known;
  bool is_known = false;
  for (const ServedModel& model : models()) {
    known += (known.empty() ? "" : ", ") + model.name;
    if (!name.empty() && model.name != name) continue;
    is_known = true;
    if (model.state == ModelState::kFailed) {
      return UnavailableError(
          fmt::format("model '{}' could not be loaded: {}", model.name, model.failure.message()));
    }
    if (model.state == ModelState::kLoading) {
      return UnavailableError(fmt::format("model '{}' is still being loaded", model.name));
    }
    if (wanted_engine.empty() || model.backend->engine_name() == wanted_engine) return model;
  }
  if (is_known) {
    return NotFoundError(fmt::format("no model '{}' on engine '{}'", name, wanted_engine));
  }
  return NotFoundError(fmt::format("no model '{}'; there is {}", name, known));
}

Result<std::shared_ptr<Call>> Service::Submit(GenerationRequest request,
                                              std::shared_ptr<CallObserver> observer) {
  if (draining_) return UnavailableError("the server is shutting down");
  MAO_ASSIGN_OR_RETURN(const ServedModel model, FindModel(request.model, request.engine));
  const auto timeout = request.timeout.count() > 0
                           ? std::min(request.timeout, config_.request_timeout)
                           : config_.request_timeout;
  if (request.context.is_background) request.priority += kBackgroundPriority;
  auto call =
      std::make_shared<Call>(std::move(request), std::move(observer), Clock::now() + timeout);
  std::shared_ptr<Dispatcher> dispatcher;
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.model.name == model.name) dispatcher = entry.dispatcher;
    }
  }
  const ServiceLoad before = load();
  if (before.num_waiting + before.num_running == 0) NoteProgress();  // work begins now
  MAO_RETURN_IF_ERROR(dispatcher->Push(call));
  return call;
}

Result<Generation> Service::Run(GenerationRequest request, const std::stop_token& stop) {
  auto waiter = std::make_shared<Waiter>();
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<Call> call, Submit(std::move(request), waiter));
  const std::stop_callback cancel(stop, [&call] { call->Cancel(); });
  return waiter->Wait();
}

void Service::Work(const ServedModel& model, Call& call) {
  NoteProgress();
  CallTimings timings;
  timings.wait_ms = MsSince(call.submitted_);
  Result<Generation> answer = Answer(model, call, timings);
  timings.total_ms = MsSince(call.submitted_);
  if (answer.ok()) {
    answer->model = model.name;
    answer->engine = model.backend->engine_name();
    answer->timings = timings;
  }
  Finish(model, call, timings, answer);
}

Result<Generation> Service::Answer(const ServedModel& model, Call& call, CallTimings& timings) {
  const GenerationRequest& request = call.request_;
  const std::stop_token stop = call.stop_.get_token();
  std::shared_ptr<const std::string> file = request.image.bytes;
  if (file == nullptr && !request.image.url.empty()) {
    if (!fetch_url_) return InvalidArgumentError("images by URL are switched off");
    const Clock::time_point start = Clock::now();
    MAO_ASSIGN_OR_RETURN(std::string bytes, fetch_url_(request.image.url, call.deadline_, stop));
    file = std::make_shared<const std::string>(std::move(bytes));
    call.request_.image.bytes = file;  // for backends that send it on
    timings.fetch_ms = MsSince(start);
  }
  std::optional<ResultKey> key;
  if (request.use_result_cache) {
    key = MakeResultKey(request, model.name, file == nullptr ? std::string_view() : *file);
  }
  if (key.has_value()) {
    if (const auto known = result_cache_.Find(*key, Clock::now()); known != nullptr) {
      timings.first_output_ms = MsSince(call.submitted_);
      if (!known->text.empty()) call.observer_->OnOutput({known->text, known->token_ids, {}});
      Generation answer = *known;
      answer.from_result_cache = true;
      return answer;
    }
  }
  std::shared_ptr<const Image> image;
  if (file != nullptr) {
    decoders_.acquire();
    const Clock::time_point start = Clock::now();
    Result<Image> decoded =
        DecodeImage(std::as_bytes(std::span(*file)), request.image.name, config_.image_limits);
    decoders_.release();
    MAO_RETURN_IF_ERROR(decoded.status());
    image = std::make_shared<const Image>(std::move(decoded).value());
    timings.decode_ms = MsSince(start);
  }
  const int width = image == nullptr ? 0 : image->width;
  const int height = image == nullptr ? 0 : image->height;
  MAO_ASSIGN_OR_RETURN(Generation answer, model.backend->Generate(
                                              request, std::move(image), call.deadline_,
                                              [&](const GenerationOutput& output) {
                                                NoteProgress();
                                                if (timings.first_output_ms == 0)
                                                  timings.first_output_ms =
                                                      MsSince(call.submitted_);
                                                call.observer_->OnOutput(output);
                                              },
                                              stop));
  answer.image_width = width;
  answer.image_height = height;
  if (key.has_value()) result_cache_.Insert(*key, answer, Clock::now());
  return answer;
}

void Service::Finish(const ServedModel& model, Call& call, const CallTimings& timings,
                     const Result<Generation>& result) {
  const CallRecord record = {call.request_, model.name, std::string(model.backend->engine_name()),
                             call.start_,   timings,    result};
  NoteProgress();
  for (CallListener* listener : listeners_) listener->OnCallDone(record);
  call.observer_->OnDone(result);
  call.observer_.reset();
}

ServiceLoad Service::load() const {
  ServiceLoad load;
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.dispatcher == nullptr) continue;
    const Dispatcher::Load one = entry.dispatcher->load();
    load.num_waiting += one.num_waiting;
    load.num_running += one.num_running;
  }
  return load;
}

std::chrono::milliseconds Service::stalled_for() const {
  const ServiceLoad now = load();
  if (now.num_waiting + now.num_running == 0) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() -
                                                               last_progress_.load());
}

void Service::Drain() { draining_ = true; }

bool Service::WaitUntilIdle(std::chrono::milliseconds timeout) const {
  constexpr std::chrono::milliseconds kInterval{20};
  const Clock::time_point end = Clock::now() + timeout;
  while (true) {
    const ServiceLoad now = load();
    if (now.num_waiting + now.num_running == 0) return true;
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(kInterval);
  }
}

void Service::Stop() {
  draining_ = true;
  std::vector<std::shared_ptr<Dispatcher>> dispatchers;
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.dispatcher != nullptr) dispatchers.push_back(entry.dispatcher);
    }
  }
  for (const std::shared_ptr<Dispatcher>& dispatcher : dispatchers) dispatcher->Stop();
}

}  // namespace mao
