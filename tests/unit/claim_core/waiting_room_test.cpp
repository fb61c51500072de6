#include "reference_coordinator/claim_core/waiting_room.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

TagSet tags(std::vector<std::string> names) { return TagSet{std::move(names)}; }

class WaitingRoomTest : public testing::Test {
 protected:
  PollId park(TagSet const& offered, Duration hold = seconds{30}) {
    return room.park("runner", offered, 1, now, now + hold);
  }

  std::vector<PollId> line(OfferId offer) {
    std::vector<PollId> polls;
    while (auto poll = room.first_waiting(offer)) {
      polls.push_back(*poll);
      room.take(*poll);
    }
    for (auto poll = polls.rbegin(); poll != polls.rend(); ++poll) room.put_back(*poll);
    return polls;
  }

  WaitingRoom room;
  TimePoint now{};
};

TEST_F(WaitingRoomTest, GroupsByOfferedTagsWhateverTheirOrderAndPutsTheLongestWaitingFirst) {
  PollId const first = park(tags({"linux", "arm64"}));
  PollId const other = park(tags({"linux"}));
  PollId const second = park(tags({"arm64", "linux"}));
  EXPECT_EQ(room.offers(), 2U);
  EXPECT_EQ(room.parked(), 3U);
  EXPECT_EQ(line(room.find(first)->offer), (std::vector{first, second}));
  EXPECT_EQ(line(room.find(other)->offer), std::vector{other});
  EXPECT_LT(room.find(first)->place, room.find(other)->place);
}

TEST_F(WaitingRoomTest, APollThatABatchBroughtNothingIsBackAtItsOldPlaceWhicheverBatchReturnsFirst) {
  std::vector<PollId> polls;
  for (int i = 0; i < 6; ++i) polls.push_back(park(tags({"a"})));
  for (int i = 0; i < 4; ++i) room.take(polls[static_cast<std::size_t>(i)]);
  room.put_back(polls[1]);
  room.put_back(polls[0]);
  room.put_back(polls[3]);
  room.put_back(polls[2]);
  EXPECT_EQ(line(0), polls);
}

TEST_F(WaitingRoomTest, AnAskedForPollIsStillParkedAndCanLeaveOrExpire) {
  PollId const leaver = park(tags({}));
  PollId const late = park(tags({}), seconds{1});
  room.take(leaver);
  room.take(late);
  EXPECT_EQ(room.parked(), 2U);
  EXPECT_FALSE(room.first_waiting(0));
  EXPECT_TRUE(room.leave(leaver));
  EXPECT_FALSE(room.leave(leaver));
  EXPECT_EQ(room.expire(now + seconds{1}), std::vector{late});
  room.put_back(leaver);
  room.put_back(late);
  EXPECT_FALSE(room.first_waiting(0));
  EXPECT_EQ(room.parked(), 0U);
}

TEST_F(WaitingRoomTest, ExpiresInOrderOfDeadlineAndNotBefore) {
  PollId const third = park(tags({}), seconds{3});
  PollId const first = park(tags({}), seconds{1});
  PollId const gone = park(tags({}), milliseconds{500});
  PollId const second = park(tags({"x"}), seconds{2});
  room.leave(gone);
  EXPECT_EQ(room.next_deadline(), now + seconds{1});
  EXPECT_TRUE(room.expire(now + seconds{1} - nanoseconds{1}).empty());
  EXPECT_EQ(room.expire(now + seconds{3}), (std::vector{first, second, third}));
  EXPECT_FALSE(room.next_deadline());
}

TEST_F(WaitingRoomTest, AnIdIsNeverUsedTwiceThoughItsSlotIs) {
  PollId const old = park(tags({}));
  room.leave(old);
  PollId const fresh = park(tags({}));
  EXPECT_NE(old, fresh);
  EXPECT_EQ(room.find(old), nullptr);
  EXPECT_FALSE(room.leave(old));
  EXPECT_EQ(room.parked(), 1U);
}

TEST(DeadlineQueueTest, PollsThatLeftEarlyDoNotPileUp) {
  DeadlineQueue<int> queue;
  int live_item = -1;
  auto const due_of = [&](int item) {
    return item == live_item ? std::optional{TimePoint{seconds{30}}} : std::nullopt;
  };
  for (int i = 0; i < 1'000'000; ++i) {
    live_item = i;
    queue.push(TimePoint{seconds{30}}, i);
    queue.compact(1, due_of);
  }
  EXPECT_LT(queue.entries(), 2000U);
  EXPECT_EQ(queue.pop_due(TimePoint{seconds{30}}, due_of), live_item);
}

TEST(DeadlineQueueTest, APostponedItemComesAtItsNewTime) {
  DeadlineQueue<int> queue;
  std::vector<TimePoint> due{TimePoint{seconds{1}}, TimePoint{seconds{2}}};
  auto const due_of = [&](int item) { return std::optional{due[static_cast<std::size_t>(item)]}; };
  queue.push(due[0], 0);
  queue.push(due[1], 1);
  due[0] = TimePoint{seconds{5}};
  EXPECT_EQ(queue.earliest(due_of), TimePoint{seconds{2}});
  EXPECT_EQ(queue.pop_due(TimePoint{seconds{3}}, due_of), 1);
  EXPECT_FALSE(queue.pop_due(TimePoint{seconds{3}}, due_of));
  EXPECT_EQ(queue.pop_due(TimePoint{seconds{5}}, due_of), 0);
}

}  // namespace
}  // namespace assay
