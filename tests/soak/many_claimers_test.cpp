// 64 claimers of 4 coordinators over one database, 100,000 runs (ASSAY_SOAK_RUNS: another number): every run is claimed
// by exactly one of them and completed, whatever the strategy. Prints what each strategy's attempts came to: claims
// that competing coordinators choose before they lock are mostly lost.
#include "tests/integration/postgres_fixture.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <unordered_set>

namespace assay::test {
namespace {

constexpr std::size_t coordinators = 4;
constexpr std::size_t claimers = 64;
constexpr std::uint32_t per_claim = 5;
// Ready at once. All of them from the start would measure how a strategy sorts its backlog, for hours in one case.
constexpr std::size_t wave = 2'000;

std::size_t runs_to_claim() {
  char const* const wanted = std::getenv("ASSAY_SOAK_RUNS");
  return wanted == nullptr ? 100'000 : std::stoull(wanted);
}

struct Books {
  std::unordered_set<RunId> submitted, claimed, completed;
  std::set<ClaimToken> tokens;
  std::size_t left = 0;  // of this wave
  std::size_t running = 0;
};

Awaitable<void> claim_and_complete(ClaimStore& store, Books& books, std::string name) {
  while (books.left > 0) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, name, per_claim});
    auto const claims = co_await store.claim(std::move(demands), seconds{60});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    std::vector<Completion> completions;
    for (Claim const& claim : *claims) {
      EXPECT_TRUE(books.submitted.contains(claim.run)) << "claimed and never submitted";
      EXPECT_TRUE(books.claimed.insert(claim.run).second) << to_string(claim.run) << " was claimed twice";
      EXPECT_TRUE(books.tokens.insert(claim.token).second) << to_string(claim.token) << " was used twice";
      EXPECT_EQ(claim.attempt, 1);
      completions.push_back({claim.run, claim.token, name});
    }
    if (completions.empty()) {
      co_await sleep_until(std::chrono::steady_clock::now() + milliseconds{1});
      continue;
    }
    std::vector<Completion> const done = completions;
    auto const outcomes = co_await store.complete(std::move(completions));
    if (!outcomes) throw std::runtime_error{to_string(outcomes.error())};
    for (std::size_t i = 0; i < done.size(); ++i) {
      EXPECT_EQ((*outcomes)[i], Outcome::ok);
      books.completed.insert(done[i].run);
      --books.left;
    }
  }
  --books.running;
}

class many_claimers : public testing::TestWithParam<std::string> {};

std::vector<std::string> strategies() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) {
    bool const competes = backend.service == "postgresql" && backend.capabilities.several_coordinators;
    if (backend.missing.empty() && competes) names.push_back(backend.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(soak, many_claimers, testing::ValuesIn(strategies()), [](auto const& strategy) {
  std::string name = strategy.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(many_claimers, claim_every_run_once) {
  TestDatabase database;
  asio::io_context io;
  std::vector<std::unique_ptr<OpenStore>> stores;
  for (std::size_t i = 0; i < coordinators; ++i) {
    stores.push_back(std::make_unique<OpenStore>(io, *find_backend(GetParam()), database.url()));
  }
  std::size_t const runs = runs_to_claim();
  Books books;
  Duration took{};
  for (std::size_t made = 0; made < runs && !HasFailure();) {
    std::vector<RunSpec> specs = make_runs(std::min(wave, runs - made));
    made += specs.size();
    books.left = specs.size();
    for (RunSpec const& spec : specs) books.submitted.insert(spec.id);
    stores.front()->submit(std::move(specs));
    auto const start = std::chrono::steady_clock::now();
    books.running = claimers;
    for (std::size_t i = 0; i < claimers; ++i) {
      ClaimStore& store = stores[i % coordinators]->store();
      asio::co_spawn(io, claim_and_complete(store, books, fmt::format("claimer-{}", i)),
                     [](std::exception_ptr failure) {
                       if (failure) std::rethrow_exception(failure);
                     });
    }
    io.restart();
    while (books.running > 0) io.run_one();
    took += std::chrono::steady_clock::now() - start;
  }
  EXPECT_EQ(books.completed.size(), runs);
  Depth const depth = stores.front()->depth();
  EXPECT_EQ(depth.completed, runs);
  EXPECT_EQ(depth.total(), runs);

  StoreCounters sum;
  for (auto const& each : stores) {
    sum.claim_attempts += each->store().counters().claim_attempts;
    sum.claim_conflicts += each->store().counters().claim_conflicts;
  }
  fmt::print(
      "{:<22} {:>7} runs claimed with {:>8} attempts: {:>5.1f} % of them useful, {:>7} lost races, {:>6.0f} runs/s\n",
      GetParam(), runs, sum.claim_attempts,
      100 * static_cast<double>(runs) / static_cast<double>(std::max<std::uint64_t>(1, sum.claim_attempts)),
      sum.claim_conflicts, static_cast<double>(runs) / to_seconds(took));
}

}  // namespace
}  // namespace assay::test
