// Clauses 14, 18–29, 48: delays, leases, reports, retries, dead letters, tokens.
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace assay::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// What a store's clock may differ from ours over a fraction of a second.
constexpr Duration clock_slack = milliseconds{5};

TEST_P(claim_store, c14_a_delayed_run_is_not_early) {
  SKIP_UNLESS(delay);
  RunSpec spec = run();
  spec.delay = milliseconds{200};
  TimePoint const submitted = clock.now();
  EXPECT_EQ(submit(spec), Outcome::ok);
  EXPECT_EQ(find(spec.id)->state, RunState::delayed);
  EXPECT_EQ(depth().delayed, 1U);
  EXPECT_EQ(sweep().released, 0U);
  EXPECT_FALSE(claim_one());
  EXPECT_TRUE(sweep_until([](SweepResult const& swept) { return swept.released == 1; }));
  EXPECT_GE(clock.now() - submitted, spec.delay - clock_slack);
  EXPECT_EQ(find(spec.id)->state, RunState::ready);
  auto const claim = claim_one();
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->attempt, 1);
}

TEST_P(claim_store, c18_a_renewal_extends) {
  SKIP_UNLESS(leases);
  submit(runs(2));
  auto const claims = claim("", 2, milliseconds{100});
  ASSERT_THAT(claims, SizeIs(2));
  EXPECT_EQ(renew(claims[0], seconds{60}), Outcome::ok);
  EXPECT_TRUE(lose_lease(claims[1])) << "taken with the same lease, but not renewed";
  EXPECT_EQ(find(claims[0].run)->state, RunState::claimed);
  EXPECT_EQ(complete(claims[0]), Outcome::ok);
}

TEST_P(claim_store, c18_a_renewal_after_expiry_before_any_sweep_still_counts) {
  SKIP_UNLESS(leases);
  submit(runs(1));
  auto const claim = claim_one("", milliseconds{1});
  ASSERT_TRUE(claim);
  let_pass(milliseconds{20});
  EXPECT_EQ(renew(*claim, seconds{60}), Outcome::ok);
  EXPECT_THAT(sweep().requeued, IsEmpty());
  EXPECT_EQ(complete(*claim), Outcome::ok);
}

TEST_P(claim_store, c19_a_renewal_after_expiry_and_sweep_is_stale) {
  SKIP_UNLESS(leases);
  submit(runs(1));
  auto const claim = claim_one("", milliseconds{20});
  ASSERT_TRUE(lose_lease(*claim));
  EXPECT_EQ(renew(*claim), Outcome::stale_token);
  EXPECT_EQ(find(claim->run)->state, RunState::ready);
}

TEST_P(claim_store, c20_a_completion_after_expiry_before_any_sweep_is_accepted) {
  SKIP_UNLESS(leases);
  submit(runs(1));
  auto const claim = claim_one("", milliseconds{1});
  ASSERT_TRUE(claim);
  let_pass(milliseconds{20});
  EXPECT_EQ(complete(*claim), Outcome::ok);
  EXPECT_THAT(sweep().requeued, IsEmpty());
  EXPECT_EQ(find(claim->run)->state, RunState::completed);
}

TEST_P(claim_store, c21_a_completion_after_the_run_went_to_somebody_else_is_stale) {
  SKIP_UNLESS(leases);
  submit(runs(1));
  auto const lost = claim_one("", milliseconds{20});
  ASSERT_TRUE(lose_lease(*lost));
  EXPECT_EQ(complete(*lost), Outcome::stale_token) << "swept, not claimed again";
  auto const current = claim_one();
  ASSERT_TRUE(current);
  EXPECT_EQ(current->attempt, 2);
  EXPECT_NE(current->token, lost->token);
  EXPECT_EQ(complete(*lost, "from the loser"), Outcome::stale_token);
  EXPECT_EQ(fail(*lost), Outcome::stale_token);
  EXPECT_EQ(renew(*lost), Outcome::stale_token);
  EXPECT_EQ(release(*lost), Outcome::stale_token);
  EXPECT_EQ(complete(*current, "from the holder"), Outcome::ok);
  EXPECT_EQ(complete(*lost, "from the loser"), Outcome::stale_token);
  EXPECT_EQ(find(current->run)->result, "from the holder");
}

TEST_P(claim_store, c22_the_same_report_twice_is_already_done) {
  SKIP_UNLESS(lookup);
  submit(runs(2));
  auto const done = claim_one();
  EXPECT_EQ(complete(*done, "first"), Outcome::ok);
  EXPECT_EQ(complete(*done, "second"), Outcome::already_done);
  EXPECT_EQ(find(done->run)->result, "first");
  auto const failed = claim_one();
  EXPECT_EQ(fail(*failed), Outcome::ok);
  EXPECT_EQ(fail(*failed), Outcome::already_done);
  EXPECT_EQ(find(failed->run)->attempts, 1);
  EXPECT_EQ(depth().completed, 1U);
  EXPECT_EQ(depth().delayed, 1U);
}

