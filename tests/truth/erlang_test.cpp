// Runner shortage against queueing theory: with a coordinator that costs next to nothing, the wait of a run is that of
// an M/M/c queue. METHOD's table, faster by a factor. Over HTTP the runners' way from one run to the next costs a part
// of a millisecond, which the theory is told: the mean time that a run keeps its runner is measured.
#include "tests/truth/truth_trial.hpp"

#include "harness/assess/erlang.hpp"
#include "tests/support/waits.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <unordered_map>

namespace assay::truth {
namespace {

struct Cell {
  int runners;
  double runs_per_minute, mean_s;  // as modelled
  double longer_than_s, truth;     // P(wait > t)
  int faster;
};

void PrintTo(Cell const& cell, std::ostream* out) {
  *out << cell.runners << " runners, " << cell.runs_per_minute << " runs/min, " << cell.mean_s << " s";
}

// From a runner's receiving a run to the coordinator's knowing that it is done.
double mean_hold_s(std::vector<RunEvent> const& events) {
  std::unordered_map<RunId, TimePoint> received;
  double sum = 0;
  double n = 0;
  for (auto const& event : events) {
    if (event.kind == RunEvent::Kind::received) received[event.run] = event.time;
    if (event.kind != RunEvent::Kind::completed) continue;
    sum += to_seconds(event.time - received.at(event.run));
    ++n;
  }
  return sum / n;
}

class ErlangCell : public testing::TestWithParam<Cell> {};

TEST_P(ErlangCell, LiesInTheConfidenceInterval) {
  auto const& cell = GetParam();
  // The table is the formula's.
  ErlangC const modelled{cell.runners, cell.runs_per_minute / 60, cell.mean_s};
  ASSERT_NEAR(modelled.waits_longer_than(cell.longer_than_s), cell.truth, 1e-5);

  auto trial = a_trial(cell.runners, cell.runs_per_minute / 60, from_seconds(cell.mean_s), seconds{4});
  trial.scenario.time_compression = cell.faster;
  trial.scenario.load.arrivals = LoadSpec::Arrivals::poisson;
  trial.scenario.fleet.run_length.shape = DurationDistribution::Shape::exponential;
  trial.scenario.phases.warm_up = seconds{1};
  std::string why_not;
  // The wait for a runner comes and goes by nature.
  auto const measured = measure_validly(trial, {.spoiled = {"stationary"}}, why_not);
  if (!why_not.empty()) GTEST_SKIP() << "Skipped: " << why_not;
  double const hold_s = mean_hold_s(measured.evidence.events);
  ErlangC const as_run{cell.runners, measured.result.offered_per_s, hold_s};
  double const bound_s = cell.longer_than_s / cell.faster;
  auto const splits = split_claims(measured.evidence.events, trial.scenario.load.classes, trial.scenario.fleet.kinds,
                                   measured.evidence.kind_of_actor, measured.evidence.stopped);
  auto const [share, reach] =
      test::share_longer_than(splits, measured.evidence.recorder->measured(), from_seconds(bound_s), 12);
  fmt::print(
      "P(wait > {} s): measured {:.4f} ± {:.4f} of {} runs; Erlang C {:.4f} as run ({:.2f} ms a run), {:.5f} as "
      "modelled\n",
      cell.longer_than_s, share, reach, measured.result.claim_latency.n, as_run.waits_longer_than(bound_s),
      hold_s * 1e3, cell.truth);
  EXPECT_NEAR(share, as_run.waits_longer_than(bound_s), reach);
  EXPECT_LT(reach, 0.2) << "too wide an interval to find anything";
}

// The cell that waits most: of the others' rare waits a trial of seconds sees too few.
INSTANTIATE_TEST_SUITE_P(Table, ErlangCell, testing::Values(Cell{10, 20, 24, 5, 0.26975, 2000}));

}  // namespace
}  // namespace assay::truth
