#include "engine/runner/image_encoder.h"

#include <utility>

namespace mao {

namespace {

using Clock = std::chrono::steady_clock;

// Readers watch text grow, so those who decode get about three times the encoder's share of the
// cores. docs/decisions.md has the figures. With nobody decoding the encoder has all cores.
constexpr int kNiceness = 5;

}  // namespace

ImageEncoder::ImageEncoder(Model* model, size_t num_threads, DType dtype, OnEncoded on_encoded)
    : model_(model),
      on_encoded_(std::move(on_encoded)),
      pool_(num_threads, kNiceness),
      ctx_{pool_, dtype, {}, {}},
      thread_([this] { Loop(); }) {}

ImageEncoder::~ImageEncoder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ImageEncoder::Encode(const EncoderKey& key, std::shared_ptr<const PreparedImage> image) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({key, std::move(image), Clock::now()});
  }
  changed_.notify_one();
}

void ImageEncoder::Loop() {
  LowerThreadPriority(kNiceness);
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    on_encoded_(Run(job));
  }
}

EncodedImage ImageEncoder::Run(const Job& job) {
  EncodedImage result;
  result.image = job.key;
  result.ordered = job.ordered;
  result.begun = Clock::now();
  result.status = result.rows.Reserve(job.key.num_rows, model_->info().hidden_size);
  const EncodeItem item = {job.image.get(), result.rows.data()};
  if (result.status.ok()) result.status = model_->Encode(ctx_, {&item, 1});
  result.ended = Clock::now();
  return result;
}

}  // namespace mao
