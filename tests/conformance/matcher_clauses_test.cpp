// Clauses 13, 15–17, 46: the matcher in front of each store.
#include "reference_coordinator/claim_core/matcher.hpp"
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace assay::test {
namespace {

using testing::SizeIs;

// A matcher for a test body: started on construction, stopped at its end.
class RunningMatcher {
 public:
  RunningMatcher(asio::io_context& io, Clock const& clock, ClaimStore& store, Duration sweep_interval)
      : io_{io}, clock_{clock}, matcher_{io.get_executor(), clock, store, options(sweep_interval)} {
    matcher_.start();
  }
  RunningMatcher(RunningMatcher const&) = delete;
  RunningMatcher& operator=(RunningMatcher const&) = delete;
  ~RunningMatcher() { run_coroutine(io_, matcher_.stop()); }

  Matcher* operator->() { return &matcher_; }

  PollId park(std::string_view offered, Duration hold = seconds{30}) {
    return matcher_.park("runner", TagSet::from_key(offered), 1, clock_.now() + hold);
  }
  Assignment answer(PollId poll) { return run_coroutine(io_, matcher_.answer(poll)); }

  // Lets the event loop run until `done`; false after `patience`.
  template <class Done>
  bool until(Done const& done, Duration patience = seconds{20}) {
    TimePoint const deadline = clock_.now() + patience;
    while (!done()) {
      if (clock_.now() > deadline) return false;
      run_coroutine(io_, sleep_until(clock_.now() + milliseconds{1}));
    }
    return true;
  }

  // Until the store has said that there is nothing for anybody.
  bool quiet() {
    return until([&] { return matcher_.counters().empty_batches > 0 && matcher_.in_flight() == 0; });
  }

 private:
  static MatcherOptions options(Duration sweep_interval) {
    MatcherOptions options;
    options.sweep_interval = sweep_interval;
    options.lease = seconds{60};
    return options;
  }

  asio::io_context& io_;
  Clock const& clock_;
  Matcher matcher_;
};

constexpr Duration never = std::chrono::hours{1};

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
