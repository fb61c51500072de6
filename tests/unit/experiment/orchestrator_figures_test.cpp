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

TEST(orchestrator_rate_with_polls, gives_each_run_whole_intervals_of_its_place) {
  auto const rate = [](Scenario const& scenario, double cold = 0) {
    return orchestrator_rate_with_polls_per_s(scenario, 4, cold);
  };
  EXPECT_DOUBLE_EQ(rate(orchestrators(milliseconds{9500}, true)), 2) << "ten intervals";
  EXPECT_DOUBLE_EQ(rate(orchestrators(milliseconds{9500}, false)), 20 / 9.5) << "the next one waits in its hands";
  EXPECT_DOUBLE_EQ(rate(orchestrators(milliseconds{100}, true)), 20) << "not twice in an interval";
  EXPECT_DOUBLE_EQ(rate(orchestrators(Duration{}, true)), 20);
  auto any = orchestrators(seconds{12}, true, 20);
  any.fleet.run_length.shape = DurationDistribution::Shape::uniform;
  EXPECT_NEAR(rate(any), 20 * 20 / 12.5, 0.01 * 20 * 20 / 12.5) << "half an interval more";
  EXPECT_NEAR(rate(any, 1), 20 * 20 / 14.0, 0.01 * 20 * 20 / 14.0) << "and 1.5 s to start";
  EXPECT_NEAR(rate(any, 0.5), 20 * 20 / 13.25, 0.01 * 20 * 20 / 13.25);
}

TEST(orchestrators_alive, counts_the_killed_while_they_are_gone_and_the_phase_is_measured) {
  auto scenario = orchestrators(seconds{10}, true);
  scenario.phases.warm_up = seconds{3};
  scenario.phases.measure = seconds{12};
  EXPECT_DOUBLE_EQ(orchestrators_alive(scenario, 5), 5);
  FaultSpec kill{.at = seconds{5}, .what = FaultSpec::What::kill, .whom = FaultSpec::Whom::runners};
  kill.lasting = std::chrono::hours{24};
  kill.number = 1;
  scenario.faults = {kill};
  EXPECT_DOUBLE_EQ(orchestrators_alive(scenario, 5), 4 + 2.0 / 12) << "alive for the first two seconds";
  scenario.faults[0].at = seconds{1};
  scenario.faults[0].lasting = seconds{5};
  EXPECT_DOUBLE_EQ(orchestrators_alive(scenario, 5), 4.75) << "gone for three of the twelve";
  scenario.faults[0].number = 0;
  scenario.faults[0].every = seconds{4};  // 1 … 6, 5 … 10, 9 … 14, 13 … 18, 17 … 22
  EXPECT_DOUBLE_EQ(orchestrators_alive(scenario, 5), 5 - (3 + 5 + 5 + 2) / 12.0);
  scenario.faults[0].what = FaultSpec::What::restart;
  EXPECT_DOUBLE_EQ(orchestrators_alive(scenario, 5), 5) << "they end what they do";
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
