// Orchestrators in simulated time, where nothing but their own rules limits them: how much they get done is what the
// arithmetic of polling says.
#include "tests/simulation/simulated_trial.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay::simulation {
namespace {

struct Case {
  char const* what;
  int orchestrators;
  bool clamp;
  double run_s;
  double expected_each;  // runs per second
};

void PrintTo(Case const& each, std::ostream* out) { *out << each.what; }

class Orchestrators : public testing::TestWithParam<Case> {};

// More is always there than they can take.
TrialDraw saturated(Case const& each) {
  TrialDraw draw;
  auto& plan = draw.plan;
  plan.runners = each.orchestrators;
  plan.runs_per_second = 12 * each.orchestrators;
  plan.load.arrivals = LoadSpec::Arrivals::even;
  plan.load.payload_bytes = 8;
  plan.fleet.run_length = {DurationDistribution::Shape::uniform, from_seconds(each.run_s), 1.0};
  plan.fleet.orchestrator.emplace();
  plan.fleet.orchestrator->clamp = each.clamp;
  plan.fleet.orchestrator->cold_start = {};
  plan.fleet.orchestrator->cold_start.from = plan.fleet.orchestrator->cold_start.to = Duration{};
  plan.fleet.heartbeat = seconds{30};
  plan.seed = 7;
  plan.start = simulation_start + seconds{1};
  plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.warm_up = seconds{60};
  plan.measure = std::chrono::minutes{10};
  draw.coordinator.lease = seconds{120};
  draw.coordinator.sweep_interval = seconds{30};
  draw.network.usual_delay = draw.store.usual_delay = Duration{};
  draw.drain = std::chrono::hours{10};
  draw.witnessed = false;
  return draw;
}

TEST_P(Orchestrators, GetDoneWhatTheirRulesAllow) {
  auto const& each = GetParam();
  auto const draw = saturated(each);
  auto const outcome = simulate(draw);
  ASSERT_TRUE(outcome.clean()) << to_string(outcome);
  TimePoint const begin = draw.plan.start + draw.plan.warm_up;
  Window const measured{begin, begin + draw.plan.measure};
  std::uint64_t completed = 0;
  for (auto const& event : outcome.events)
    completed += event.kind == RunEvent::Kind::completed && measured.contains(event.time) ? 1 : 0;
  double const rate = static_cast<double>(completed) / to_seconds(draw.plan.measure) / each.orchestrators;
  fmt::print("{}: {:.3f} runs/s each, expected {:.3f}\n", each.what, rate, each.expected_each);
  EXPECT_NEAR(rate, each.expected_each, 0.04 * each.expected_each);
}

// Long runs: max_concurrent ÷ run length, less half a poll interval for each run when a free place has to wait for the
// next poll (clamped), and nothing when the next run waits in its hands (not clamped). Short ones: what a poll brings,
// which clamping bounds to max_concurrent.
INSTANTIATE_TEST_SUITE_P(Table, Orchestrators,
                         testing::Values(Case{"clamped, long runs", 3, true, 12, 5 / 12.5},
                                         Case{"not clamped, long runs", 3, false, 12, 5 / 12.0},
                                         Case{"clamped, short runs", 2, true, 0.1, 5},
                                         Case{"not clamped, short runs", 2, false, 0.1, 10}));

}  // namespace
}  // namespace assay::simulation
