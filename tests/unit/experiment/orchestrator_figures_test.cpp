#include "harness/experiment/orchestrator_figures.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

Scenario orchestrators(Duration run_length, bool clamp, double compression = 1) {
  Scenario scenario;
  scenario.time_compression = compression;
  scenario.fleet.run_length = {DurationDistribution::Shape::constant, run_length, 1.0};
  scenario.fleet.orchestrator.emplace();
  scenario.fleet.orchestrator->clamp = clamp;
  return scenario;
}

TEST(orchestrator_limit, is_the_smaller_of_what_polls_bring_and_places_take) {
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(seconds{10}, false), 4, 0), 2);
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(seconds{8}, true), 4, 2), 2) << "a start takes a place, too";
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(milliseconds{100}, false), 1, 0), 10);
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(milliseconds{100}, true), 1, 0), 5)
      << "no more than it has room for";
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(Duration{}, false), 2, 0), 20);
  EXPECT_DOUBLE_EQ(orchestrator_limit_per_s(orchestrators(seconds{10}, false, 20), 4, 0), 40) << "as run";
}

TEST(orchestrator_figures, take_the_starts_that_were_and_give_delays_at_the_modelled_scale) {
  auto scenario = orchestrators(milliseconds{9250}, true, 10);
  OrchestratorRecord record;
  record.cold_starts = record.warm_starts = 50;
  for (int i = 0; i < 100; ++i) record.start_delay.record(Duration{milliseconds{75}}.count());
  auto const figures = orchestrator_figures(scenario, 2, record);
  ASSERT_TRUE(figures);
  EXPECT_DOUBLE_EQ(figures->limit_per_s, 5 / (9.25 + 0.75) * 2 * 10) << "half of them took 1.5 s to start";
  EXPECT_NEAR(figures->start_delay.p50.value, 750, 1);
  EXPECT_EQ(figures->start_delay.n, 100U);
  scenario.fleet.orchestrator.reset();
  EXPECT_FALSE(orchestrator_figures(scenario, 2, record));
}

}  // namespace
}  // namespace assay
