#include "engine/sched/request_queue.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using ::testing::ElementsAre;

RequestState Make(int32_t priority, uint64_t arrival) {
  RequestState request;
  request.priority = priority;
  request.arrival = arrival;
  return request;
}

std::vector<uint64_t> Arrivals(const RequestQueue& queue) {
  std::vector<uint64_t> arrivals;
  for (const RequestState* request : queue.View()) arrivals.push_back(request->arrival);
  return arrivals;
}

TEST(RequestQueueTest, ServesByPriorityThenArrival) {
  RequestState a = Make(1, 0);
  RequestState b = Make(0, 1);
  RequestState c = Make(0, 2);
  RequestState d = Make(-3, 3);
  RequestQueue queue;
  for (RequestState* request : {&c, &a, &d, &b}) queue.Insert(request);
  EXPECT_THAT(Arrivals(queue), ElementsAre(3, 1, 2, 0));
  EXPECT_EQ(queue.front(), &d);
  EXPECT_EQ(queue.back(), &a);
  queue.Remove(&b);
  EXPECT_THAT(Arrivals(queue), ElementsAre(3, 2, 0));
  queue.Remove(&b);
  EXPECT_EQ(queue.size(), 3u);
}

TEST(RequestQueueTest, WhoeverCameEarlierGoesBackInFront) {
  RequestState first = Make(0, 0);
  RequestState second = Make(0, 1);
  RequestQueue waiting;
  waiting.Insert(&second);
  waiting.Insert(&first);
  EXPECT_EQ(waiting.front(), &first);
}

}  // namespace
}  // namespace mao
