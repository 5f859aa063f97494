#include "serve/api/service.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/api/call_trace.h"
#include "vision/encode.h"

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

// A turn at decoding, which ends with the scope, also by an exception.
class DecoderTurn {
 public:
  explicit DecoderTurn(std::counting_semaphore<>& decoders) : decoders_(decoders) {
    decoders_.acquire();
  }
  ~DecoderTurn() { decoders_.release(); }
  DecoderTurn(const DecoderTurn&) = delete;
  DecoderTurn& operator=(const DecoderTurn&) = delete;

 private:
  std::counting_semaphore<>& decoders_;
};

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

// What is thrown on the way to an answer is an error of its call.
template <typename Function>
Result<Generation> WithoutExceptions(const Function& answer) {
  try {
    return answer();
  } catch (const std::bad_alloc&) {
    return ResourceExhaustedError("not enough memory for the request");
  } catch (const std::exception& e) {
    LogError(fmt::format("a request ended by an exception: {}", e.what()));
    return InternalError("the request ended by an exception");
  }
}

// Under what an answer is kept; none if it is not. The file must have been fetched.
std::optional<ResultKey> KeyOf(const GenerationRequest& request, const std::string& model) {
  const ImageSource& image = request.image;
  const bool is_identified = image.bytes != nullptr || image.document == nullptr;
  if (!request.use_result_cache || request.wants_page_picture || !is_identified) {
    return std::nullopt;
  }
  return MakeResultKey(request, model, image.bytes == nullptr ? std::string_view() : *image.bytes);
}

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
  if (draining_ && !request.is_continuation) return UnavailableError("the server is shutting down");
  MAO_ASSIGN_OR_RETURN(const ServedModel model, FindModel(request.model, request.engine));
  const auto timeout = request.timeout.count() > 0
                           ? std::min(request.timeout, config_.request_timeout)
                           : config_.request_timeout;
  if (request.context.is_background) {
    constexpr int32_t kLast = std::numeric_limits<int32_t>::max() - kBackgroundPriority;
    request.priority = std::min(request.priority, kLast) + kBackgroundPriority;
  }
  BeginCallSpan(request, model.name);
  auto call =
      std::make_shared<Call>(std::move(request), std::move(observer), Clock::now() + timeout);
  call->known_ = FindKnown(call->request_, model.name);
  std::shared_ptr<Dispatcher> dispatcher;
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.model.name == model.name) dispatcher = entry.dispatcher;
    }
  }
  const ServiceLoad before = load();
  if (before.num_waiting + before.num_running == 0) NoteProgress();  // work begins now
  if (Status refused = dispatcher->Push(call); !refused.ok()) {
    FailCallSpan(call->request_, refused);
    return refused;
  }
  return call;
}

std::shared_ptr<const Generation> Service::FindKnown(const GenerationRequest& request,
                                                     const std::string& model) {
  const ImageSource& image = request.image;
  // Opening a PDF takes a worker.
  const bool is_at_hand = image.document != nullptr ||
                          (image.bytes != nullptr ? !IsPdf(*image.bytes) : image.url.empty());
  if (config_.result_cache.max_bytes == 0 || !is_at_hand) return nullptr;
  const std::optional<ResultKey> key = KeyOf(request, model);
  return key.has_value() ? result_cache_.FindEarly(*key, Clock::now()) : nullptr;
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
  AddStage(call.request_, "wait_for_worker", call.submitted_);
  Result<Generation> answer = WithoutExceptions([&] { return Answer(model, call, timings); });
  timings.total_ms = MsSince(call.submitted_);
  if (answer.ok()) {
    answer->model = model.name;
    answer->engine = model.backend->engine_name();
    answer->timings = timings;
  }
  Finish(model, call, timings, answer);
}

Result<std::shared_ptr<const std::string>> Service::GetFile(Call& call, CallTimings& timings) {
  ImageSource& image = call.request_.image;
  if (image.bytes != nullptr || image.document != nullptr || image.url.empty()) return image.bytes;
  if (!fetch_url_) return InvalidArgumentError("images by URL are switched off");
  const Clock::time_point start = Clock::now();
  Result<std::string> bytes = fetch_url_(image.url, call.deadline_, call.stop_.get_token());
  AddStage(call.request_, "fetch", start);
  MAO_RETURN_IF_ERROR(bytes.status());
  image.bytes = std::make_shared<const std::string>(std::move(bytes).value());  // for backends too
  timings.fetch_ms = MsSince(start);
  return image.bytes;
}

