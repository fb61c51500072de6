// The matcher over the memory backend, with a gate in between: the test decides when the store's answers arrive, and
// whether they are errors. The contract suite runs the matcher over the real backends.
#include "reference_coordinator/claim_core/matcher.hpp"

#include "harness/base/random.hpp"
#include "tests/unit/claim_core/forwarding_store.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

namespace assay {

namespace {

using testing::SizeIs;

class GatedStore final : public test::ForwardingStore {
 public:
  GatedStore(asio::io_context& io, Clock const& clock) : ForwardingStore{io, clock}, opened_{io.get_executor()} {}

  void hold_claims() { held_ = true; }
  void let_claims_through() {
    held_ = false;
    opened_.notify();
  }
  std::optional<ErrorKind> failing_submissions;
  int failing_claims = 0;  // the next so many claims are errors
  bool failing_releases = false;
  int submissions_for_polls = 0;
  int claim_calls = 0;
  int claims_out = 0;
  int most_claims_out = 0;

  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override {
    ++submissions_for_polls;
    if (failing_submissions) co_return Error{*failing_submissions, "the gate says no"};
    auto result = co_await ForwardingStore::submit_and_claim(std::move(runs), std::move(demands), lease);
    while (held_) co_await opened_.wait_until();
    co_return result;
  }

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    ++claim_calls;
    most_claims_out = std::max(most_claims_out, ++claims_out);
    auto result = co_await ForwardingStore::claim(std::move(demands), lease);
    while (held_) co_await opened_.wait_until();
    --claims_out;
    if (failing_claims > 0) {
      --failing_claims;
      co_return Error{ErrorKind::unavailable, "the gate says no"};
    }
    co_return result;
  }

  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override {
    if (failing_releases) co_return Error{ErrorKind::unavailable, "the gate says no"};
    auto result = co_await ForwardingStore::release(std::move(claims));
    co_return result;
  }

 private:
  Signal opened_;
  bool held_ = false;
};

class MatcherTest : public testing::Test {
 protected:
  MatcherTest() {
    store = std::make_unique<GatedStore>(io, clock);
    MatcherOptions options;
    options.sweep_interval = std::chrono::hours{1};
    options.lease = milliseconds{300};
    options.sync_match = true;
    options.on_error = [this](Error const& error) { errors.push_back(to_string(error)); };
    matcher = std::make_unique<Matcher>(io.get_executor(), clock, *store, options);
    matcher->start();
  }

  ~MatcherTest() override {
    store->let_claims_through();
    test::run_coroutine(io, matcher->stop());
  }

  PollId park(Duration hold = seconds{30}, std::uint32_t max = 1) {
    return matcher->park("runner", TagSet{}, max, clock.now() + hold);
  }
  Assignment answer(PollId poll) { return test::run_coroutine(io, matcher->answer(poll)); }

  void submit(std::size_t count) {
    std::vector<RunSpec> specs(count);
    for (RunSpec& spec : specs) spec.id = make_run_id(1, random);
    auto const outcomes = test::run_coroutine(io, store->submit(specs));
    matcher->submitted(specs, *outcomes);
  }

  template <class Done>
  void run_until(Done const& done) {
    TimePoint const deadline = clock.now() + seconds{20};
    while (!done() && clock.now() < deadline) {
      test::run_coroutine(io, sleep_until(clock.now() + milliseconds{1}));
    }
    ASSERT_TRUE(done());
  }

  Depth depth() { return *test::run_coroutine(io, store->depth()); }

