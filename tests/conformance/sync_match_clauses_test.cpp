// Clause 51: sync match, a submission that claims for waiting polls in the same commit.
#include "reference_coordinator/claim_core/matcher.hpp"
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace assay::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class sync_match : public claim_store {
 protected:
  void SetUp() override {
    claim_store::SetUp();
    if (!IsSkipped() && !can().sync_match) GTEST_SKIP() << GetParam() << " declares that it cannot do this: sync_match";
  }

  Submitted submit_for(std::vector<RunSpec> specs, std::string_view offered, std::uint32_t count = 1,
                       Duration lease = seconds{60}) {
    return must(store().submit_and_claim(std::move(specs), one_demand(offered, count), lease));
  }
};

TEST_P(sync_match, c51_a_new_run_goes_to_who_waits_for_it_and_is_claimed_like_any_other) {
  RunSpec const spec = run("linux", 7);
  Submitted const submitted = submit_for({spec}, "gpu,linux");
  EXPECT_THAT(submitted.outcomes, ElementsAre(Outcome::ok));
  ASSERT_THAT(submitted.claims, SizeIs(1));
  Claim const& claim = submitted.claims[0];
  EXPECT_EQ(claim.demand, 0U);
  EXPECT_EQ(claim.run, spec.id);
  EXPECT_EQ(claim.attempt, 1);
  EXPECT_EQ(claim.required, spec.required);
  EXPECT_EQ(claim.priority, 7);
  EXPECT_EQ(claim.payload, spec.payload);
  EXPECT_FALSE(claim_one("gpu,linux")) << "it is nobody else's";
  auto const seen = find(spec.id);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, RunState::claimed);
  EXPECT_EQ(seen->attempts, 1);
  EXPECT_EQ(seen->runner, "runner");
  EXPECT_EQ(renew(claim), Outcome::ok);
  EXPECT_EQ(complete(claim), Outcome::ok);
  EXPECT_EQ(complete(claim), Outcome::already_done);
  EXPECT_EQ(find(spec.id)->state, RunState::completed);
}

TEST_P(sync_match, c51_nothing_overtakes_what_is_ready) {
  for (char const* ready : {"linux", ""}) {  // of its own tag set, and of another one that fits
    RunSpec const older = run(ready);
    submit(older);
    RunSpec const newer = run("linux");
    Submitted const submitted = submit_for({newer}, "linux");
    EXPECT_THAT(submitted.outcomes, ElementsAre(Outcome::ok));
    std::vector<RunId> order;
    for (Claim const& claim : submitted.claims) order.push_back(claim.run);
    while (auto const claim = claim_one("linux")) order.push_back(claim->run);
    EXPECT_THAT(order, ElementsAre(older.id, newer.id));
  }
}

TEST_P(sync_match, c51_nothing_overtakes_what_came_with_it) {
  RunSpec const usual = run("linux");
  RunSpec const urgent = run("linux", 10);
  Submitted const submitted = submit_for({usual, urgent}, "linux");
  EXPECT_THAT(submitted.outcomes, ElementsAre(Outcome::ok, Outcome::ok));
  ASSERT_THAT(submitted.claims, SizeIs(1));
  EXPECT_EQ(submitted.claims[0].run, urgent.id);
  auto const next = claim_one("linux");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->run, usual.id);
}

TEST_P(sync_match, c51_a_tag_set_that_only_another_coordinator_knows_counts_as_ready) {
  RunSpec const older = run("known,to,nobody");
  ASSERT_TRUE(must(another_coordinator().submit({older})).at(0) == Outcome::ok);
  RunSpec const newer = run("known");
  Submitted const submitted = submit_for({newer}, "known,nobody,to");
  std::vector<RunId> order;
  for (Claim const& claim : submitted.claims) order.push_back(claim.run);
  while (auto const claim = claim_one("known,nobody,to")) order.push_back(claim->run);
  EXPECT_THAT(order, ElementsAre(older.id, newer.id));
}

TEST_P(sync_match, c51_gives_nothing_that_does_not_fit_is_delayed_refused_or_known) {
  EXPECT_THAT(submit_for({run("gpu")}, "linux").claims, IsEmpty());
  EXPECT_TRUE(claim_one("gpu"));
  RunSpec later = run("linux");
  later.delay = std::chrono::hours{1};
  EXPECT_THAT(submit_for({later}, "linux").claims, IsEmpty());
  RunSpec refused = run("linux");
  refused.max_attempts = 0;
  Submitted const bad = submit_for({refused}, "linux");
  EXPECT_THAT(bad.outcomes, ElementsAre(Outcome::rejected));
  EXPECT_THAT(bad.claims, IsEmpty());
  RunSpec const known = run("linux");
  Submitted const first = submit_for({known}, "linux");
  ASSERT_THAT(first.claims, SizeIs(1));
  Submitted const again = submit_for({known, known}, "linux", 2);
  EXPECT_THAT(again.outcomes, Each(Outcome::already_done));
  EXPECT_THAT(again.claims, IsEmpty());
  EXPECT_EQ(complete(first.claims[0]), Outcome::ok);
}

