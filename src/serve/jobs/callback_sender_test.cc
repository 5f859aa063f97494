#include "serve/jobs/callback_sender.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/api/base64.h"
#include "serve/fetch/testing/scripted_server.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

using nlohmann::json;

class CallbackSenderTest : public StoreTest {
 protected:
  void SetUp() override { Open(); }

  // A job that has ended.
  std::string Finish(const std::string& callback_url, JobState state = JobState::kSucceeded) {
    NewJob job = SimpleJob();
    job.callback_url = callback_url;
    const std::string id = Enqueue(job).id;
    if (state == JobState::kCancelled) {
      ValueOf(store_->jobs().Cancel("alice", id));
      return id;
    }
    const ClaimedJob claimed = Claim();
    if (state == JobState::kSucceeded) MAO_EXPECT_OK(store_->jobs().Succeed(claimed.claim, "{}"));
    if (state == JobState::kFailed) {
      MAO_EXPECT_OK(store_->jobs().Fail(claimed.claim, {"422", "no image"}));
    }
    return id;
  }
  // Once its callback was tried so often.
  StoredJob WaitForAttempts(const std::string& id, int attempts) {
    StoredJob job = Get(id);
    while (job.callback_attempts < attempts) {
      job = ValueOf(store_->jobs().WaitForChange("alice", id, job.version, 60'000));
    }
    return job;
  }
  static Webhooks LocalWebhooks() {
    PostConfig config;
    config.rules.allowed_ports.clear();
    config.allow_private_addresses = true;
    config.timeout = std::chrono::milliseconds(60'000);
    return *Webhooks::Create("whsec_" + EncodeBase64(std::string(32, 'k')), config);
  }

  const Webhooks webhooks_ = LocalWebhooks();
};

TEST_F(CallbackSenderTest, TellsHowJobsEnded) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(200, ""); });
  const CallbackSender sender(store_->jobs(), webhooks_);
  int num_requests = 0;
  for (const JobState state : {JobState::kSucceeded, JobState::kFailed, JobState::kCancelled}) {
    const std::string id = Finish(server.url() + "/hook", state);
    EXPECT_EQ(WaitForAttempts(id, 1).callback_state, CallbackState::kDelivered);
    const ScriptedRequest request = server.requests().at(num_requests++);
    const std::string name(JobStateName(state));
    json expected = {{"object", "event"},
                     {"id", "evt_" + id.substr(4)},
                     {"type", "job." + name},
                     {"created_at", kTestStartMs / 1000},
                     {"data", {{"id", id}, {"status", name}, {"status_url", "/api/jobs/" + id}}}};
    if (state == JobState::kSucceeded) {
      expected["data"]["result_url"] = "/api/jobs/" + id + "/result";
    }
    EXPECT_EQ(json::parse(request.body), expected);
    EXPECT_EQ(request.Header("webhook-id"), "evt_" + id.substr(4));
    EXPECT_EQ(request.Header("webhook-signature").substr(0, 3), "v1,");
  }
}

TEST_F(CallbackSenderTest, TriesAgainLaterAndGivesUp) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(503, ""); });
  const CallbackSender sender(store_->jobs(), webhooks_);
  const std::string id = Finish(server.url());
  const int max_attempts = options_.jobs.max_callback_attempts;
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    const StoredJob job = WaitForAttempts(id, attempt);
    EXPECT_EQ(job.callback_state,
              attempt < max_attempts ? CallbackState::kPending : CallbackState::kFailed);
    EXPECT_TRUE(ValueOf(store_->jobs().DueCallbacks(1)).empty());  // not before its time
    clock_.Turn(options_.jobs.max_callback_delay_ms);
  }
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), static_cast<size_t>(max_attempts));
  for (const ScriptedRequest& request : requests) {
    EXPECT_EQ(request.Header("webhook-id"), requests[0].Header("webhook-id"));
    EXPECT_EQ(request.body, requests[0].body);
  }
}

TEST_F(CallbackSenderTest, WhatWasNotToldIsToldAfterARestart) {
  std::atomic<bool> is_up = false;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    if (is_up) {
      peer.Respond(200, "");
    } else {
      peer.WaitForClose();
    }
  });
  const std::string id = Finish(server.url());
  Reopen();
  {
    const CallbackSender sender(store_->jobs(), webhooks_);
    while (server.requests().empty()) std::this_thread::yield();
  }  // ends though the receiver does not answer
  EXPECT_EQ(Get(id).callback_state, CallbackState::kPending);
  EXPECT_EQ(Get(id).callback_attempts, 0);
  Reopen();
  is_up = true;
  const CallbackSender sender(store_->jobs(), webhooks_);
  EXPECT_EQ(WaitForAttempts(id, 1).callback_state, CallbackState::kDelivered);
}

TEST_F(CallbackSenderTest, OneThatHangsHoldsUpNoOther) {
  ScriptedServer silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  ScriptedServer good([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(200, ""); });
  const std::string hanging = Finish(silent.url());
  const std::string other = Finish(good.url());
  const CallbackSender sender(store_->jobs(), webhooks_);
  EXPECT_EQ(WaitForAttempts(other, 1).callback_state, CallbackState::kDelivered);
  EXPECT_EQ(Get(hanging).callback_state, CallbackState::kPending);
}

TEST_F(CallbackSenderTest, ADeletedJobIsForgotten) {
  std::string deleted;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedPeer& peer) {
    MAO_EXPECT_OK(store_->jobs().Delete("alice", deleted));
    peer.Respond(200, "");
  });
  ScriptedServer good([](const ScriptedRequest&, ScriptedPeer& peer) { peer.Respond(200, ""); });
  deleted = Finish(server.url());
  const CallbackSender sender(store_->jobs(), webhooks_);
  while (server.requests().empty()) std::this_thread::yield();
  EXPECT_EQ(WaitForAttempts(Finish(good.url()), 1).callback_state, CallbackState::kDelivered);
  EXPECT_EQ(server.requests().size(), 1);
}

}  // namespace
}  // namespace mao
