#include "serve/store/batch_store.h"

#include <string>
#include <vector>

#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr int64_t kDayMs = 24 * kTestHourMs;

class BatchStoreTest : public StoreTest {
 protected:
  BatchStoreTest() { Open(); }
  BatchStore& batches() { return store_->batches(); }
  JobStore& jobs() { return store_->jobs(); }

  std::string UploadInput(const std::string& contents) {
    FileUpload upload = ValueOf(
        store_->files().Begin({.owner = "alice", .filename = "in.jsonl", .purpose = "batch"}));
    MAO_EXPECT_OK(upload.Append(AsBytes(contents)));
    return ValueOf(upload.Finish()).id;
  }
  // A batch whose n-th line is {"line":n} with the custom_id "n", being validated.
  StoredBatch Create(int num_lines) {
    lines_.clear();
    std::string contents;
    for (int i = 1; i <= num_lines; ++i) {
      const std::string line = "{\"line\":" + std::to_string(i) + "}";
      lines_.push_back({.custom_id = std::to_string(i),
                        .offset = static_cast<int64_t>(contents.size()),
                        .size_bytes = static_cast<int64_t>(line.size())});
      contents += line + "\n";
    }
    input_file_id_ = UploadInput(contents);
    return ValueOf(batches().Create({.owner = "alice",
                                     .input_file_id = input_file_id_,
                                     .endpoint = "/v1/chat/completions",
                                     .completion_window = "24h",
                                     .window_ms = kDayMs,
                                     .metadata = R"({"a":"b"})"}));
  }
  StoredBatch Start(const std::string& id) {
    return ValueOf(batches().Start(id, "chat", 10, lines_));
  }
  StoredBatch GetBatch(const std::string& id) { return ValueOf(batches().Get("alice", id)); }
  std::string ContentOf(const std::string& file_id) {
    return std::string(AsStringView(ValueOf(store_->files().Content("alice", file_id)).bytes()));
  }
  void SucceedNext() {
    const ClaimedJob claimed = Claim();
    MAO_EXPECT_OK(jobs().Succeed(claimed.claim, ValueOf(jobs().RequestOf(claimed.claim))));
  }

  std::vector<BatchLine> lines_;
  std::string input_file_id_;
};

std::string LineFor(const StoredJob& job, const std::string& body) {
  return "{\"id\":\"batch_req_" + job.id.substr(4) + "\",\"custom_id\":\"" + job.custom_id +
         "\",\"response\":{\"status_code\":200,\"request_id\":\"" + job.id + "\",\"body\":" + body +
         "},\"error\":null}\n";
}

TEST_F(BatchStoreTest, ABatchGoesFromValidatingToCompleted) {
  const StoredBatch created = Create(3);
  EXPECT_TRUE(created.id.starts_with("batch_"));
  EXPECT_EQ(created.status, BatchStatus::kValidating);
  EXPECT_EQ(created.expires_ms, kTestStartMs + kDayMs);
  EXPECT_EQ(created.metadata, R"({"a":"b"})");
  EXPECT_FALSE(ValueOf(jobs().ClaimNext(0)).has_value());
  const StoredBatch started = Start(created.id);
  EXPECT_EQ(started.status, BatchStatus::kInProgress);
  EXPECT_EQ(started.num_total, 3);
  // The input stays although the file goes.
  MAO_EXPECT_OK(store_->files().Delete("alice", input_file_id_));

  const ClaimedJob first = Claim();
  EXPECT_EQ(first.job.batch_id, created.id);
  EXPECT_EQ(first.job.custom_id, "1");
  EXPECT_EQ(first.job.kind, "chat");
  EXPECT_EQ(first.job.priority, 10);
  EXPECT_EQ(ValueOf(jobs().RequestOf(first.claim)), "{\"line\":1}");
  const ClaimedJob second = Claim();
  MAO_EXPECT_OK(jobs().Fail(second.claim, {.code = "bad_image", .message = "no \"image\""}));
  const ClaimedJob third = Claim();
  MAO_EXPECT_OK(jobs().Succeed(third.claim, "{\n\"n\": 3}"));
  EXPECT_TRUE(ValueOf(batches().ReadyToFinalize(10)).empty());
  ExpectError(batches().Finalize(created.id).status(), StatusCode::kInvalidArgument,
              "in_progress with 2 of 3 lines ended");
  MAO_EXPECT_OK(jobs().Succeed(first.claim, "{\"n\":1}"));  // the last to end is the first line
  EXPECT_EQ(ValueOf(batches().ReadyToFinalize(10)), std::vector<std::string>{created.id});

  clock_.Turn(1000);
  const StoredBatch done = ValueOf(batches().Finalize(created.id));
  EXPECT_EQ(done.status, BatchStatus::kCompleted);
  EXPECT_EQ(done.num_completed, 2);
  EXPECT_EQ(done.num_failed, 1);
  EXPECT_EQ(done.completed_ms, kTestStartMs + 1000);
  EXPECT_EQ(ContentOf(done.output_file_id),
            LineFor(first.job, "{\"n\":1}") + LineFor(third.job, "{ \"n\": 3}"));
  EXPECT_EQ(ContentOf(done.error_file_id),
            "{\"id\":\"batch_req_" + second.job.id.substr(4) +
                "\",\"custom_id\":\"2\",\"response\":null,\"error\":{\"code\":\"bad_image\","
                "\"message\":\"no \\\"image\\\"\"}}\n");
  const StoredFile output = ValueOf(store_->files().Get("alice", done.output_file_id));
  EXPECT_EQ(output.purpose, "batch_output");
  EXPECT_EQ(output.filename, created.id + "_output.jsonl");
  EXPECT_EQ(NumBlobFiles(options_.folder), 2u) << "the input has gone";

  EXPECT_TRUE(ValueOf(batches().ReadyToFinalize(10)).empty());
  EXPECT_EQ(ValueOf(batches().Finalize(created.id)).output_file_id, done.output_file_id);
  EXPECT_EQ(ValueOf(jobs().ExpireResults()), 3) << "lines go once their results are in the file";
}

