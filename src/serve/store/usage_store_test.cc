#include "serve/store/usage_store.h"

#include <string>
#include <thread>
#include <vector>

#include "serve/store/database.h"
#include "serve/store/test_store.h"

namespace mao {
namespace {

constexpr int64_t kDayMs = 24 * kTestHourMs;

class UsageStoreTest : public testing::Test {
 protected:
  UsageStoreTest() { Open(); }

  void Open(UsageLimits limits = {}, int64_t max_bytes = 1 << 20) {
    usage_.reset();
    database_ = ValueOf(Database::Open({.path = folder_.PathOf("usage.db"),
                                        .migrations = UsageMigrations(),
                                        .max_bytes = max_bytes}));
    usage_ = std::make_unique<UsageStore>(database_.get(), limits, clock_.get());
  }
  std::vector<UsageRow> Query(UsageGroup group, const std::string& key_id = "") {
    return ValueOf(
        usage_->Query({.from_ms = 0, .to_ms = kTestStartMs * 2, .group = group, .key_id = key_id}));
  }

  TempFolder folder_;
  TestClock clock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<UsageStore> usage_;
};

TEST_F(UsageStoreTest, SumsEveryField) {
  const UsageCounts counts = {.requests = 1,
                              .errors = 2,
                              .pages = 3,
                              .prompt_tokens = 4,
                              .output_tokens = 5,
                              .cached_tokens = 6,
                              .image_tokens = 7,
                              .compute_ms = 8};
  usage_->Add({.key_id = "k", .model = "m", .kind = "ocr"}, counts);
  MAO_EXPECT_OK(usage_->Flush());
  usage_->Add({.key_id = "k", .model = "m", .kind = "ocr"}, counts);
  const auto rows = Query(UsageGroup::kKey);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, "k");
  EXPECT_EQ(rows[0].counts.requests, 2);
  EXPECT_EQ(rows[0].counts.errors, 4);
  EXPECT_EQ(rows[0].counts.pages, 6);
  EXPECT_EQ(rows[0].counts.prompt_tokens, 8);
  EXPECT_EQ(rows[0].counts.output_tokens, 10);
  EXPECT_EQ(rows[0].counts.cached_tokens, 12);
  EXPECT_EQ(rows[0].counts.image_tokens, 14);
  EXPECT_EQ(rows[0].counts.compute_ms, 16);
}

TEST_F(UsageStoreTest, GroupsByEachDimension) {
  usage_->Add({.key_id = "a", .model = "m1", .kind = "ocr"}, {.pages = 1});
  usage_->Add({.key_id = "b", .model = "m1", .kind = "chat"}, {.pages = 10});
  clock_.Turn(kTestHourMs);
  usage_->Add({.key_id = "a", .model = "m2", .kind = "ocr"}, {.pages = 100});
  clock_.Turn(kDayMs);
  usage_->Add({.key_id = "a", .model = "m2", .kind = "ocr"}, {.pages = 1000});

  const auto keys = Query(UsageGroup::kKey);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].counts.pages, 1101);
  EXPECT_EQ(keys[1].name, "b");
  const auto models = Query(UsageGroup::kModel);
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].counts.pages, 11);
  const auto kinds = Query(UsageGroup::kKind);
  ASSERT_EQ(kinds.size(), 2u);
  EXPECT_EQ(kinds[0].name, "chat");
  const auto hours = Query(UsageGroup::kHour);
  ASSERT_EQ(hours.size(), 3u);
  EXPECT_EQ(hours[0].begin_ms, kTestStartMs / kTestHourMs * kTestHourMs);
  EXPECT_EQ(hours[1].begin_ms - hours[0].begin_ms, kTestHourMs);
  const auto days = Query(UsageGroup::kDay);
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].begin_ms, kTestStartMs / kDayMs * kDayMs);
  EXPECT_EQ(days[0].counts.pages, 111);
  EXPECT_EQ(Query(UsageGroup::kDay, "b").size(), 1u);
  EXPECT_TRUE(Query(UsageGroup::kDay, "nobody").empty());
}

TEST_F(UsageStoreTest, ARangeTakesEveryHourThatItTouches) {
  const int64_t hour = kTestStartMs / kTestHourMs * kTestHourMs;
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  const auto num_rows = [&](int64_t from_ms, int64_t to_ms) {
    return ValueOf(usage_->Query({.from_ms = from_ms, .to_ms = to_ms, .key_id = ""})).size();
  };
  EXPECT_EQ(num_rows(hour, hour + 1), 1u);
  EXPECT_EQ(num_rows(hour + kTestHourMs - 1, hour + kTestHourMs), 1u);
  EXPECT_EQ(num_rows(hour - 1, hour), 0u);
  EXPECT_EQ(num_rows(hour + kTestHourMs, hour + 2 * kTestHourMs), 0u);
  EXPECT_EQ(num_rows(INT64_MIN, INT64_MAX), 1u);
  EXPECT_EQ(num_rows(INT64_MAX, INT64_MIN), 0u);
}

