#include "serve/store/persistent_store.h"

#include <fstream>
#include <string>

#include "serve/store/test_store.h"

namespace mao {
namespace {

using PersistentStoreTest = StoreTest;

TEST_F(PersistentStoreTest, SweepEndsWhatIsOver) {
  Open();
  const std::string id = Enqueue(SimpleJob()).id;
  MAO_EXPECT_OK(store_->jobs().Succeed(Claim().claim, "1"));
  FileUpload upload = ValueOf(store_->files().Begin(
      {.owner = "alice", .filename = "x", .purpose = "ocr", .expires_in_ms = 1000}));
  const std::string file_id = ValueOf(upload.Finish()).id;
  store_->usage().Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  MAO_EXPECT_OK(store_->usage().Flush());
  MAO_EXPECT_OK(store_->Sweep());
  EXPECT_EQ(Get(id).state, JobState::kSucceeded);
  clock_.Turn(401 * 24 * kTestHourMs);
  MAO_EXPECT_OK(store_->Sweep());
  EXPECT_EQ(Get(id).state, JobState::kExpired);
  EXPECT_FALSE(store_->files().Get("alice", file_id).ok());
  EXPECT_TRUE(
      ValueOf(store_->usage().Query({.from_ms = 0, .to_ms = INT64_MAX, .key_id = ""})).empty());
}

TEST_F(PersistentStoreTest, ErrorsNameTheDamagedFile) {
  Open();
  store_.reset();
  std::ofstream(options_.folder + "/usage.db") << std::string(9000, 'x');
  const auto opened = PersistentStore::Open(options_);
  ExpectError(opened.status(), StatusCode::kDataLoss, "usage.db");
}

TEST_F(PersistentStoreTest, OpeningAfterAFailureWorks) {
  std::ofstream(folder_.PathOf("file")) << "x";
  options_.folder = folder_.PathOf("file/data");
  EXPECT_FALSE(PersistentStore::Open(options_).ok());
  options_.folder = folder_.PathOf("data");
  Open();
  Reopen();
}

}  // namespace
}  // namespace mao
