// What a null coordinator does right by default, and exactly what is wrong with it once a fault is planted.
#include "harness/null_coordinator/null_runs.hpp"
#include "harness/base/random.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

struct NullRunsTest : testing::Test {
  RunId submit(NullRuns& runs, std::string payload = "work") {
    RunId const id = make_run_id(++made, random);
    protocol::Submission submission;
    submission.payload = std::move(payload);
    EXPECT_EQ(runs.submit(id, submission, now), Outcome::ok);
    return id;
  }

  Random random{7};
  std::uint64_t made = 0;
  TimePoint now{seconds{100}};
};

TEST_F(NullRunsTest, RunsLeaveInTheOrderOfSubmissionAndEndOnce) {
  NullRuns runs{{}, 1, 3};
  auto const first = submit(runs, "first"), second = submit(runs, "second");
  auto const taken = runs.take(5);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].run, first);
  EXPECT_EQ(taken[0].payload, "first");
  EXPECT_EQ(taken[1].run, second);
  EXPECT_NE(taken[0].token, taken[1].token);
  EXPECT_EQ(runs.renew({first, taken[0].token}), Outcome::ok);
  EXPECT_EQ(runs.complete({first, taken[1].token}), Outcome::stale_token);
  EXPECT_EQ(runs.complete({first, taken[0].token}), Outcome::ok);
  EXPECT_EQ(runs.complete({first, taken[0].token}), Outcome::already_done);
  EXPECT_EQ(runs.fail({first, taken[0].token}, now), Outcome::rejected);
  EXPECT_EQ(runs.renew({first, taken[0].token}), Outcome::stale_token);
  EXPECT_EQ(runs.submit(first, {}, now), Outcome::already_done);
  EXPECT_EQ(runs.complete({make_run_id(99, random), taken[0].token}), Outcome::unknown_run);
  auto const depth = runs.depth(now);
  EXPECT_EQ(depth.completed, 1U);
  EXPECT_EQ(depth.claimed, 1U);
  EXPECT_EQ(depth.total(), 2U);
}

TEST_F(NullRunsTest, FailedAttemptsComeBackUntilTheLastOne) {
  NullRuns runs{{}, 1, 2};
  auto const id = submit(runs);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    auto const taken = runs.take(1);
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].attempt, attempt);
    EXPECT_EQ(runs.fail({id, taken[0].token}, now), Outcome::ok);
    EXPECT_EQ(runs.fail({id, taken[0].token}, now), Outcome::already_done);
  }
  EXPECT_FALSE(runs.any_ready());
  EXPECT_EQ(runs.depth(now).dead, 1U);
}

TEST_F(NullRunsTest, WhatWasNotDeliveredIsNextWithTheSameAttempt) {
  NullRuns runs{{}, 1, 3};
  auto const id = submit(runs);
  submit(runs);
  auto const taken = runs.take(1);
  runs.give_back(taken[0], now);
  EXPECT_EQ(runs.complete({id, taken[0].token}), Outcome::stale_token);
  auto const again = runs.take(1);
  EXPECT_EQ(again[0].run, id);
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_EQ(runs.depth(now).ready, 1U);
}

TEST_F(NullRunsTest, APlantedDoubleClaimLetsTwoHoldersCompleteTheSameRun) {
  NullRuns runs{{.double_claim_every = 3}, 1, 3};
  for (int i = 0; i < 6; ++i) submit(runs);
  std::vector<protocol::AssignedRun> taken;
  while (runs.any_ready()) {
    auto const next = runs.take(1);
    taken.insert(taken.end(), next.begin(), next.end());
  }
  ASSERT_EQ(taken.size(), 8U);  // the third and the sixth are given out twice
  EXPECT_EQ(taken[2].run, taken[3].run);
  EXPECT_EQ(taken[2].attempt, taken[3].attempt);
  EXPECT_EQ(taken[6].run, taken[7].run);
  for (auto const& run : taken) EXPECT_EQ(runs.complete({run.run, run.token}), Outcome::ok);
  EXPECT_EQ(runs.planted().doubled, 2U);
  EXPECT_EQ(runs.depth(now).completed, 6U);
}

TEST_F(NullRunsTest, APlantedLossIsAcknowledgedAndThenNowhere) {
  NullRuns runs{{.lose_every = 4}, 1, 3};
  for (int i = 0; i < 8; ++i) submit(runs);
  EXPECT_EQ(runs.planted().lost, 2U);
  EXPECT_EQ(runs.depth(now).total(), 6U);
  EXPECT_EQ(runs.take(100).size(), 6U);
}

}  // namespace
}  // namespace assay
