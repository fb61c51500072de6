// METHOD's table of queueing theory, in simulated time and at the modelled pace: a fleet and a coordinator without
// delays and faults are an M/M/c queue, so how often runs wait for a runner is known.
#include "harness/assess/erlang.hpp"
#include "tests/simulation/simulated_trial.hpp"
#include "tests/support/waits.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay::simulation {
namespace {

struct Cell {
  int runners;
  double runs_per_minute, mean_s;
  double longer_than_5s;  // P(wait > 5 s)
};

void PrintTo(Cell const& cell, std::ostream* out) {
  *out << cell.runners << " runners, " << cell.runs_per_minute << " runs/min, " << cell.mean_s << " s";
}

constexpr double runs_per_cell = 60'000;

TrialDraw undisturbed(Cell const& cell) {
  TrialDraw draw;
  auto& plan = draw.plan;
  plan.runners = cell.runners;
  plan.runs_per_second = cell.runs_per_minute / 60;
  plan.fleet.run_length = {DurationDistribution::Shape::exponential, from_seconds(cell.mean_s), 1.0};
  plan.load.payload_bytes = 8;
  plan.seed = 7;
  plan.start = simulation_start + seconds{1};
  plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.warm_up = std::chrono::minutes{20};
  plan.measure = from_seconds(runs_per_cell / plan.runs_per_second);
  draw.coordinator.lease = seconds{120};
  draw.coordinator.sweep_interval = seconds{30};
  draw.network.usual_delay = draw.store.usual_delay = Duration{};
  draw.drain = std::chrono::hours{1};
  draw.witnessed = false;
  return draw;
}

class ErlangC5s : public testing::TestWithParam<Cell> {};

TEST_P(ErlangC5s, LiesInTheConfidenceInterval) {
  auto const& cell = GetParam();
  ErlangC const queue{cell.runners, cell.runs_per_minute / 60, cell.mean_s};
  ASSERT_NEAR(queue.waits_longer_than(5), cell.longer_than_5s, 1e-5) << "the table is the formula's";

  auto const draw = undisturbed(cell);
  auto const outcome = simulate(draw);
  ASSERT_TRUE(outcome.clean()) << to_string(outcome);
  auto const splits =
      split_claims(outcome.events, draw.plan.load.classes, draw.plan.fleet.kinds, outcome.kind_of_actor, outcome.end);
  Window const measured{draw.plan.start + draw.plan.warm_up, draw.plan.start + draw.plan.warm_up + draw.plan.measure};
  for (Duration const bound : {Duration{}, Duration{seconds{5}}}) {
    double const truth = queue.waits_longer_than(to_seconds(bound));
    auto const [share, reach] = test::share_longer_than(splits, measured, bound, 20);
    fmt::print("P(wait > {:.0f} s): {:.5f} ± {:.5f}; Erlang C {:.5f}\n", to_seconds(bound), share, reach, truth);
    // Of waits as rare as three in ten thousand a trial sees one or two clusters, which make no interval.
    if (truth < 0.005) {
      EXPECT_LT(share, 0.005);
      continue;
    }
    EXPECT_NEAR(share, truth, reach);
    if (truth > 0.05) {
      EXPECT_LT(reach, 0.3 * truth) << "too wide an interval to find anything";
    }
  }
  // A coordinator that costs nothing: all of the wait is shortage.
  Duration dispatch{};
  for (auto const& split : splits) dispatch = std::max(dispatch, split.dispatch);
  EXPECT_LT(dispatch, milliseconds{1});
}

INSTANTIATE_TEST_SUITE_P(Table, ErlangC5s,
                         testing::Values(Cell{10, 20, 24, 0.26975}, Cell{50, 100, 24, 0.01083},
                                         Cell{50, 100, 27, 0.14415}, Cell{100, 200, 24, 0.00030},
                                         Cell{500, 1000, 27, 0.0}));

}  // namespace
}  // namespace assay::simulation
