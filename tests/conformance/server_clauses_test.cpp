// Clauses 42, 44: a backend's server goes away and comes back.
#include "reference_coordinator/claim_core/matcher.hpp"
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <set>

namespace assay::test {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::SizeIs;

TEST_P(claim_store, c42_after_a_server_restart_the_same_store_works_again) {
  SKIP_WITHOUT_SERVER();
  submit(runs(10));
  auto const before = claim("", 4);
  data().stop_server();

  auto const refused = ask(store().submit(runs(1)));
  ASSERT_FALSE(refused) << "accepted by a server that is not there";
  EXPECT_THAT(refused.error().kind, AnyOf(ErrorKind::unavailable, ErrorKind::in_doubt, ErrorKind::timed_out));
  EXPECT_NE(refused.error().detail, "");
  EXPECT_FALSE(ask(store().claim(one_demand("", 1), seconds{60})));
  EXPECT_FALSE(ask(store().depth()));

  data().start_server();
  TimePoint const deadline = clock.now() + seconds{30};
  Result<Depth> depth_again = ask(store().depth());
  while (!depth_again && clock.now() < deadline) {
    let_pass(milliseconds{20});
    depth_again = ask(store().depth());
  }
  ASSERT_TRUE(depth_again) << to_string(depth_again.error());
  EXPECT_EQ(depth_again->claimed, 4U);
  // Each connection finds out for itself: a verb may fail once more, but not for long.
  Result<std::vector<Outcome>> done = ask(store().complete(completions(before)));
  while (!done && clock.now() < deadline) done = ask(store().complete(completions(before)));
  ASSERT_TRUE(done) << to_string(done.error());
  EXPECT_THAT(*done, Each(AnyOf(Outcome::ok, Outcome::already_done)));
  Result<std::vector<Claim>> rest = ask(store().claim(one_demand("", 10), seconds{60}));
  while (!rest && clock.now() < deadline) rest = ask(store().claim(one_demand("", 10), seconds{60}));
  ASSERT_TRUE(rest) << to_string(rest.error());
  EXPECT_THAT(*rest, SizeIs(6));
}

TEST_P(claim_store, c42_without_its_server_the_matcher_does_not_spin_and_loses_no_poll) {
  SKIP_WITHOUT_SERVER();
  MatcherOptions options;
  options.sweep_interval = milliseconds{100};
  Matcher matcher{io.get_executor(), clock, store(), options};
  matcher.start();
  data().stop_server();
  PollId const poll = matcher.park("runner", TagSet{}, 1, clock.now() + seconds{60});
  let_pass(seconds{2});
  auto const failures = matcher.counters().failed_batches;
  EXPECT_GE(failures, 1U);
  EXPECT_LE(failures, 20U) << "in two seconds";
  EXPECT_EQ(matcher.parked(), 1U);
  data().start_server();
  std::vector<RunSpec> const specs = runs(1);
  TimePoint const deadline = clock.now() + seconds{30};
  while (!ask(store().submit(specs)) && clock.now() < deadline) let_pass(milliseconds{20});
  EXPECT_EQ(run_coroutine(io, matcher.answer(poll)).end, Assignment::End::assigned);
  run_coroutine(io, matcher.stop());
}

// Submits from several sides until the server is gone, and keeps what was answered.
Awaitable<void> submit_until_error(ClaimStore& store, std::vector<std::vector<RunSpec>> batches,
                                   std::set<RunId>& accepted) {
  for (auto const& batch : batches) {
    auto const outcomes = co_await store.submit(batch);
    if (!outcomes) co_return;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if ((*outcomes)[i] == Outcome::ok) accepted.insert(batch[i].id);
    }
  }
}

TEST_P(claim_store, c44_a_submission_in_doubt_submitted_again_exists_once) {
  SKIP_UNLESS(lookup);
  SKIP_WITHOUT_SERVER();
  std::vector<RunSpec> all;
  std::set<RunId> accepted;
  Contenders submitters{io};
  for (int side = 0; side < 8; ++side) {
    std::vector<std::vector<RunSpec>> batches;
    for (int i = 0; i < 40; ++i) {
      batches.push_back(runs(25));
      all.insert(all.end(), batches.back().begin(), batches.back().end());
    }
    submitters.enter(submit_until_error(store(), std::move(batches), accepted));
  }
  submitters.run_until([&] { return accepted.size() >= 500; });
  data().crash_server();
  submitters.run();
  data().start_server();

  TimePoint const deadline = clock.now() + seconds{60};
  for (std::size_t first = 0; first < all.size(); first += 500) {
    auto const begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<RunSpec> const part{begin, begin + 500};
    auto outcomes = ask(store().submit(part));
    while (!outcomes && clock.now() < deadline) {
      let_pass(milliseconds{20});
      outcomes = ask(store().submit(part));
    }
    ASSERT_TRUE(outcomes) << to_string(outcomes.error());
    for (std::size_t i = 0; i < part.size(); ++i) {
      EXPECT_THAT((*outcomes)[i], AnyOf(Outcome::ok, Outcome::already_done));
      if (accepted.contains(part[i].id)) {
        EXPECT_EQ((*outcomes)[i], Outcome::already_done) << "accepted before the crash, and lost in it";
      }
    }
  }
  EXPECT_EQ(depth().total(), all.size());
  std::set<RunId> claimed;
  for (;;) {
    auto const claims = claim("", 500);
    if (claims.empty()) break;
    for (Claim const& claim : claims) EXPECT_TRUE(claimed.insert(claim.run).second) << "exists twice";
  }
  EXPECT_EQ(claimed.size(), all.size());
}

}  // namespace
}  // namespace assay::test