TEST_P(sync_match, c51_released_or_lost_it_stands_where_its_submission_put_it) {
  RunSpec const first = run("linux");
  Submitted const submitted = submit_for({first}, "linux");
  ASSERT_THAT(submitted.claims, SizeIs(1));
  RunSpec const second = run("linux");
  submit(second);
  ASSERT_EQ(release(submitted.claims[0]), Outcome::ok);
  auto claimed = claim("linux", 2, milliseconds{50});
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_EQ(claimed[0].run, first.id);
  EXPECT_EQ(claimed[0].attempt, 1);
  EXPECT_NE(claimed[0].token, submitted.claims[0].token);

  RunSpec const third = run("mac");
  Submitted const brief = submit_for({third}, "mac", 1, milliseconds{30});
  ASSERT_THAT(brief.claims, SizeIs(1));
  ASSERT_TRUE(lose_lease(brief.claims[0]));
  EXPECT_EQ(complete(brief.claims[0]), Outcome::stale_token);
  auto const again = claim_one("mac");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 2);
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, sync_match, testing::ValuesIn(names()), [](auto const& backend) {
  std::string name = backend.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

struct Race {
  std::vector<RunId> given;
  std::size_t running = 0;
  std::size_t expected = 0;
};

Awaitable<void> submit_for_waiting(ClaimStore& store, std::vector<RunSpec> specs, Race& race) {
  for (RunSpec& spec : specs) {
    std::vector<RunSpec> one;
    one.push_back(std::move(spec));
    auto const submitted = co_await store.submit_and_claim(std::move(one), one_demand("", 1), seconds{60});
    if (!submitted) throw std::runtime_error{to_string(submitted.error())};
    for (Claim const& claim : submitted->claims) race.given.push_back(claim.run);
  }
  --race.running;
}

Awaitable<void> claim_beside(ClaimStore& store, Race& race) {
  while (race.given.size() < race.expected) {
    auto const claims = co_await store.claim(one_demand("", 3), seconds{60});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    for (Claim const& claim : *claims) race.given.push_back(claim.run);
    if (claims->empty()) co_await sleep_until(std::chrono::steady_clock::now() + milliseconds{1});
  }
  --race.running;
}

TEST_P(sync_match, c51_beside_claimers_and_another_coordinator_every_run_is_given_once) {
  constexpr std::size_t submitters = 8, each = 100;
  Race race;
  race.expected = submitters * each;
  auto const rethrow = [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  };
  for (std::size_t i = 0; i < submitters; ++i) {
    ClaimStore& at = i % 2 == 0 ? store() : another_coordinator();
    race.running += 2;
    asio::co_spawn(io, submit_for_waiting(at, runs(each), race), rethrow);
    asio::co_spawn(io, claim_beside(at, race), rethrow);
  }
  io.restart();
  while (race.running > 0) io.run_one();
  EXPECT_EQ(std::set<RunId>(race.given.begin(), race.given.end()).size(), race.expected);
  EXPECT_EQ(race.given.size(), race.expected) << "some run was given twice";
  Depth const left = depth();
  EXPECT_EQ(left.ready, 0U);
  EXPECT_EQ(left.claimed, race.expected);
}

TEST_P(sync_match, c51_the_matcher_hands_a_submission_to_the_poll_that_waits_longest) {
  MatcherOptions options;
  options.sync_match = true;
  options.sweep_interval = std::chrono::hours{1};
  Matcher matcher{io.get_executor(), clock, store(), options};
  matcher.start();
  auto const park = [&](std::string_view offered) {
    return matcher.park("runner", TagSet::from_key(offered), 1, clock.now() + seconds{30});
  };
  PollId const first = park("linux");
  PollId const second = park("linux");
  while (matcher.counters().empty_batches == 0 || matcher.in_flight() > 0) {
    run_coroutine(io, sleep_until(clock.now() + milliseconds{1}));
  }
  auto const batches = matcher.counters().batches;
  RunSpec const spec = run("linux");
  EXPECT_THAT(must(matcher.submit({spec})), ElementsAre(Outcome::ok));
  Assignment const assignment = run_coroutine(io, matcher.answer(first));
  ASSERT_EQ(assignment.end, Assignment::End::assigned);
  EXPECT_EQ(assignment.claims.at(0).run, spec.id);
  EXPECT_EQ(matcher.counters().handed, 1U);
  EXPECT_EQ(matcher.counters().batches, batches) << "no claim of its own was needed";
  matcher.cancel(second);
  EXPECT_EQ(run_coroutine(io, matcher.answer(second)).end, Assignment::End::cancelled);
  run_coroutine(io, matcher.stop());
}

}  // namespace
}  // namespace assay::test
