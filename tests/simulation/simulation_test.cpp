// Thousands of trials in seconds, each from a seed, each with its own faults; docs/contract.md says what holds in all
// of them. To look at one: ASSAY_SIMULATION_SEED=<seed>; to look for longer: ASSAY_SIMULATION_SEEDS=<how many>.
#include "tests/simulation/simulated_trial.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace assay::simulation {
namespace {

std::optional<std::uint64_t> from_environment(char const* name) {
  char const* const text = std::getenv(name);
  return text != nullptr ? std::optional{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

std::string replay(std::uint64_t seed) {
  return fmt::format(
      "seed {0}; to replay it: ASSAY_SIMULATION_SEED={0} build/release/bin/simulation --gtest_filter=Simulation.*",
      seed);
}

// The same ones each time, so that a failure in CI is one that everybody sees.
constexpr std::uint64_t first_seed = 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 300;  // they make everything many times slower
#else
constexpr std::uint64_t usual_seeds = 2000;
#endif

TEST(Simulation, NothingIsLostDoubledOrLeftOverWhateverGoesWrong) {
  auto const one = from_environment("ASSAY_SIMULATION_SEED");
  std::uint64_t const begin = one.value_or(first_seed);
  std::uint64_t const end = one ? *one + 1 : begin + from_environment("ASSAY_SIMULATION_SEEDS").value_or(usual_seeds);
  std::uint64_t runs = 0, completed = 0, reexecuted = 0, in_doubt = 0, offered_again = 0, woken = 0, failed_seeds = 0;
  Duration simulated{};
  for (std::uint64_t seed = begin; seed < end; ++seed) {
    auto const outcome = simulate(seed);
    runs += outcome.runs;
    completed += outcome.completed;
    reexecuted += outcome.reexecuted;
    in_doubt += outcome.in_doubt;
    offered_again += outcome.offered_again;
    woken += outcome.woken;
    simulated += outcome.simulated;
    if (outcome.clean()) continue;
    ADD_FAILURE() << replay(seed) << '\n' << to_string(outcome);
    if (++failed_seeds == 5) break;
  }
  fmt::print(
      "{} runs in {:.0f} simulated seconds: {} completed, {} given out again after a lost lease, {} in doubt, {} "
      "offered again, {} wake-ups from another coordinator\n",
      runs, to_seconds(simulated), completed, reexecuted, in_doubt, offered_again, woken);
  // The faults do happen: without them this would prove nothing.
  if (!one) {
    EXPECT_GT(reexecuted, (end - begin) / 10);
    EXPECT_GT(in_doubt, (end - begin) / 20);
    EXPECT_GT(offered_again, (end - begin) / 50);
    EXPECT_GT(woken, end - begin);
  }
}

TEST(Simulation, OneSeedIsOneHistory) {
  std::uint64_t const begin = from_environment("ASSAY_SIMULATION_SEED").value_or(first_seed);
  for (std::uint64_t seed = begin; seed < begin + 20; ++seed) {
    EXPECT_EQ(simulate(seed).fingerprint, simulate(seed).fingerprint) << replay(seed);
  }
}

// What it is worth: each planted defect is found, by the ledger or at the store's door, and only where it is planted.
class PlantedDefect : public testing::TestWithParam<Defect> {};

TEST_P(PlantedDefect, IsFound) {
  constexpr std::uint64_t patience = 300;
  // Of the other two the ledger can't know: they break a promise, but no run is lost or doubled by it.
  bool const ledger_can_know = GetParam() == Defect::hands_out_twice || GetParam() == Defect::loses_a_submission ||
                               GetParam() == Defect::accepts_stale || GetParam() == Defect::passes_over_a_run;
  std::uint64_t by_ledger = 0, by_witness = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + patience; ++seed) {
    auto const outcome = simulate(seed, GetParam());
    if (!outcome.ledger.breaches.empty() && by_ledger == 0) by_ledger = seed;
    if (!outcome.witnessed.empty() && by_witness == 0) by_witness = seed;
    if (by_witness != 0 && (by_ledger != 0 || !ledger_can_know)) break;
  }
  fmt::print("{}: found by the ledger at seed {}, by the witness at seed {} (0: not found)\n", to_string(GetParam()),
             by_ledger, by_witness);
  EXPECT_NE(by_witness, 0U);
  EXPECT_EQ(by_ledger != 0, ledger_can_know);
  for (std::uint64_t const found : {by_ledger, by_witness}) {
    if (found != 0) {
      EXPECT_TRUE(simulate(found).clean()) << "without the defect, too: " << replay(found);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, PlantedDefect,
                         testing::Values(Defect::hands_out_twice, Defect::accepts_stale, Defect::loses_a_submission,
                                         Defect::forgets_a_release, Defect::sweeps_too_early,
                                         Defect::passes_over_a_run),
                         [](auto const& planted) {
                           std::string name{to_string(planted.param)};
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace assay::simulation
