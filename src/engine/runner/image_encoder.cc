#include "engine/runner/image_encoder.h"

#include <utility>

namespace mao {

namespace {

using Clock = std::chrono::steady_clock;

// Readers watch text grow, so those who decode get about three times the encoder's share of the
// cores. docs/decisions.md has the figures. With nobody decoding the encoder has all cores.
constexpr int kNiceness = 5;

}  // namespace

ImageEncoder::ImageEncoder(Model* model, size_t num_threads, DType dtype, uint32_t batch_rows,
                           OnEncoded on_encoded)
    : model_(model),
      batch_rows_(batch_rows),
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

void ImageEncoder::Encode(std::vector<Order> orders) {
  const EncodedImage::TimePoint now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    for (Order& order : orders) jobs_.push_back({.order = std::move(order), .ordered = now});
  }
  changed_.notify_one();
}

void ImageEncoder::Loop() {
  LowerThreadPriority(kNiceness);
  for (;;) {
    std::vector<Job> batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      batch = TakeBatch();
    }
    std::vector<EncodedImage> images = Run(batch);
    if (batch.size() > 1 && !images.front().status.ok()) {
      PutBack(std::move(batch));
    } else {
      on_encoded_(std::move(images));
    }
  }
}

std::vector<ImageEncoder::Job> ImageEncoder::TakeBatch() {
  std::vector<Job> batch;
  uint64_t num_rows = 0;
  while (!jobs_.empty()) {
    const Job& next = jobs_.front();
    num_rows += next.order.key.num_rows;
    const bool joins = !next.is_alone && num_rows <= batch_rows_;
    if (!batch.empty() && !joins) break;
    batch.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
    if (!joins) break;
  }
  return batch;
}

// All with one status.
std::vector<EncodedImage> ImageEncoder::Run(std::span<const Job> batch) {
  const EncodedImage::TimePoint begun = Clock::now();
  std::vector<EncodedImage> images(batch.size());
  std::vector<EncodeItem> items;
  items.reserve(batch.size());
  Status status;
  for (size_t i = 0; i < batch.size() && status.ok(); ++i) {
    const Order& order = batch[i].order;
    status = images[i].rows.Reserve(order.key.num_rows, model_->info().hidden_size);
    items.push_back({order.image.get(), images[i].rows.data()});
  }
  if (status.ok()) status = model_->Encode(ctx_, items);
  const EncodedImage::TimePoint ended = Clock::now();
  for (size_t i = 0; i < batch.size(); ++i) {
    images[i].image = batch[i].order.key;
    images[i].status = status;
    images[i].ordered = batch[i].ordered;
    images[i].begun = begun;
    images[i].ended = ended;
  }
  return images;
}

// To their places, each to be run alone: Loop can still be stopped between them.
void ImageEncoder::PutBack(std::vector<Job> batch) {
  const std::lock_guard lock(mutex_);
  for (auto job = batch.rbegin(); job != batch.rend(); ++job) {
    job->is_alone = true;
    jobs_.push_front(std::move(*job));
  }
}

}  // namespace mao