TEST_P(claim_store, c22_within_one_batch_too) {
  SKIP_UNLESS(lookup);
  submit(runs(2));
  auto const claims = claim("", 2);
  ASSERT_THAT(claims, SizeIs(2));
  Completion const one{claims[0].run, claims[0].token, "one"};
  Completion const again{claims[0].run, claims[0].token, "again"};
  Completion const other{claims[1].run, claims[1].token, "other"};
  Completion const unknown{new_id(), claims[1].token, ""};
  auto const outcomes = must(store().complete({one, again, unknown, other}));
  // Two reports on one run in one batch: which of them was first is not promised, that one was is.
  bool const one_won = outcomes.at(0) == Outcome::ok;
  EXPECT_THAT(outcomes, ElementsAre(one_won ? Outcome::ok : Outcome::already_done,
                                    one_won ? Outcome::already_done : Outcome::ok, Outcome::unknown_run, Outcome::ok));
  EXPECT_EQ(find(claims[0].run)->result, one_won ? "one" : "again");
  EXPECT_EQ(depth().completed, 2U);
}

TEST_P(claim_store, c23_a_contradictory_second_report_is_refused) {
  SKIP_UNLESS(lookup);
  submit(runs(2));
  auto const done = claim_one();
  EXPECT_EQ(complete(*done), Outcome::ok);
  EXPECT_EQ(fail(*done), Outcome::rejected);
  EXPECT_EQ(release(*done), Outcome::stale_token);
  EXPECT_EQ(renew(*done), Outcome::stale_token);
  EXPECT_EQ(find(done->run)->state, RunState::completed);
  auto const failed = claim_one();
  EXPECT_EQ(fail(*failed), Outcome::ok);
  EXPECT_EQ(complete(*failed), Outcome::rejected);
  EXPECT_EQ(release(*failed), Outcome::stale_token);
  EXPECT_EQ(renew(*failed), Outcome::stale_token);
  EXPECT_EQ(find(failed->run)->state, RunState::delayed);
}

TEST_P(claim_store, c23_nobody_reports_with_a_token_that_was_never_given) {
  SKIP_UNLESS(lookup);
  submit(runs(1));
  Claim forged;
  forged.run = find(claim_one()->run)->id;
  EXPECT_EQ(complete(forged), Outcome::stale_token);
  EXPECT_EQ(fail(forged), Outcome::stale_token);
  EXPECT_EQ(renew(forged), Outcome::stale_token);
  EXPECT_EQ(release(forged), Outcome::stale_token);
  forged.run = new_id();
  EXPECT_EQ(complete(forged), Outcome::unknown_run);
  EXPECT_EQ(fail(forged), Outcome::unknown_run);
  EXPECT_EQ(renew(forged), Outcome::unknown_run);
  EXPECT_EQ(release(forged), Outcome::unknown_run);
}

TEST_P(claim_store, c26_a_release_keeps_attempt_and_place) {
  SKIP_UNLESS(release_keeps_attempt);
  auto specs = runs(3, "linux");
  specs[0].max_attempts = 1;
  submit(specs);
  for (int i = 0; i < 4; ++i) {
    auto const claim = claim_one("linux");
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->run, specs[0].id) << "not back at its old place";
    EXPECT_EQ(claim->attempt, 1);
    EXPECT_EQ(release(*claim), Outcome::ok);
    if (can().lookup) {
      EXPECT_EQ(find(claim->run)->state, RunState::ready);
      EXPECT_EQ(find(claim->run)->attempts, 0);
    }
    EXPECT_EQ(release(*claim), Outcome::stale_token);
    EXPECT_EQ(complete(*claim), Outcome::stale_token);
  }
  auto const all = claim("linux", 3);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(must(store().release(refs(all))), std::vector<Outcome>(3, Outcome::ok));
  for (auto const& spec : specs) EXPECT_EQ(claim_one("linux")->run, spec.id);
}

TEST_P(claim_store, c27_a_failed_attempt_comes_back_after_its_back_off) {
  SKIP_UNLESS(delay);
  RunSpec const spec = run("linux");
  submit(spec);
  auto const first = claim_one("linux");
  TimePoint const failed = clock.now();
  EXPECT_EQ(fail(*first), Outcome::ok);
  EXPECT_EQ(find(spec.id)->state, RunState::delayed);
  EXPECT_EQ(sweep().released, 0U);
  EXPECT_FALSE(claim_one("linux"));
  EXPECT_TRUE(sweep_until([](SweepResult const& swept) { return swept.released == 1; }));
  EXPECT_GE(clock.now() - failed, retry.delay_after(1) - clock_slack);
  auto const second = claim_one("linux");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->attempt, 2);
  EXPECT_EQ(second->payload, spec.payload);
  TimePoint const failed_again = clock.now();
  EXPECT_EQ(fail(*first), Outcome::stale_token);
  EXPECT_EQ(fail(*second), Outcome::ok);
  EXPECT_TRUE(sweep_until([](SweepResult const& swept) { return swept.released == 1; }));
  EXPECT_GE(clock.now() - failed_again, retry.delay_after(2) - clock_slack) << "the back-off doubles";
}