Result<Generation> Service::Answer(const ServedModel& model, Call& call, CallTimings& timings) {
  const GenerationRequest& request = call.request_;
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> file, GetFile(call, timings));
  MAO_RETURN_IF_ERROR(OpenDocument(call, file.get()));
  const std::optional<ResultKey> key = KeyOf(request, model.name);
  if (key.has_value()) {
    // It may have become known while the call waited.
    const auto known =
        call.known_ != nullptr ? call.known_ : result_cache_.Find(*key, Clock::now());
    if (known != nullptr) {
      timings.first_output_ms = MsSince(call.submitted_);
      if (!known->text.empty()) call.observer_->OnOutput({known->text, known->token_ids, {}});
      Generation answer = *known;
      answer.from_result_cache = true;
      return answer;
    }
  }
  MAO_ASSIGN_OR_RETURN(std::shared_ptr<const Image> image, LoadImage(call, file.get(), timings));
  std::shared_ptr<const std::string> picture;
  if (image != nullptr && request.wants_page_picture) {
    MAO_ASSIGN_OR_RETURN(std::string jpeg, EncodeJpeg(*image));
    picture = std::make_shared<const std::string>(std::move(jpeg));
  }
  if (image != nullptr && request.image.document != nullptr && model.backend->engine() == nullptr) {
    // Whoever computes elsewhere gets a file, and reads no PDF.
    MAO_ASSIGN_OR_RETURN(std::string png, EncodePng(*image));
    call.request_.image.bytes = std::make_shared<const std::string>(std::move(png));
  }
  const int width = image == nullptr ? 0 : image->width;
  const int height = image == nullptr ? 0 : image->height;
  const Clock::time_point start = Clock::now();
  std::optional<Clock::time_point> first_output;
  Result<Generation> answer = model.backend->Generate(
      request, std::move(image), call.deadline_,
      [&](const GenerationOutput& output) {
        NoteProgress();
        if (!first_output.has_value()) {
          first_output = Clock::now();
          timings.first_output_ms = MsSince(call.submitted_);
        }
        call.observer_->OnOutput(output);
      },
      call.stop_.get_token());
  // Engines of this process tell their stages themselves.
  if (model.backend->engine() == nullptr) AddRemoteStages(request, start, first_output);
  if (!answer.ok()) return answer;
  answer->image_width = width;
  answer->image_height = height;
  answer->page_picture = std::move(picture);
  if (key.has_value()) result_cache_.Insert(*key, *answer, Clock::now());
  return answer;
}

Status Service::OpenDocument(Call& call, const std::string* file) {
  ImageSource& image = call.request_.image;
  if (image.document == nullptr) {
    if (file == nullptr || !IsPdf(*file)) return OkStatus();
    std::optional<DecoderTurn> turn(std::in_place, decoders_);
    const Clock::time_point start = Clock::now();
    auto document =
        PdfDocument::Open(*file, image.name, config_.pdf_limits, call.stop_.get_token());
    turn.reset();
    AddStage(call.request_, "open_document", start);
    MAO_RETURN_IF_ERROR(document.status());
    image.document = *std::move(document);
    MAO_RETURN_IF_ERROR(call.observer_->OnDocument(image.document));
  }
  if (!image.page.has_value() && image.document->num_pages() > 1) {
    return InvalidArgumentError(fmt::format(
        "{}: has {} pages, and one is read here; POST /api/ocr, POST /v1/ocr, /ws/ocr, GraphQL and "
        "gRPC's OcrService read documents",
        image.name, image.document->num_pages()));
  }
  image.page = image.page.value_or(0);
  if (const auto& rule = call.request_.pdf_ngram; rule.has_value()) {
    call.request_.sampling.no_repeat_ngram_size = rule->size;
    call.request_.sampling.no_repeat_ngram_window = rule->window;
  }
  return OkStatus();
}

Result<std::shared_ptr<const Image>> Service::LoadImage(Call& call, const std::string* file,
                                                        CallTimings& timings) {
  const ImageSource& source = call.request_.image;
  if (file == nullptr && source.document == nullptr) return std::shared_ptr<const Image>();
  std::optional<DecoderTurn> turn(std::in_place, decoders_);
  const Clock::time_point start = Clock::now();
  Result<Image> image =
      source.document != nullptr
          ? source.document->Render(source.page.value_or(0), source.dpi, call.stop_.get_token())
          : DecodeImage(std::as_bytes(std::span(*file)), source.name, config_.image_limits);
  turn.reset();
  AddStage(call.request_, "decode_image", start);
  MAO_RETURN_IF_ERROR(image.status());
  timings.decode_ms = MsSince(start);
  return std::make_shared<const Image>(std::move(image).value());
}

void Service::Finish(const ServedModel& model, Call& call, const CallTimings& timings,
                     const Result<Generation>& result) {
  const CallRecord record = {call.request_, model.name, std::string(model.backend->engine_name()),
                             call.start_,   timings,    result};
  NoteProgress();
  for (CallListener* listener : listeners_) listener->OnCallDone(record);
  DescribeCallSpan(record);
  const Clock::time_point end = Clock::now();
  call.observer_->OnDone(result);
  call.observer_.reset();
  if (result.ok()) AddStage(call.request_, "postprocess", end);
  call.request_.context.span = nullptr;  // ends it, however long the client keeps the call
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
  using std::chrono::milliseconds;
  const auto since_progress =
      std::chrono::duration_cast<milliseconds>(Clock::now() - last_progress_.load());
  milliseconds longest(0);
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.dispatcher == nullptr) continue;
    const Dispatcher::Load load = entry.dispatcher->load();
    if (load.num_waiting + load.num_running == 0) continue;
    longest = std::max(longest, entry.model.backend->stalled_for().value_or(since_progress));
  }
  return longest;
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
