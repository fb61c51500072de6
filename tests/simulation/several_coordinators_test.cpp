// Several coordinators over one store in simulated time: what one of them cannot use is heard of by the others at once,
// and when that gets lost, each finds it with its own sweep.
#include "tests/simulation/simulated_trial.hpp"

#include <gtest/gtest.h>

#include <map>

namespace assay::simulation {
namespace {

// Four coordinators with one runner each, of which every run fits one: most runs are submitted elsewhere.
TrialDraw four_of_a_kind(double lost) {
  TrialDraw draw;
  draw.seats = 4;
  draw.wake_up.lost = lost;
  auto& plan = draw.plan;
  plan.runners = 4;
  plan.runs_per_second = 2;
  plan.load.arrivals = LoadSpec::Arrivals::even;
  plan.load.payload_bytes = 8;
  plan.fleet.kinds.clear();
  plan.load.classes.clear();
  for (char const* tag : {"a", "b", "c", "d"}) {
    plan.fleet.kinds.push_back({{tag}, 1.0});
    plan.load.classes.push_back({{tag}, 0, 1.0});
  }
  plan.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{20}, 1.0};
  plan.seed = 4;
  plan.start = simulation_start + seconds{1};
  plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.warm_up = seconds{1};
  plan.measure = std::chrono::minutes{2};
  draw.coordinator.lease = std::chrono::minutes{2};
  draw.coordinator.sweep_interval = seconds{20};
  draw.drain = std::chrono::minutes{2};
  return draw;
}

// From the answer to the submission to the runner, at most, in simulated time.
Duration longest_wait(TrialOutcome const& outcome) {
  std::map<RunId, TimePoint> accepted;
  for (RunEvent const& event : outcome.events) {
    if (event.kind == RunEvent::Kind::accepted) accepted[event.run] = event.time;
  }
  Duration longest{};
  for (RunEvent const& event : outcome.events) {
    if (event.kind == RunEvent::Kind::received) longest = std::max(longest, event.time - accepted.at(event.run));
  }
  return longest;
}

TEST(SeveralCoordinators, ARunThatFitsNobodyHereReachesWhoWaitsElsewhereAtOnce) {
  auto const outcome = simulate(four_of_a_kind(0));
  EXPECT_TRUE(outcome.clean()) << to_string(outcome);
  EXPECT_GT(outcome.runs, 200U);
  EXPECT_EQ(outcome.completed, outcome.runs);
  EXPECT_GT(outcome.woken, outcome.runs);
  EXPECT_LT(to_seconds(longest_wait(outcome)), 0.05) << "no sweep is in this";
}

TEST(SeveralCoordinators, AWakeUpThatGotLostCostsASweepAndNoRun) {
  auto const outcome = simulate(four_of_a_kind(1));
  EXPECT_TRUE(outcome.clean()) << to_string(outcome);
  EXPECT_EQ(outcome.completed, outcome.runs);
  EXPECT_EQ(outcome.woken, 0U);
  EXPECT_GT(to_seconds(longest_wait(outcome)), 1);
  EXPECT_LT(to_seconds(longest_wait(outcome)), 23) << "sweeps are a tenth apart at most";
}

}  // namespace
}  // namespace assay::simulation
