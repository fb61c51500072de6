#include "reference_coordinator/protocol/push.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::protocol {
namespace {

using testing::HasSubstr;

TEST(PushFrames, AQuestionIsReadAsItWasWritten) {
  auto const frame = encode(PushQuestion{7, "/runner/heartbeat", "{\"claims\":[]}\n"});
  auto const read = decode_push_question(frame);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 7U);
  EXPECT_EQ(read->path, "/runner/heartbeat");
  EXPECT_EQ(read->body, "{\"claims\":[]}\n");
}

TEST(PushFrames, AnAnswerIsReadAsItWasWritten) {
  auto const frame = encode(PushAnswer{0, 200, "{}"});
  auto const read = decode_push_answer(frame);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 0U);
  EXPECT_EQ(read->status, 200);
  EXPECT_EQ(read->body, "{}");
}

TEST(PushFrames, AFrameWithoutABodyHasAnEmptyOne) {
  ASSERT_TRUE(decode_push_question("1 /runner/drain"));
  EXPECT_EQ(decode_push_question("1 /runner/drain")->body, "");
}

TEST(PushFrames, WhatIsNoFrameIsRefusedWithTheRuleItBreaks) {
  for (char const* frame : {"", "\n", "7", "7 ", "x /runs", "-1 /runs", "7/runs", "99999999999999999999 /runs"}) {
    EXPECT_THAT(decode_push_question(frame).error().detail, HasSubstr("a first line such as")) << frame;
  }
  EXPECT_THAT(decode_push_question("0 /runs").error().detail, HasSubstr("at least 1"));
  EXPECT_THAT(decode_push_question("7 runs").error().detail, HasSubstr("a path is expected"));
  for (char const* frame : {"7 ok", "7 99", "7 600", "7 200x"}) {
    EXPECT_THAT(decode_push_answer(frame).error().detail, HasSubstr("a status is expected")) << frame;
  }
}

}  // namespace
}  // namespace assay::protocol