TEST_F(BatchStoreTest, WithoutFailuresThereIsNoErrorFile) {
  const std::string id = Create(1).id;
  Start(id);
  SucceedNext();
  const StoredBatch done = ValueOf(batches().Finalize(id));
  EXPECT_FALSE(done.output_file_id.empty());
  EXPECT_EQ(done.error_file_id, "");
}

TEST_F(BatchStoreTest, ValidationMayFail) {
  const std::string id = Create(1).id;
  MAO_EXPECT_OK(store_->files().Delete("alice", input_file_id_));
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  ExpectError(batches().FailValidation(id, "{").status(), StatusCode::kInvalidArgument, id);
  const StoredBatch failed = ValueOf(batches().FailValidation(id, R"([{"line":1}])"));
  EXPECT_EQ(failed.status, BatchStatus::kFailed);
  EXPECT_EQ(failed.errors, R"([{"line":1}])");
  EXPECT_EQ(failed.failed_ms, kTestStartMs);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
  ExpectError(batches().Start(id, "chat", 0, lines_).status(), StatusCode::kInvalidArgument,
              "is failed, not validating");
  ExpectError(batches().FailValidation(id, "[]").status(), StatusCode::kInvalidArgument, "failed");
  EXPECT_EQ(ValueOf(batches().Finalize(id)).status, BatchStatus::kFailed);
}

TEST_F(BatchStoreTest, CancelEndsWaitingLinesAndAwaitsRunningOnes) {
  const std::string id = Create(3).id;
  Start(id);
  SucceedNext();
  const ClaimedJob running = Claim();
  const StoredBatch cancelling = ValueOf(batches().Cancel("alice", id));
  EXPECT_EQ(cancelling.status, BatchStatus::kCancelling);
  EXPECT_EQ(ValueOf(batches().Cancel("alice", id)).status, BatchStatus::kCancelling);
  EXPECT_FALSE(ValueOf(jobs().ClaimNext(0)).has_value());
  EXPECT_TRUE(ValueOf(batches().ReadyToFinalize(10)).empty());
  EXPECT_TRUE(ValueOf(jobs().Progress(running.claim, {.message = ""})));
  MAO_EXPECT_OK(jobs().FinishCancelled(running.claim));
  EXPECT_EQ(ValueOf(batches().ReadyToFinalize(10)).size(), 1u);
  const StoredBatch done = ValueOf(batches().Finalize(id));
  EXPECT_EQ(done.status, BatchStatus::kCancelled);
  EXPECT_EQ(done.num_completed, 1);
  EXPECT_EQ(done.num_failed, 0);
  EXPECT_EQ(done.completed_ms, 0);
  EXPECT_GT(done.cancelled_ms, 0);
  EXPECT_NE(ContentOf(done.error_file_id).find("batch_cancelled"), std::string::npos);
}

TEST_F(BatchStoreTest, ABatchIsCancelledAtOnceWhileItIsValidated) {
  const std::string id = Create(1).id;
  EXPECT_EQ(ValueOf(batches().Cancel("alice", id)).status, BatchStatus::kCancelled);
  ExpectError(batches().Start(id, "chat", 0, lines_).status(), StatusCode::kInvalidArgument,
              "is cancelled");
}

