// Encodes images on a thread and a pool of its own, so that nobody's next token waits for a page.
#ifndef MAOOCR_ENGINE_RUNNER_IMAGE_ENCODER_H_
#define MAOOCR_ENGINE_RUNNER_IMAGE_ENCODER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/status.h"
#include "engine/cache/encoder_cache_manager.h"
#include "models/model.h"

namespace mao {

struct EncodedImage {
  using TimePoint = std::chrono::steady_clock::time_point;

  EncoderKey image;
  Status status;
  FloatMatrix rows;  // [image.num_rows, hidden size] if ok
  TimePoint ordered;
  TimePoint begun;
  TimePoint ended;
};

// One image after the other, in the order in which they were given.
class ImageEncoder {
 public:
  // Called on the encoder's thread once for each image that was begun.
  using OnEncoded = std::function<void(EncodedImage)>;

  // num_threads: 0 means all cores of the process.
  ImageEncoder(Model* model, size_t num_threads, DType dtype, OnEncoded on_encoded);
  // Drops what has not begun and waits for the image in progress.
  ~ImageEncoder();
  ImageEncoder(const ImageEncoder&) = delete;
  ImageEncoder& operator=(const ImageEncoder&) = delete;

  void Encode(const EncoderKey& key, std::shared_ptr<const PreparedImage> image);

 private:
  struct Job {
    EncoderKey key;
    std::shared_ptr<const PreparedImage> image;
    EncodedImage::TimePoint ordered;
  };

  void Loop();
  EncodedImage Run(const Job& job);

  Model* model_;
  OnEncoded on_encoded_;
  ThreadPool pool_;
  ExecutionContext ctx_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;

  std::thread thread_;  // last: runs Loop over all of the above
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_RUNNER_IMAGE_ENCODER_H_
