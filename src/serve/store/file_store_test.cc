#include "serve/store/file_store.h"

#include <string>
#include <thread>
#include <vector>

#include "serve/store/test_store.h"

namespace mao {
namespace {

class FileStoreTest : public StoreTest {
 protected:
  FileStoreTest() { Open(); }
  FileStore& files() { return store_->files(); }

  Result<StoredFile> Upload(const std::string& contents, const std::string& owner = "alice",
                            const std::string& purpose = "batch", int64_t expires_in_ms = 0) {
    MAO_ASSIGN_OR_RETURN(FileUpload upload, files().Begin({.owner = owner,
                                                           .filename = "pages.jsonl",
                                                           .purpose = purpose,
                                                           .expires_in_ms = expires_in_ms}));
    MAO_RETURN_IF_ERROR(upload.Append(AsBytes(contents)));
    return upload.Finish();
  }
};

TEST_F(FileStoreTest, KeepsWhatCameInChunks) {
  FileUpload upload = ValueOf(
      files().Begin({.owner = "alice", .filename = "a \"b\".jsonl", .purpose = "user_data"}));
  std::string contents;
  for (int i = 0; i < 100; ++i) {
    const std::string chunk(1000, static_cast<char>('a' + i % 26));
    MAO_EXPECT_OK(upload.Append(AsBytes(chunk)));
    contents += chunk;
  }
  const StoredFile file = ValueOf(upload.Finish());
  EXPECT_TRUE(file.id.starts_with("file-"));
  EXPECT_EQ(file.size_bytes, 100'000);
  EXPECT_EQ(file.created_ms, kTestStartMs);
  Reopen();
  const StoredFile again = ValueOf(files().Get("alice", file.id));
  EXPECT_EQ(again.filename, "a \"b\".jsonl");
  EXPECT_EQ(again.purpose, "user_data");
  EXPECT_EQ(again.sha256, file.sha256);
  EXPECT_EQ(AsStringView(ValueOf(files().Content("alice", file.id)).bytes()), contents);
}

TEST_F(FileStoreTest, EqualFilesAreTwoFilesWithOneContent) {
  const StoredFile one = ValueOf(Upload("same"));
  const StoredFile two = ValueOf(Upload("same", "bob"));
  EXPECT_NE(one.id, two.id);
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  MAO_EXPECT_OK(files().Delete("alice", one.id));
  EXPECT_EQ(AsStringView(ValueOf(files().Content("bob", two.id)).bytes()), "same");
  MAO_EXPECT_OK(files().Delete("bob", two.id));
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
}

TEST_F(FileStoreTest, AnotherOwnersFileIsNotThere) {
  const std::string id = ValueOf(Upload("x")).id;
  ExpectError(files().Get("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(files().Content("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(files().Delete("bob", id), StatusCode::kNotFound, id);
  EXPECT_TRUE(ValueOf(files().List("bob", "", "", 10)).files.empty());
  EXPECT_TRUE(files().Get("alice", id).ok());
}

TEST_F(FileStoreTest, ListsByPurposeInPages) {
  std::vector<std::string> ids;
  for (const char* purpose : {"batch", "ocr", "batch", "vision"}) {
    ids.push_back(ValueOf(Upload("x", "alice", purpose)).id);
  }
  const FilePage first = ValueOf(files().List("alice", "", "", 3));
  ASSERT_EQ(first.files.size(), 3u);
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(first.files[0].id, ids[3]);
  const FilePage rest = ValueOf(files().List("alice", "", first.files[2].id, 3));
  ASSERT_EQ(rest.files.size(), 1u);
  EXPECT_FALSE(rest.has_more);
  const FilePage batches = ValueOf(files().List("alice", "batch", "", 10));
  ASSERT_EQ(batches.files.size(), 2u);
  EXPECT_EQ(batches.files[1].id, ids[0]);
  ExpectError(files().List("alice", "", "file-none", 10).status(), StatusCode::kInvalidArgument,
              "file-none");
  ExpectError(files().List("alice", "", "", 0).status(), StatusCode::kInvalidArgument,
              "1 to 10000");
}

TEST_F(FileStoreTest, RefusesWrongFields) {
  const auto refusal = [&](const NewFile& file) { return files().Begin(file).status(); };
  ExpectError(refusal({.owner = "a", .filename = "x", .purpose = "fine-tune"}),
              StatusCode::kInvalidArgument, "\"fine-tune\"; known are batch");
  ExpectError(refusal({.owner = "a", .filename = "x", .purpose = "batch_output"}),
              StatusCode::kInvalidArgument, "batch_output");
  ExpectError(refusal({.owner = "a", .filename = "", .purpose = "batch"}),
              StatusCode::kInvalidArgument, "0 bytes; allowed are 1 to 255");
  ExpectError(refusal({.owner = "a", .filename = std::string(256, 'x'), .purpose = "batch"}),
              StatusCode::kInvalidArgument, "256 bytes");
  ExpectError(refusal({.owner = "a", .filename = "x\r\ny", .purpose = "batch"}),
              StatusCode::kInvalidArgument, "control characters");
  ExpectError(refusal({.owner = "a", .filename = "x", .purpose = "batch", .expires_in_ms = -1}),
              StatusCode::kInvalidArgument, "negative");
}

TEST_F(FileStoreTest, HoldsTheQuotas) {
  options_.files = {.max_file_bytes = 50,
                    .max_files_per_owner = 3,
                    .max_bytes_per_owner = 60,
                    .max_files = 4,
                    .max_bytes = 100};
  Reopen();
  ExpectError(Upload(std::string(51, 'x')).status(), StatusCode::kOutOfRange,
              "\"pages.jsonl\": more than the limit of 50 bytes");
  ValueOf(Upload(std::string(50, 'x')));
  ExpectError(Upload(std::string(11, 'x')).status(), StatusCode::kResourceExhausted,
              "the quota leaves it 10 bytes");
  ValueOf(Upload(std::string(5, 'x')));
  ValueOf(Upload(std::string(5, 'y')));
  ExpectError(Upload("").status(), StatusCode::kResourceExhausted,
              "3 of this owner and 3 in all; the limits are 3 and 4");
  ExpectError(Upload(std::string(41, 'z'), "bob").status(), StatusCode::kResourceExhausted,
              "the quota leaves it 40 bytes");
  ValueOf(Upload(std::string(40, 'z'), "bob"));
  ExpectError(Upload("", "bob").status(), StatusCode::kResourceExhausted, "4 in all");
  EXPECT_EQ(NumBlobFiles(options_.folder), 4u) << "what was refused left nothing";
}

TEST_F(FileStoreTest, UploadsAtOnceShareTheQuota) {
  options_.files = {.max_bytes_per_owner = 100};
  Reopen();
  FileUpload one = ValueOf(files().Begin({.owner = "a", .filename = "1", .purpose = "ocr"}));
  FileUpload two = ValueOf(files().Begin({.owner = "a", .filename = "2", .purpose = "ocr"}));
  MAO_EXPECT_OK(one.Append(AsBytes(std::string(60, '1'))));
  MAO_EXPECT_OK(two.Append(AsBytes(std::string(60, '2'))));
  ValueOf(one.Finish());
  ExpectError(two.Finish().status(), StatusCode::kResourceExhausted, "60 bytes; the quota leaves");
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
}

TEST_F(FileStoreTest, ExpiresWhatHasATime) {
  const std::string kept = ValueOf(Upload("kept")).id;
  const StoredFile file = ValueOf(Upload("gone", "alice", "ocr", 1000));
  EXPECT_EQ(file.expires_ms, kTestStartMs + 1000);
  clock_.Turn(999);
  EXPECT_EQ(ValueOf(files().Expire()), 0);
  clock_.Turn(1);
  EXPECT_EQ(ValueOf(files().Expire()), 1);
  EXPECT_FALSE(files().Get("alice", file.id).ok());
  EXPECT_TRUE(files().Get("alice", kept).ok());
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
}

TEST_F(FileStoreTest, ThreadsUploadReadAndDelete) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string owner = "owner " + std::to_string(i);
      for (int j = 0; j < 10; ++j) {
        const std::string contents = "contents " + std::to_string(j % 2);
        const StoredFile file = ValueOf(Upload(contents, owner));
        EXPECT_EQ(AsStringView(ValueOf(files().Content(owner, file.id)).bytes()), contents);
        MAO_EXPECT_OK(files().Delete(owner, file.id));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
}

}  // namespace
}  // namespace mao
