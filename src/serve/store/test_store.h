// For the tests of this folder: an empty folder, a clock to turn, values or a failed test.
#ifndef MAOOCR_SERVE_STORE_TEST_STORE_H_
#define MAOOCR_SERVE_STORE_TEST_STORE_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/status.h"
#include "serve/store/persistent_store.h"

namespace mao {

inline constexpr int64_t kTestStartMs = 1'800'000'000'000;
inline constexpr int64_t kTestHourMs = int64_t{3600} * 1000;

// An empty folder that goes away with the object; in memory where the system has such a place, since
// a disk under load takes seconds for the syncs of these tests.
class TempFolder {
 public:
  TempFolder() : TempFolder(InMemory()) {}
  explicit TempFolder(const std::string& parent) {
    std::string name = (std::filesystem::path(parent) / "maoocr_store_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& file_name) const { return path_ + "/" + file_name; }

 private:
  static std::string InMemory() {
    constexpr char kMemoryFolder[] = "/dev/shm";
    return access(kMemoryFolder, W_OK) == 0 ? kMemoryFolder : testing::TempDir();
  }

  std::string path_;
};

// Stands still until it is turned.
class TestClock {
 public:
  UtcClock get() const {
    return [now_ms = now_ms_] { return now_ms->load(); };
  }
  int64_t now_ms() const { return now_ms_->load(); }
  void Turn(int64_t by_ms) { *now_ms_ += by_ms; }

 private:
  std::shared_ptr<std::atomic<int64_t>> now_ms_ =
      std::make_shared<std::atomic<int64_t>>(kTestStartMs);
};

// The value; without one the test program ends with the error.
template <typename T>
T ValueOf(Result<T> result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.status().ToString();
    std::abort();
  }
  return std::move(result).value();
}

#define MAO_EXPECT_OK(expr)                                              \
  do {                                                                   \
    const ::mao::Status mao_expect_status = (expr);                      \
    EXPECT_TRUE(mao_expect_status.ok()) << mao_expect_status.ToString(); \
  } while (false)

// Fails unless the error has this code and its message holds this text.
inline void ExpectError(const Status& status, StatusCode code, const std::string& text) {
  EXPECT_EQ(StatusCodeName(status.code()), StatusCodeName(code)) << status.ToString();
  EXPECT_NE(status.message().find(text), std::string::npos) << status.ToString();
}

// The number of contents on disk, unfinished ones included.
inline size_t NumBlobFiles(const std::string& store_folder) {
  size_t num_files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store_folder + "/blobs")) {
    if (entry.is_regular_file()) ++num_files;
  }
  return num_files;
}

// A store in a folder of its own with a clock that stands.
class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    options_.folder = folder_.PathOf("data");
    options_.clock = clock_.get();
  }

  void Open() { store_ = ValueOf(PersistentStore::Open(options_)); }
  void Reopen() {
    store_.reset();
    Open();
  }

  NewJob SimpleJob() const {
    NewJob job;
    job.kind = "ocr";
    job.owner = "alice";
    job.request = R"({"task":"markdown"})";
    return job;
  }
  StoredJob Enqueue(const NewJob& job) { return ValueOf(store_->jobs().Enqueue(job)).job; }
  ClaimedJob Claim() {
    auto claimed = ValueOf(store_->jobs().ClaimNext(0));
    if (!claimed) std::abort();
    return *std::move(claimed);
  }
  StoredJob Get(const std::string& id) { return ValueOf(store_->jobs().Get("alice", id)); }
  NewJobInput Input(const std::string& contents) {
    return {.blob = ValueOf(store_->blobs().Put("page", contents, 1 << 20)),
            .name = "page.png",
            .media_type = "image/png"};
  }

  TempFolder folder_;
  TestClock clock_;
  PersistentStore::Options options_;
  std::unique_ptr<PersistentStore> store_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_TEST_STORE_H_
