// Encodes images on a thread and a pool of its own, so that nobody's next token waits for a page.
#ifndef MAOOCR_ENGINE_RUNNER_IMAGE_ENCODER_H_
#define MAOOCR_ENGINE_RUNNER_IMAGE_ENCODER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

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

// In the order in which images were given: those at the front that fit one batch are encoded
// together. If that fails, each of them is encoded alone, so that none fails by its company.
class ImageEncoder {
 public:
  struct Order {
    EncoderKey key;
    std::shared_ptr<const PreparedImage> image;
  };
  // Called on the encoder's thread with the images of a batch; once for each image that was begun,
  // unless the encoder is destroyed meanwhile.
  using OnEncoded = std::function<void(std::vector<EncodedImage>)>;

  // num_threads: 0 means all cores of the process. batch_rows: embeddings of one batch, but for a
  // larger image, which goes alone.
  ImageEncoder(Model* model, size_t num_threads, DType dtype, uint32_t batch_rows,
               OnEncoded on_encoded);
  // Drops what has not begun and waits for the batch in progress.
  ~ImageEncoder();
  ImageEncoder(const ImageEncoder&) = delete;
  ImageEncoder& operator=(const ImageEncoder&) = delete;

  void Encode(std::vector<Order> orders);

 private:
  struct Job {
    Order order;
    EncodedImage::TimePoint ordered;
    bool is_alone = false;  // its batch has failed
  };

  void Loop();
  std::vector<Job> TakeBatch();  // the caller has the lock
  std::vector<EncodedImage> Run(std::span<const Job> batch);
  void PutBack(std::vector<Job> batch);

  Model* model_;
  const uint32_t batch_rows_;
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