TEST_P(claim_store, c28_attempts_are_bounded) {
  SKIP_UNLESS(leases);
  RunSpec spec = run();
  spec.max_attempts = 3;
  submit(spec);
  auto const failing = claim_one();
  EXPECT_EQ(failing->attempt, 1);
  fail(*failing);
  ASSERT_TRUE(sweep_until([](SweepResult const& swept) { return swept.released == 1; }));
  auto const losing = claim_one("", milliseconds{20});
  ASSERT_TRUE(losing);
  EXPECT_EQ(losing->attempt, 2);
  ASSERT_TRUE(lose_lease(*losing));
  auto const last = claim_one();
  ASSERT_TRUE(last) << "a lost lease waits for no back-off";
  EXPECT_EQ(last->attempt, 3);
  EXPECT_EQ(fail(*last), Outcome::ok);
  EXPECT_EQ(find(spec.id)->state, RunState::dead);
  EXPECT_EQ(find(spec.id)->attempts, 3);
}

TEST_P(claim_store, c29_a_poison_run_is_a_dead_letter_with_its_cause) {
  SKIP_UNLESS(leases);
  auto specs = runs(2);
  for (auto& spec : specs) spec.max_attempts = 1;
  submit(specs);
  auto const failing = claim_one();
  EXPECT_EQ(fail(*failing, "exit status 137"), Outcome::ok);
  EXPECT_EQ(fail(*failing, "exit status 138"), Outcome::already_done);
  EXPECT_EQ(complete(*failing), Outcome::rejected);
  EXPECT_EQ(find(failing->run)->state, RunState::dead);
  EXPECT_EQ(find(failing->run)->result, "exit status 137");

  auto const vanishing = claim_one("", milliseconds{20});
  SweepResult last;
  ASSERT_TRUE(sweep_until([&](SweepResult const& swept) { return last = swept, !swept.dead.empty(); }));
  EXPECT_THAT(last.dead, ElementsAre(vanishing->run));
  EXPECT_THAT(last.requeued, IsEmpty());
  EXPECT_EQ(complete(*vanishing), Outcome::stale_token);
  EXPECT_EQ(find(vanishing->run)->state, RunState::dead);
  EXPECT_NE(find(vanishing->run)->result, "") << "no cause";

  EXPECT_EQ(depth().dead, 2U);
  EXPECT_EQ(depth().total(), 2U);
  sweep();
  EXPECT_THAT(claim("", 10), IsEmpty());
  EXPECT_EQ(submit(specs[0]), Outcome::already_done);
}

TEST_P(claim_store, c19_a_sweep_is_bounded) {
  SKIP_UNLESS(leases);
  submit(runs(30));
  claim("", 30, milliseconds{1});
  let_pass(milliseconds{20});
  std::set<RunId> requeued;
  for (int i = 0; i < 3; ++i) {
    auto const swept = must(store().sweep(10));
    EXPECT_THAT(swept.requeued, SizeIs(10));
    requeued.insert(swept.requeued.begin(), swept.requeued.end());
  }
  EXPECT_THAT(requeued, SizeIs(30));
  EXPECT_THAT(must(store().sweep(10)).requeued, IsEmpty());
  EXPECT_EQ(depth().ready, 30U);
}

TEST_P(claim_store, c48_tokens_never_repeat) {
  SKIP_UNLESS(leases);
  auto specs = runs(20);
  for (auto& spec : specs) spec.max_attempts = 1000;
  submit(specs);
  std::set<ClaimToken> tokens;
  std::size_t claims_made = 0;
  auto const note = [&](std::vector<Claim> const& claims) {
    for (Claim const& claim : claims) tokens.insert(claim.token);
    claims_made += claims.size();
  };
  auto const claim_all_and_return_them = [&] {
    auto const released = claim("", 20);
    note(released);
    must(store().release(refs(released)));
    auto const lost = claim("", 20, milliseconds{1});
    note(lost);
    std::size_t back = 0;
    ASSERT_TRUE(sweep_until([&](SweepResult const& swept) { return (back += swept.requeued.size()) == lost.size(); }));
  };
  for (int i = 0; i < 3; ++i) claim_all_and_return_them();
  reopen();
  submit(specs);  // known where they outlived the store
  for (int i = 0; i < 3; ++i) claim_all_and_return_them();
  EXPECT_EQ(claims_made, 240U);
  EXPECT_EQ(tokens.size(), claims_made) << "a token was given twice";
}

TEST_P(claim_store, c48_a_token_of_before_the_restart_is_still_the_fence) {
  SKIP_UNLESS(leases);
  if (can().durability == Capabilities::Durability::none)
    GTEST_SKIP() << GetParam() << " declares that nothing outlives it";
  submit(runs(2));
  auto const claims = claim("", 2);
  reopen();
  EXPECT_EQ(renew(claims[0]), Outcome::ok);
  EXPECT_EQ(complete(claims[0]), Outcome::ok);
  EXPECT_EQ(release(claims[1]), Outcome::ok);
  auto const again = claim_one();
  ASSERT_TRUE(again);
  EXPECT_NE(again->token, claims[1].token);
  EXPECT_EQ(complete(claims[1]), Outcome::stale_token);
}

}  // namespace
}  // namespace assay::test