TEST_F(BatchStoreTest, TheWindowEndsWhatHasNotRun) {
  const std::string id = Create(3).id;
  Start(id);
  SucceedNext();
  const ClaimedJob running = Claim();
  clock_.Turn(kDayMs - 1);
  EXPECT_EQ(ValueOf(batches().ExpireWindows()), 0);
  clock_.Turn(1);
  EXPECT_EQ(ValueOf(batches().ExpireWindows()), 1);
  EXPECT_EQ(GetBatch(id).status, BatchStatus::kFinalizing);
  EXPECT_TRUE(ValueOf(jobs().Progress(running.claim, {.message = ""})));
  MAO_EXPECT_OK(jobs().Succeed(running.claim, "2"));  // as good as cancelled, and not thrown away
  const StoredBatch done = ValueOf(batches().Finalize(id));
  EXPECT_EQ(done.status, BatchStatus::kExpired);
  EXPECT_EQ(done.num_completed, 2);
  EXPECT_EQ(done.expired_ms, kTestStartMs + kDayMs);
  EXPECT_NE(ContentOf(done.error_file_id).find(R"("custom_id":"3")"), std::string::npos);
  EXPECT_NE(ContentOf(done.error_file_id).find("batch_expired"), std::string::npos);
}

TEST_F(BatchStoreTest, SurvivesAtEachStep) {
  const std::string id = Create(2).id;
  Reopen();
  ASSERT_EQ(ValueOf(batches().ListByStatus(BatchStatus::kValidating, 10)).size(), 1u);
  Start(id);
  SucceedNext();
  Claim();
  Reopen();
  EXPECT_EQ(store_->recovery().num_queued, 1);
  SucceedNext();
  Reopen();
  EXPECT_EQ(ValueOf(batches().ReadyToFinalize(10)), std::vector<std::string>{id});
  const StoredBatch done = ValueOf(batches().Finalize(id));
  Reopen();
  EXPECT_EQ(GetBatch(id).status, BatchStatus::kCompleted);
  EXPECT_EQ(ContentOf(done.output_file_id).find(R"("body":{"line":1})") == std::string::npos,
            false);
}

TEST_F(BatchStoreTest, AFailedFinalizeCanBeRepeated) {
  options_.max_content_bytes = 600;
  Reopen();
  const std::string id = Create(2).id;
  Start(id);
  for (int i = 0; i < 2; ++i) {
    MAO_EXPECT_OK(jobs().Succeed(Claim().claim, "\"" + std::string(200, 'x') + "\""));
  }
  ExpectError(batches().Finalize(id).status(), StatusCode::kResourceExhausted,
              "the limit is 600 bytes");
  EXPECT_EQ(GetBatch(id).status, BatchStatus::kFinalizing);
  EXPECT_EQ(NumBlobFiles(options_.folder), 1u);
  options_.max_content_bytes = 6000;
  Reopen();
  EXPECT_EQ(ValueOf(batches().Finalize(id)).status, BatchStatus::kCompleted);
}

TEST_F(BatchStoreTest, RefusesWrongLines) {
  const std::string id = Create(2).id;
  const auto refusal = [&](const std::vector<BatchLine>& lines) {
    return batches().Start(id, "chat", 0, lines).status();
  };
  ExpectError(refusal({}), StatusCode::kInvalidArgument, "no lines");
  ExpectError(refusal({{.custom_id = "", .offset = 0, .size_bytes = 1}}),
              StatusCode::kInvalidArgument, "line 1: a custom_id of 0 bytes");
  ExpectError(refusal({{.custom_id = std::string(256, 'x'), .offset = 0, .size_bytes = 1}}),
              StatusCode::kInvalidArgument, "allowed are 1 to 255");
  ExpectError(refusal({{.custom_id = "a", .offset = 0, .size_bytes = 1},
                       {.custom_id = "a", .offset = 1, .size_bytes = 1}}),
              StatusCode::kInvalidArgument, "line 2: the custom_id \"a\" a second time");
  for (const auto& [offset, size] : std::vector<std::pair<int64_t, int64_t>>{
           {-1, 1}, {0, 0}, {0, -1}, {0, 23}, {22, 1}, {INT64_MAX, 1}, {1, INT64_MAX}}) {
    ExpectError(refusal({{.custom_id = "a", .offset = offset, .size_bytes = size}}),
                StatusCode::kInvalidArgument, "outside of the file of 22 bytes");
  }
  EXPECT_EQ(GetBatch(id).status, BatchStatus::kValidating);
  Start(id);
}

TEST_F(BatchStoreTest, HoldsItsLimits) {
  options_.batches.max_lines = 2;
  options_.batches.max_batches = 2;
  options_.jobs.max_queued = 1;
  Reopen();
  const std::string three = Create(3).id;
  ExpectError(batches().Start(three, "chat", 0, lines_).status(), StatusCode::kOutOfRange,
              "3 lines; the limit is 2");
  const std::string two = Create(2).id;
  ExpectError(batches().Start(two, "chat", 0, lines_).status(), StatusCode::kResourceExhausted,
              "2 new ones; the limit is 1");
  ExpectError(batches()
                  .Create({.owner = "alice",
                           .input_file_id = input_file_id_,
                           .endpoint = "/v1/x",
                           .completion_window = "24h",
                           .window_ms = 1,
                           .metadata = ""})
                  .status(),
              StatusCode::kResourceExhausted, "the limit is 2");
}

