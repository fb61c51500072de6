// Clauses 24, 25: reports against the sweep. Both are sent without waiting for each other; whichever way a race goes,
// the two answers must agree on it.
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace assay::test {
namespace {

using testing::SizeIs;

struct Race {
  std::map<RunId, Outcome> outcomes;
  std::set<RunId> requeued;
  int running = 0;
};

template <class T>
T valued(Result<T> result) {
  if (!result) throw std::runtime_error{to_string(result.error())};
  return std::move(*result);
}

Awaitable<void> complete_all(ClaimStore& store, std::vector<Claim> claims, Race& race) {
  auto const outcomes = valued(co_await store.complete(completions(claims)));
  for (std::size_t i = 0; i < claims.size(); ++i) race.outcomes[claims[i].run] = outcomes[i];
}

Awaitable<void> renew_all(ClaimStore& store, std::vector<Claim> claims, Race& race) {
  auto const outcomes = valued(co_await store.renew(refs(claims), seconds{60}));
  for (std::size_t i = 0; i < claims.size(); ++i) race.outcomes[claims[i].run] = outcomes[i];
}

Awaitable<void> sweep_all(ClaimStore& store, Race& race) {
  auto const swept = valued(co_await store.sweep(50));
  for (RunId const& id : swept.requeued) {
    EXPECT_TRUE(race.requeued.insert(id).second) << "requeued twice from one lease: " << to_string(id);
  }
}

// Each round: 500 leases that are over, in 20 batches of reports and 10 sweeps of 50, mixed. Sides take turns at being
// first, for stores that do all that has come in one transaction.
template <class Report>
void race_once(asio::io_context& io, ClaimStore& reporting, ClaimStore& sweeping, std::vector<Claim> const& claims,
               Report const& report, int round, Race& race) {
  Contenders contenders{io};
  for (std::size_t first = 0, batch = 0; first < claims.size(); first += 25, ++batch) {
    auto const begin = claims.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<Claim> part{begin, begin + 25};
    bool const sweeps = batch % 2 == 0;
    if (sweeps && round % 2 == 0) contenders.enter(sweep_all(sweeping, race));
    contenders.enter(report(reporting, std::move(part), race));
    if (sweeps && round % 2 == 1) contenders.enter(sweep_all(sweeping, race));
  }
  contenders.run();
}

TEST_P(claim_store, c24_completion_against_sweep) {
  SKIP_UNLESS(leases);
  ClaimStore& other = another_coordinator();
  std::size_t completed = 0, lost = 0;
  for (int round = 0; round < 20; ++round) {
    auto specs = runs(500);
    for (auto& spec : specs) spec.max_attempts = 1000;
    submit(specs);
    auto const claims = claim("", 500, milliseconds{1});
    ASSERT_THAT(claims, SizeIs(500));
    let_pass(milliseconds{5});
    Race race;
    race_once(io, store(), other, claims, complete_all, round, race);
    for (auto const& [id, outcome] : race.outcomes) {
      if (race.requeued.contains(id)) {
        EXPECT_EQ(outcome, Outcome::stale_token) << "requeued and completed: " << to_string(id);
        ++lost;
      } else {
        EXPECT_EQ(outcome, Outcome::ok) << "neither requeued nor completed: " << to_string(id);
        ++completed;
      }
    }
    auto const again = claim("", 500);
    EXPECT_EQ(again.size(), race.requeued.size());
    for (Claim const& claim : again) EXPECT_TRUE(race.requeued.contains(claim.run)) << "completed and given again";
    EXPECT_EQ(must(store().complete(completions(again))), std::vector<Outcome>(again.size(), Outcome::ok));
  }
  EXPECT_EQ(completed + lost, 10'000U);
  EXPECT_GT(completed, 0U) << "no completion ever won: this tested nothing";
  EXPECT_GT(lost, 0U) << "no sweep ever won: this tested nothing";
  EXPECT_EQ(depth().completed, 10'000U);
  EXPECT_EQ(depth().total(), 10'000U);
}

TEST_P(claim_store, c25_renewal_against_sweep) {
  SKIP_UNLESS(leases);
  ClaimStore& other = another_coordinator();
  for (int round = 0; round < 5; ++round) {
    auto specs = runs(500);
    for (auto& spec : specs) spec.max_attempts = 1000;
    submit(specs);
    auto const claims = claim("", 500, milliseconds{1});
    ASSERT_THAT(claims, SizeIs(500));
    let_pass(milliseconds{5});
    Race race;
    race_once(io, store(), other, claims, renew_all, round, race);
    std::vector<Claim> renewed;
    for (Claim const& claim : claims) {
      Outcome const outcome = race.outcomes.at(claim.run);
      EXPECT_EQ(outcome, race.requeued.contains(claim.run) ? Outcome::stale_token : Outcome::ok)
          << to_string(claim.run);
      if (outcome == Outcome::ok) renewed.push_back(claim);
    }
    EXPECT_TRUE(sweep().requeued.empty()) << "a renewed lease was found to be over";
    EXPECT_EQ(must(store().complete(completions(renewed))), std::vector<Outcome>(renewed.size(), Outcome::ok));
    auto const again = claim("", 500);
    EXPECT_EQ(again.size(), race.requeued.size());
    must(store().complete(completions(again)));
  }
  EXPECT_EQ(depth().completed, 2500U);
}

}  // namespace
}  // namespace assay::test
