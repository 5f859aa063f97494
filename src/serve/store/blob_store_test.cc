#include "serve/store/blob_store.h"

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr char kAbcSha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class BlobStoreTest : public StoreTest {
 protected:
  BlobStoreTest() {
    options_.max_content_bytes = 1000;
    Open();
  }
  BlobStore& blobs() { return store_->blobs(); }
  std::string PathOf(const std::string& sha256) const {
    return options_.folder + "/blobs/" + sha256.substr(0, 2) + "/" + sha256;
  }
};

TEST_F(BlobStoreTest, StoresChunksUnderTheirSha256) {
  BlobWriter writer = ValueOf(blobs().Begin("page", 10));
  MAO_EXPECT_OK(writer.Append(AsBytes("a")));
  MAO_EXPECT_OK(writer.Append(AsBytes("")));
  MAO_EXPECT_OK(writer.Append(AsBytes("bc")));
  const StoredBlob blob = ValueOf(writer.Finish());
  EXPECT_EQ(blob.sha256(), kAbcSha256);
  EXPECT_EQ(blob.size_bytes(), 3);
  EXPECT_EQ(blobs().total_bytes(), 3);
  EXPECT_EQ(AsStringView(ValueOf(blobs().Map(blob.sha256(), 3)).bytes()), "abc");
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
}

TEST_F(BlobStoreTest, LivesAsLongAsSomebodyHoldsIt) {
  auto first = std::make_unique<StoredBlob>(ValueOf(blobs().Put("page", "abc", 10)));
  auto second = std::make_unique<StoredBlob>(ValueOf(blobs().Put("page", "abc", 10)));
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  EXPECT_EQ(blobs().total_bytes(), 3);
  const MappedFile mapped = ValueOf(blobs().Map(kAbcSha256, 3));
  first.reset();
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  second.reset();
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
  EXPECT_EQ(blobs().total_bytes(), 0);
  EXPECT_EQ(AsStringView(mapped.bytes()), "abc");
  ExpectError(blobs().Map(kAbcSha256, 3).status(), StatusCode::kDataLoss, kAbcSha256);
}

TEST_F(BlobStoreTest, EmptyContentsAreContents) {
  const StoredBlob blob = ValueOf(blobs().Put("page", "", 10));
  EXPECT_EQ(ValueOf(blobs().Map(blob.sha256(), 0)).bytes().size(), 0u);
}

TEST_F(BlobStoreTest, RefusesMoreThanTheLimits) {
  BlobWriter writer = ValueOf(blobs().Begin("page 7", 4));
  MAO_EXPECT_OK(writer.Append(AsBytes("1234")));
  ExpectError(writer.Append(AsBytes("5")), StatusCode::kOutOfRange,
              "page 7: more than the limit of 4 bytes");
  ExpectError(blobs().Put("page 8", std::string(997, 'x'), 2000).status(),
              StatusCode::kResourceExhausted, "page 8");
  ExpectError(blobs().Put("page 8", std::string(997, 'x'), 2000).status(),
              StatusCode::kResourceExhausted, "the limit is 1000 bytes");
  EXPECT_TRUE(blobs().Put("page 8", std::string(996, 'x'), 2000).ok());
}

TEST_F(BlobStoreTest, WhatIsNotFinishedLeavesNothing) {
  {
    BlobWriter writer = ValueOf(blobs().Begin("page", 1000));
    MAO_EXPECT_OK(writer.Append(AsBytes(std::string(900, 'x'))));
    EXPECT_EQ(blobs().total_bytes(), 900);
    const BlobWriter moved = std::move(writer);
    EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  }
  EXPECT_EQ(blobs().total_bytes(), 0);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
}

TEST_F(BlobStoreTest, TheNextOpenRemovesWhatNoRowNames) {
  NewJob job = SimpleJob();
  job.inputs.push_back(Input("named"));
  Enqueue(job);
  job.inputs.clear();
  store_.reset();
  // As a crash leaves them: a content before its row was written, and half a content.
  std::ofstream(PathOf(kAbcSha256)) << "abc";
  std::ofstream(options_.folder + "/blobs/incoming/0123") << "half";
  EXPECT_EQ(NumBlobFiles(options_.folder), 3u);
  Open();
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  EXPECT_EQ(blobs().total_bytes(), 5);
}

TEST_F(BlobStoreTest, ADamagedContentIsToldAndHealedByTheNextEqualOne) {
  const StoredBlob blob = ValueOf(blobs().Put("page", "abc", 10));
  std::ofstream(PathOf(kAbcSha256)) << "a";
  ExpectError(blobs().Map(kAbcSha256, 3).status(), StatusCode::kDataLoss, "1 bytes, not 3");
  const StoredBlob again = ValueOf(blobs().Put("page", "abc", 10));
  EXPECT_EQ(AsStringView(ValueOf(blobs().Map(kAbcSha256, 3)).bytes()), "abc");
}

TEST_F(BlobStoreTest, ThreadsBringAndDropEqualContents) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 25; ++j) {
        const std::string contents(1, static_cast<char>('a' + j % 3));
        const StoredBlob blob = ValueOf(blobs().Put("page", contents, 10));
        EXPECT_EQ(AsStringView(ValueOf(blobs().Map(blob.sha256(), 1)).bytes()), contents);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
  EXPECT_EQ(blobs().total_bytes(), 0);
}

}  // namespace
}  // namespace mao
