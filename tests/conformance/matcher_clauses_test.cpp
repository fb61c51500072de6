// Clauses 13, 15–17, 46: the matcher in front of each store.
#include "tests/conformance/claim_store_fixture.hpp"
#include "tests/conformance/running_matcher.hpp"

#include <gmock/gmock.h>

namespace assay::test {
namespace {

using testing::SizeIs;

TEST_P(claim_store, c13_a_new_tag_set_reaches_a_parked_poll) {
  RunningMatcher matcher{io, clock, store(), never};
  PollId const poll = matcher.park("brand,new");
  ASSERT_TRUE(matcher.quiet());
  std::vector<RunSpec> specs{run("new")};
  auto const outcomes = must(another_coordinator().submit(specs));
  matcher->submitted(specs, outcomes);
  Assignment const assignment = matcher.answer(poll);
  EXPECT_EQ(assignment.end, Assignment::End::assigned);
  ASSERT_THAT(assignment.claims, SizeIs(1));
  EXPECT_EQ(assignment.claims[0].run, specs[0].id);
}

TEST_P(claim_store, c15_a_submission_wakes_a_parked_poll) {
  RunningMatcher matcher{io, clock, store(), never};
  PollId const poll = matcher.park("linux");
  ASSERT_TRUE(matcher.quiet());
  submit(run("linux"));
  TimePoint const told = clock.now();
  matcher->work_may_exist(TagSet::from_key("linux"));
  Assignment const assignment = matcher.answer(poll);
  EXPECT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_LT(clock.now() - told, seconds{5});
  EXPECT_LE(assignment.matchable_at, assignment.demanded_at);
  EXPECT_LE(told, assignment.demanded_at);
  EXPECT_LE(assignment.demanded_at, assignment.claimed_at);
}

TEST_P(claim_store, c16_when_the_wake_is_lost_the_fallback_finds_the_run) {
  RunningMatcher matcher{io, clock, store(), milliseconds{50}};
  PollId const poll = matcher.park("linux");
  ASSERT_TRUE(matcher.quiet());
  submit(run("linux"));
  EXPECT_EQ(matcher.answer(poll).end, Assignment::End::assigned);
}

TEST_P(claim_store, c16_a_lost_lease_reaches_a_parked_poll) {
  SKIP_UNLESS(leases);
  submit(run("linux"));
  ASSERT_TRUE(claim_one("linux", milliseconds{50}));
  RunningMatcher matcher{io, clock, store(), milliseconds{20}};
  Assignment const assignment = matcher.answer(matcher.park("linux"));
  ASSERT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_EQ(assignment.claims[0].attempt, 2);
  EXPECT_EQ(matcher->counters().expired_leases, 1U);
}

TEST_P(claim_store, c17_a_wake_without_work_is_harmless) {
  RunningMatcher matcher{io, clock, store(), never};
  PollId const poll = matcher.park("linux", milliseconds{400});
  ASSERT_TRUE(matcher.quiet());
  for (int i = 0; i < 20; ++i) {
    auto const before = matcher->counters().batches;
    matcher->work_may_exist();
    ASSERT_TRUE(matcher.until([&] { return matcher->counters().batches > before; }));
  }
  auto const after_the_wakes = matcher->counters().batches;
  EXPECT_EQ(matcher.answer(poll).end, Assignment::End::expired);
  EXPECT_EQ(matcher->counters().batches, after_the_wakes) << "it asks although nothing happened";
  EXPECT_EQ(matcher->counters().failed_batches, 0U);
  EXPECT_EQ(matcher->counters().claims, 0U);
}

TEST_P(claim_store, c46_a_cancelled_poll_frees_its_slot_and_its_run_goes_to_somebody_else) {
  RunSpec const spec = run("linux");
  submit(spec);
  RunningMatcher matcher{io, clock, store(), never};

  PollId const leaves_while_asked_for = matcher.park("linux");
  ASSERT_TRUE(matcher.until([&] { return matcher->in_flight() > 0 || matcher->counters().claims > 0; }));
  matcher->cancel(leaves_while_asked_for);
  EXPECT_EQ(matcher->parked(), 0U);
  EXPECT_EQ(matcher.answer(leaves_while_asked_for).end, Assignment::End::cancelled);
  ASSERT_TRUE(matcher.until([&] { return matcher->counters().given_back == 1; }));

  PollId const leaves_when_assigned = matcher.park("linux");
  ASSERT_TRUE(matcher.until([&] { return matcher->counters().claims == 2; }));
  matcher->cancel(leaves_when_assigned);
  EXPECT_EQ(matcher.answer(leaves_when_assigned).end, Assignment::End::cancelled);

  Assignment const assignment = matcher.answer(matcher.park("linux"));
  ASSERT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_EQ(assignment.claims[0].run, spec.id);
  EXPECT_EQ(assignment.claims[0].attempt, 1) << "what nobody saw is no attempt";
  EXPECT_EQ(matcher->parked(), 0U);
  matcher->cancel(leaves_when_assigned);  // harmless
}

}  // namespace
}  // namespace assay::test
