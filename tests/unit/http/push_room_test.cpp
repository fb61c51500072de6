#include "reference_coordinator/http/push_room.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

RunId run_number(std::uint8_t number) {
  RunId id;
  id.bytes[15] = number;
  return id;
}

struct PushRoomTest : testing::Test {
  PushRoom room;
  std::unique_ptr<Picker> picker = make_picker("capability_aware", 1);
  TagSet plain;
  TagSet gpu{{"gpu"}};
};

TEST_F(PushRoomTest, ARunGoesToARunnerThatOffersWhatItRequires) {
  auto const plain_runner = room.join("plain", plain, 1, 0);
  EXPECT_FALSE(room.pick(gpu, *picker));
  auto const gpu_runner = room.join("gpu", gpu, 1, 0);
  EXPECT_EQ(room.pick(gpu, *picker), gpu_runner);
  EXPECT_EQ(room.pick(plain, *picker), plain_runner);
  EXPECT_EQ(room.fitting(plain), 2U);
  EXPECT_EQ(room.fitting(gpu), 1U);
}

TEST_F(PushRoomTest, ARunnerTakesAsManyAsItHasSlotsAndOneMoreForEachThatEnds) {
  auto const runner = room.join("one", plain, 2, 0);
  EXPECT_EQ(room.free_slots().at(plain), 2U);
  for (std::uint8_t i = 0; i < 2; ++i) {
    ASSERT_EQ(room.pick(plain, *picker), runner);
    room.begin(runner, run_number(i), {{1, i}, "source:a", TimePoint{}});
  }
  EXPECT_FALSE(room.pick(plain, *picker));
  EXPECT_FALSE(room.has_free_slot());
  auto const ended = room.end(runner, run_number(1));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->source, "source:a");
  EXPECT_FALSE(room.end(runner, run_number(1))) << "it has ended already";
  EXPECT_EQ(room.free_slots().at(plain), 1U);
}

TEST_F(PushRoomTest, WhatAReconnectedRunnerHoldsFromBeforeTakesItsSlots) {
  auto const runner = room.join("again", plain, 2, 2);
  EXPECT_FALSE(room.has_free_slot());
  EXPECT_FALSE(room.end(runner, run_number(9)));
  EXPECT_EQ(room.free_slots().at(plain), 1U);
}

TEST_F(PushRoomTest, ADrainingRunnerGetsNothingMore) {
  auto const runner = room.join("leaving", plain, 3, 0);
  room.drain(runner);
  EXPECT_FALSE(room.pick(plain, *picker));
  EXPECT_TRUE(room.free_slots().empty());
}

TEST_F(PushRoomTest, LeavingTellsWhatWasBeingWorked) {
  auto const runner = room.join("gone", plain, 2, 1);
  room.begin(runner, run_number(1), {{4, 2}, "", TimePoint{}});
  auto const claims = room.leave(runner);
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].run, run_number(1));
  EXPECT_EQ(claims[0].token, (ClaimToken{4, 2}));
  EXPECT_EQ(room.runners(), 0U);
  EXPECT_TRUE(room.leave(runner).empty());
  EXPECT_FALSE(room.end(runner, run_number(1)));
}

}  // namespace
}  // namespace assay