  asio::io_context io;
  SystemClock clock;
  Random random{random_seed()};
  std::vector<std::string> errors;
  std::unique_ptr<GatedStore> store;
  std::unique_ptr<Matcher> matcher;
};

TEST_F(MatcherTest, APollThatGetsNothingIsAnsweredEmptyAtItsDeadlineAndNotBefore) {
  TimePoint const parked = clock.now();
  Assignment const assignment = answer(park(milliseconds{50}));
  EXPECT_EQ(assignment.end, Assignment::End::expired);
  EXPECT_THAT(assignment.claims, SizeIs(0));
  EXPECT_GE(clock.now() - parked, milliseconds{50});
  EXPECT_EQ(store->claim_calls, 1);
}

TEST_F(MatcherTest, TheHoldEndsInTimeEvenWhenTheStoreIsSlowAndTheLateClaimIsGivenBack) {
  submit(1);
  store->hold_claims();
  EXPECT_EQ(answer(park(milliseconds{30})).end, Assignment::End::expired);
  store->let_claims_through();
  run_until([&] { return matcher->counters().given_back == 1; });
  EXPECT_EQ(depth().ready, 1U);
}

TEST_F(MatcherTest, EventsOfOneTurnOfTheLoopMakeOneBatch) {
  for (int i = 0; i < 50; ++i) park();
  submit(50);
  run_until([&] { return matcher->parked() == 0; });
  EXPECT_EQ(matcher->counters().claims, 50U);
  EXPECT_LE(matcher->counters().batches, 3U);
}

TEST_F(MatcherTest, WhileAClaimIsOutNoOtherIsSent) {
  store->hold_claims();
  park();
  run_until([&] { return store->claims_out == 1; });
  for (int i = 0; i < 20; ++i) {
    submit(1);
    park();
  }
  store->let_claims_through();
  run_until([&] { return matcher->counters().claims == 20; });
  EXPECT_EQ(store->most_claims_out, 1);
  EXPECT_EQ(matcher->parked(), 1U);
}

TEST_F(MatcherTest, AnErrorOfTheStoreIsReportedAndThePollServedWhenTheStoreIsBack) {
  submit(1);
  store->failing_claims = 3;
  // What the store did before it said "error" is not known: here it had claimed, and the lease has to end.
  PollId const poll = park();
  run_until([&] { return matcher->counters().failed_batches == 3; });
  EXPECT_THAT(errors, SizeIs(3));
  EXPECT_EQ(errors[0], "unavailable: the gate says no");
  submit(1);
  EXPECT_EQ(answer(poll).end, Assignment::End::assigned);
}

TEST_F(MatcherTest, ClaimsThatCouldNotBeDeliveredGoToSomebodyElse) {
  submit(2);
  Assignment undelivered = answer(park(seconds{30}, 2));
  ASSERT_THAT(undelivered.claims, SizeIs(2));
  PollId const other = park(seconds{30}, 2);
  matcher->give_back(std::move(undelivered.claims));
  Assignment const assignment = answer(other);
  EXPECT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_EQ(matcher->counters().given_back, 2U);
  EXPECT_EQ(assignment.claims[0].attempt, 1);
}

TEST_F(MatcherTest, AReleaseThatFailsIsCountedAndLeftToTheLease) {
  submit(1);
  Assignment undelivered = answer(park());
  store->failing_releases = true;
  matcher->give_back(std::move(undelivered.claims));
  run_until([&] { return matcher->counters().failed_releases == 1; });
  EXPECT_THAT(errors, SizeIs(1));
  EXPECT_EQ(depth().claimed, 1U);
}

TEST_F(MatcherTest, StopAnswersEverybodyAndGivesBackWhatComesInLate) {
  submit(1);
  store->hold_claims();
  PollId const asked_for = park();
  PollId const waiting = park();
  run_until([&] { return store->claims_out == 1; });
  bool stopped = false;
  asio::co_spawn(io, matcher->stop(), [&](std::exception_ptr) { stopped = true; });
  EXPECT_EQ(answer(asked_for).end, Assignment::End::stopped);
  EXPECT_EQ(answer(waiting).end, Assignment::End::stopped);
  EXPECT_FALSE(stopped) << "a call to the store is still out";
  EXPECT_EQ(answer(park()).end, Assignment::End::stopped) << "too late";
  store->let_claims_through();
  run_until([&] { return stopped; });
  EXPECT_EQ(matcher->counters().given_back, 1U);
  EXPECT_EQ(depth().ready, 1U);
  EXPECT_EQ(depth().claimed, 0U);
}

TEST_F(MatcherTest, ASubmissionGoesToTheParkedPollWithoutAClaim) {
  PollId const poll = park();
  run_until([&] { return matcher->counters().empty_batches == 1; });
  std::vector<RunSpec> specs(2);
  for (RunSpec& spec : specs) spec.id = make_run_id(1, random);
  auto const outcomes = test::run_coroutine(io, matcher->submit(specs));
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(*outcomes, (std::vector<Outcome>{Outcome::ok, Outcome::ok}));
  Assignment const assignment = answer(poll);
  ASSERT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_THAT(assignment.claims, SizeIs(1));
  EXPECT_EQ(store->claim_calls, 1) << "only the one that found nothing";
  EXPECT_EQ(matcher->counters().handed, 1U);
  EXPECT_EQ(answer(park()).claims.at(0).run, specs[1].id) << "nobody waited for the other one";
}

TEST_F(MatcherTest, WhoLeavesWhileItsRunIsBeingSubmittedGivesItBack) {
  PollId const poll = park();
  run_until([&] { return matcher->counters().empty_batches == 1; });
  store->hold_claims();
  std::vector<RunSpec> specs(1);
  specs[0].id = make_run_id(1, random);
  bool submitted = false;
  asio::co_spawn(io, matcher->submit(specs), [&](std::exception_ptr, auto const&) { submitted = true; });
  run_until([&] { return store->submissions_for_polls == 1; });
  matcher->cancel(poll);
  EXPECT_EQ(answer(poll).end, Assignment::End::cancelled);
  store->let_claims_through();
  run_until([&] { return submitted && matcher->counters().given_back == 1; });
  Assignment const assignment = answer(park());
  ASSERT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_EQ(assignment.claims[0].attempt, 1);
}

TEST_F(MatcherTest, ASubmissionThatFailsLeavesItsPollParked) {
  PollId const poll = park();
  run_until([&] { return matcher->counters().empty_batches == 1; });
  for (ErrorKind const kind : {ErrorKind::unavailable, ErrorKind::in_doubt}) {
    store->failing_submissions = kind;
    std::vector<RunSpec> specs(1);
    specs[0].id = make_run_id(1, random);
    auto const outcomes = test::run_coroutine(io, matcher->submit(specs));
    ASSERT_FALSE(outcomes);
    EXPECT_EQ(outcomes.error().kind, kind);
    EXPECT_EQ(matcher->parked(), 1U);
  }
  run_until([&] { return matcher->counters().empty_batches == 2; });  // what was in doubt may be there
  submit(1);
  EXPECT_EQ(answer(poll).end, Assignment::End::assigned);
}

}  // namespace
}  // namespace assay