TEST_F(BatchStoreTest, RefusesWrongFields) {
  const std::string file_id = UploadInput("x");
  const auto refusal = [&](void (*change)(NewBatch*)) {
    NewBatch batch = {.owner = "alice",
                      .input_file_id = file_id,
                      .endpoint = "/v1/x",
                      .completion_window = "24h",
                      .window_ms = 1,
                      .metadata = ""};
    change(&batch);
    return batches().Create(batch).status();
  };
  ExpectError(refusal([](NewBatch* batch) { batch->endpoint.clear(); }),
              StatusCode::kInvalidArgument, "endpoint of 0 bytes");
  ExpectError(refusal([](NewBatch* batch) { batch->completion_window.assign(256, 'x'); }),
              StatusCode::kInvalidArgument, "completion_window of 256 bytes");
  ExpectError(refusal([](NewBatch* batch) { batch->window_ms = 0; }), StatusCode::kInvalidArgument,
              "window is empty");
  ExpectError(refusal([](NewBatch* batch) { batch->metadata = "{"; }), StatusCode::kInvalidArgument,
              "metadata");
  ExpectError(refusal([](NewBatch* batch) { batch->metadata.assign(16385, ' '); }),
              StatusCode::kOutOfRange, "the limit is 16384");
  ExpectError(refusal([](NewBatch* batch) { batch->owner = "bob"; }), StatusCode::kNotFound,
              file_id);
  FileUpload upload =
      ValueOf(store_->files().Begin({.owner = "alice", .filename = "x", .purpose = "vision"}));
  const std::string vision = ValueOf(upload.Finish()).id;
  ExpectError(batches()
                  .Create({.owner = "alice",
                           .input_file_id = vision,
                           .endpoint = "/v1/x",
                           .completion_window = "24h",
                           .window_ms = 1,
                           .metadata = ""})
                  .status(),
              StatusCode::kInvalidArgument, "its purpose is \"vision\", not batch");
}

TEST_F(BatchStoreTest, AnotherOwnersBatchIsNotThere) {
  const std::string id = Create(1).id;
  ExpectError(batches().Get("bob", id).status(), StatusCode::kNotFound, id);
  ExpectError(batches().Cancel("bob", id).status(), StatusCode::kNotFound, id);
  EXPECT_TRUE(ValueOf(batches().List("bob", "", 10)).batches.empty());
  ExpectError(batches().List("bob", id, 10).status(), StatusCode::kInvalidArgument, id);
  ExpectError(batches().Start("batch_none", "chat", 0, lines_).status(), StatusCode::kNotFound,
              "batch_none");
}

TEST_F(BatchStoreTest, ListsInPagesNewestFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(Create(1).id);
  const BatchPage first = ValueOf(batches().List("alice", "", 2));
  ASSERT_EQ(first.batches.size(), 2u);
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(first.batches[0].id, ids[2]);
  const BatchPage rest = ValueOf(batches().List("alice", first.batches[1].id, 2));
  ASSERT_EQ(rest.batches.size(), 1u);
  EXPECT_EQ(rest.batches[0].id, ids[0]);
  ExpectError(batches().List("alice", "", 101).status(), StatusCode::kInvalidArgument, "1 to 100");
}

TEST_F(BatchStoreTest, LinesBelongToTheirBatch) {
  const std::string id = Create(1).id;
  Start(id);
  EXPECT_TRUE(ValueOf(jobs().List({.owner = "alice", .state = {}, .after_id = ""})).jobs.empty());
  const ClaimedJob claimed = Claim();
  MAO_EXPECT_OK(jobs().Release(claimed.claim));
  ExpectError(jobs().Delete("alice", claimed.job.id), StatusCode::kInvalidArgument, id);
}

TEST_F(BatchStoreTest, OldBatchesGoWithTheirOutputs) {
  const std::string id = Create(1).id;
  MAO_EXPECT_OK(store_->files().Delete("alice", input_file_id_));
  Start(id);
  SucceedNext();
  ValueOf(batches().Finalize(id));
  clock_.Turn(30 * kDayMs - 1);
  MAO_EXPECT_OK(store_->Sweep());
  EXPECT_EQ(GetBatch(id).status, BatchStatus::kCompleted);
  clock_.Turn(1);
  MAO_EXPECT_OK(store_->Sweep());
  ExpectError(batches().Get("alice", id).status(), StatusCode::kNotFound, id);
  EXPECT_EQ(NumBlobFiles(options_.folder), 0u);
}

}  // namespace
}  // namespace mao
