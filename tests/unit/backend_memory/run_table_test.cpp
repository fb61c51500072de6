// What is particular to the memory backend; tests/conformance has the contract.
#include "reference_coordinator/backends/memory/run_table.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace assay {
namespace {

class RunTableTest : public testing::Test {
 protected:
  static RunTable::Options options() {
    RunTable::Options options;
    options.retry = {milliseconds{100}, seconds{1}};
    options.epoch = 9;
    options.remembered = 3;
    return options;
  }

  RunId submit(int priority = 0, Duration delay = Duration::zero()) {
    RunSpec spec;
    spec.id = make_run_id(1, random);
    spec.priority = priority;
    spec.delay = delay;
    EXPECT_EQ(table.submit(spec, now), Outcome::ok);
    return spec.id;
  }

  std::vector<Claim> claim(std::uint32_t count = 1, Duration lease = seconds{30}) {
    std::vector<Claim> claims;
    table.claim({TagSet{}, "runner", count}, 0, lease, now, claims);
    return claims;
  }

  RunTable table{options()};
  Random random{1};
  TimePoint now{seconds{100}};
};

TEST_F(RunTableTest, NothingHappensBeforeASweepAndNothingBeforeItsTime) {
  RunId const delayed = submit(0, milliseconds{10});
  now += milliseconds{10} - nanoseconds{1};
  EXPECT_EQ(table.sweep(10, now).released, 0U);
  now += nanoseconds{1};
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(table.sweep(10, now).released, 1U);
  auto const claims = claim(1, milliseconds{5});
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].run, delayed);
  EXPECT_EQ(claims[0].token, (ClaimToken{9, 1}));
  now += milliseconds{5} - nanoseconds{1};
  EXPECT_TRUE(table.sweep(10, now).requeued.empty());
  now += nanoseconds{1};
  EXPECT_EQ(table.sweep(10, now).requeued, std::vector{delayed});
}

TEST_F(RunTableTest, AReturnedRunStandsAtItsOldPlaceWhateverCameSince) {
  std::vector<RunId> submitted;
  for (int i = 0; i < 6; ++i) submitted.push_back(submit());
  auto const first = claim(4);
  submitted.push_back(submit());
  for (std::size_t const returned : {2U, 0U, 3U, 1U}) table.release({first[returned].run, first[returned].token}, now);
  std::vector<RunId> order;
  for (Claim const& next : claim(7)) order.push_back(next.run);
  EXPECT_EQ(order, submitted);
}

TEST_F(RunTableTest, ForgetsTheOldestFinishedRunsAndCountsThemStill) {
  std::vector<RunId> finished;
  RunId const unfinished = submit(-1);
  for (int i = 0; i < 5; ++i) {
    finished.push_back(submit());
    auto const claims = claim();
    EXPECT_EQ(table.complete({claims[0].run, claims[0].token, "done"}), Outcome::ok);
  }
  EXPECT_FALSE(table.find(finished[0]));
  EXPECT_FALSE(table.find(finished[1]));
  for (std::size_t i = 2; i < 5; ++i) EXPECT_EQ(table.find(finished[i])->result, "done");
  EXPECT_TRUE(table.find(unfinished));
  EXPECT_EQ(table.depth(now).completed, 5U);
  EXPECT_EQ(table.depth(now).total(), 6U);
  RunSpec again;
  again.id = finished[0];
  EXPECT_EQ(table.submit(again, now), Outcome::ok) << "a forgotten id is new again";
  again.id = finished[4];
  EXPECT_EQ(table.submit(again, now), Outcome::already_done);
}

TEST_F(RunTableTest, ASlotThatIsUsedAgainInheritsNothing) {
  for (int i = 0; i < 4; ++i) {
    submit();
    auto const claims = claim(1, seconds{1});
    table.complete({claims[0].run, claims[0].token, "done"});
  }
  RunId const fresh = submit(0, seconds{10});  // in the slot of the first, whose lease entry is still queued
  now += seconds{2};
  SweepResult const swept = table.sweep(10, now);
  EXPECT_TRUE(swept.requeued.empty());
  EXPECT_EQ(swept.released, 0U);
  EXPECT_EQ(table.find(fresh)->state, RunState::delayed);
  EXPECT_EQ(table.find(fresh)->attempts, 0);
  EXPECT_EQ(table.find(fresh)->runner, "");
}

TEST_F(RunTableTest, AgeIsThatOfTheLongestReadyRun) {
  EXPECT_EQ(table.depth(now).oldest_ready_age, Duration::zero());
  submit(5);
  now += seconds{3};
  submit(6);
  now += seconds{1};
  EXPECT_EQ(table.depth(now).oldest_ready_age, seconds{4});
  claim();
  EXPECT_EQ(table.depth(now).oldest_ready_age, seconds{4}) << "the younger one went first";
  claim();
  EXPECT_EQ(table.depth(now).oldest_ready_age, Duration::zero());
}

}  // namespace
}  // namespace assay