TEST_F(UsageStoreTest, IsThereAgainAfterClosing) {
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  Open();
  EXPECT_EQ(Query(UsageGroup::kKey).at(0).counts.pages, 1);
}

TEST_F(UsageStoreTest, TooManySubjectsAreCountedTogether) {
  Open({.max_pending = 3});
  for (int i = 0; i < 10; ++i) {
    usage_->Add({.key_id = std::to_string(i), .model = "m", .kind = "ocr"}, {.requests = 1});
  }
  const auto rows = Query(UsageGroup::kKey);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].name, "(other)");
  EXPECT_EQ(rows[0].counts.requests, 7);
}

TEST_F(UsageStoreTest, RefusesAnAnswerThatIsTooLarge) {
  Open({.max_rows = 2});
  for (const char* key : {"a", "b", "c"}) {
    usage_->Add({.key_id = key, .model = "m", .kind = "ocr"}, {.requests = 1});
  }
  ExpectError(
      usage_->Query({.from_ms = 0, .to_ms = INT64_MAX, .group = UsageGroup::kKey, .key_id = ""})
          .status(),
      StatusCode::kOutOfRange, "the limit of 2 rows");
}

TEST_F(UsageStoreTest, NegativeCountsCountNothingAndLongNamesAreCut) {
  const std::string name(1000, 'x');
  usage_->Add({.key_id = name, .model = "m", .kind = "ocr"}, {.requests = -5, .pages = 2});
  const auto rows = Query(UsageGroup::kKey);
  EXPECT_EQ(rows.at(0).name, std::string(128, 'x'));
  EXPECT_EQ(rows.at(0).counts.requests, 0);
  EXPECT_EQ(rows.at(0).counts.pages, 2);
}

TEST_F(UsageStoreTest, DeletesWhatIsOlderThanTheRetention) {
  Open({.retention_ms = 2 * kDayMs});
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  MAO_EXPECT_OK(usage_->Flush());
  clock_.Turn(2 * kDayMs);
  EXPECT_EQ(ValueOf(usage_->DeleteOld()), 0);
  clock_.Turn(kTestHourMs);
  EXPECT_EQ(ValueOf(usage_->DeleteOld()), 1);
  EXPECT_TRUE(Query(UsageGroup::kKey).empty());
}

TEST_F(UsageStoreTest, AClockThatGoesBackCountsIntoTheEarlierHour) {
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  clock_.Turn(-3 * kTestHourMs);
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 2});
  const auto rows = Query(UsageGroup::kHour);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].counts.pages, 2);
}

TEST_F(UsageStoreTest, WhatCannotBeWrittenIsKeptForTheNextFlush) {
  Open({}, 24 << 10);
  int64_t num_added = 0;
  Status status = OkStatus();
  while (status.ok() && num_added < 1000) {
    usage_->Add(
        {.key_id = std::to_string(num_added++), .model = std::string(100, 'm'), .kind = "ocr"},
        {.pages = 1});
    status = usage_->Flush();
  }
  ExpectError(status, StatusCode::kResourceExhausted, "usage.db");
  Open();  // more room
  // The counts that could not be written went with the store that held them.
  EXPECT_EQ(Query(UsageGroup::kKind).at(0).counts.pages, num_added - 1);
}

TEST_F(UsageStoreTest, AFailedFlushLosesNothing) {
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 1});
  {
    Transaction transaction = ValueOf(database_->Write(Durability::kProcessCrash));
    MAO_EXPECT_OK(transaction.Run("ALTER TABLE usage RENAME TO hidden"));
    MAO_EXPECT_OK(transaction.Commit());
  }
  EXPECT_FALSE(usage_->Flush().ok());
  usage_->Add({.key_id = "a", .model = "m", .kind = "ocr"}, {.pages = 10});
  {
    Transaction transaction = ValueOf(database_->Write(Durability::kProcessCrash));
    MAO_EXPECT_OK(transaction.Run("ALTER TABLE hidden RENAME TO usage"));
    MAO_EXPECT_OK(transaction.Commit());
  }
  EXPECT_EQ(Query(UsageGroup::kKey).at(0).counts.pages, 11);
}

TEST_F(UsageStoreTest, ThreadsAddWhileOthersFlush) {
  constexpr int kThreads = 4;
  constexpr int kAdds = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = std::to_string(i % 2);
      for (int j = 0; j < kAdds; ++j) {
        usage_->Add({.key_id = key, .model = "m", .kind = "ocr"}, {.requests = 1});
        if (j % 500 == 0) MAO_EXPECT_OK(usage_->Flush());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto rows = Query(UsageGroup::kKey);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].counts.requests + rows[1].counts.requests, kThreads * kAdds);
}

}  // namespace
}  // namespace mao
