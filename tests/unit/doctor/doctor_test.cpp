// What follows from findings is the same on every machine; that probes and null trials say something true is tested
// with bounds that hold on a busy one.
#include "harness/doctor/examination.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;

Findings healthy() {
  Findings findings;
  findings.clock.step = nanoseconds{20};
  findings.noise = {.watched = seconds{1}, .lost = milliseconds{2}, .longest = milliseconds{1}, .steal_share = 0.001};
  findings.latencies.push_back({.asked = {},
                                .n = 1000,
                                .truth_p50_ms = 0.01,
                                .truth_p99_ms = 0.05,
                                .measured_p50_ms = 0.03,
                                .measured_p99_ms = 0.1,
                                .complaint = {}});
  findings.latencies.push_back({.asked = milliseconds{5},
                                .n = 1000,
                                .truth_p50_ms = 5.02,
                                .truth_p99_ms = 5.1,
                                .measured_p50_ms = 5.05,
                                .measured_p99_ms = 5.2,
                                .complaint = {}});
  findings.rate = {.runs_per_s = 5000,
                   .requests_per_s = 15'000,
                   .generator_cores = 0.6,
                   .coordinator_cores = 0.2,
                   .failed_at = 6000,
                   .limited_by = "generator_cpu 0.9 (bound 0.8)"};
  findings.parked = {.asked = 10'000, .parked = 10'000, .connecting = seconds{1}, .failure = {}};
  return findings;
}

std::vector<ScenarioDemand> const demands{{"small", 100, 200}, {"large", 5000, 4000}};

auto says(std::string const& text) { return Contains(Field(&Diagnosis::Line::text, HasSubstr(text))); }

auto refuses(std::string const& text) {
  return Contains(testing::AllOf(Field(&Diagnosis::Line::good, false), Field(&Diagnosis::Line::text, HasSubstr(text))));
}

TEST(diagnose, a_healthy_machine_carries_what_it_was_found_to_carry) {
  auto const diagnosis = diagnose(healthy(), demands);
  EXPECT_TRUE(diagnosis.fit);
  EXPECT_THAT(diagnosis.trust,
              says("latencies of 1.00 ms and more, to within 10 %: the error at p99 was at most 100 µs"));
  EXPECT_THAT(diagnosis.trust, says("up to 5000 runs/s (15000 requests/s); at 6000 runs/s: generator_cpu 0.9"));
  EXPECT_THAT(diagnosis.trust, says("10000 parked runners"));
  for (auto const& line : diagnosis.scenarios) EXPECT_TRUE(line.good) << line.text;
}

TEST(diagnose, each_scenario_is_held_against_rate_and_runners) {
  auto findings = healthy();
  findings.rate.runs_per_s = 300;
  auto diagnosis = diagnose(findings, demands);
  EXPECT_FALSE(diagnosis.fit);
  EXPECT_THAT(diagnosis.scenarios, refuses("large: 5000 runners and 4000 runs/s; the generator manages 300 runs/s"));
  EXPECT_TRUE(diagnosis.scenarios[0].good);

  findings = healthy();
  findings.parked.parked = 1000;
  diagnosis = diagnose(findings, demands);
  EXPECT_FALSE(diagnosis.fit);
  EXPECT_THAT(diagnosis.scenarios, refuses("large: 5000 runners and 4000 runs/s; 1000 runners can be parked"));
  EXPECT_THAT(diagnosis.trust, refuses("1000 parked runners of 10000 asked"));

  findings = healthy();
  findings.parked.failure = "too few descriptors";
  EXPECT_FALSE(diagnose(findings, demands).fit);
}

TEST(diagnose, what_spoils_every_measurement_makes_a_machine_unfit) {
  auto findings = healthy();
  findings.noise.steal_share = 0.03;
  EXPECT_FALSE(diagnose(findings, {}).fit);
  EXPECT_THAT(diagnose(findings, {}).trust, refuses("3.0 % of the CPU time was stolen"));
  findings = healthy();
  findings.clock.backward = 1;
  EXPECT_FALSE(diagnose(findings, {}).fit);
  findings = healthy();
  findings.rate = {.failed_at = 37, .limited_by = "schedule_lag 3 (bound 1)"};
  EXPECT_FALSE(diagnose(findings, {}).fit);
  EXPECT_THAT(diagnose(findings, {}).trust, refuses("no rate at all: already at 37 runs/s: schedule_lag"));
}

TEST(diagnose, a_busy_machine_and_failed_guards_are_named) {
  auto findings = healthy();
  findings.noise.lost = milliseconds{730};
  findings.latencies[1].complaint = "schedule_lag 4 (bound 1)";
  auto const diagnosis = diagnose(findings, demands);
  EXPECT_THAT(diagnosis.trust, refuses("other programs took 73 % of a thread's time"));
  EXPECT_THAT(diagnosis.trust, refuses("while 5.00 ms was asked for, a guard failed: schedule_lag"));
}

TEST(demand, is_of_the_largest_level_at_the_peak_of_its_load) {
  Scenario scenario;
  scenario.name = "peaks";
  scenario.time_compression = 10;
  scenario.load.runs_per_minute_per_runner = 6;
  scenario.load.profile.shape = LoadProfileSpec::Shape::steps;
  scenario.load.profile.levels = {1, 3, 2};
  scenario.levels = {{10, "memory"}, {50, "memory"}};
  auto const demand = demand_of(scenario);
  EXPECT_EQ(demand.runners, 50);
  EXPECT_NEAR(demand.runs_per_second, 150, 1e-9);  // 50 × 6 ÷ 60 × 10 × 3
}

TEST(probes, find_a_clock_that_ticks_and_never_goes_back) {
  auto const clock = examine_clock();
  EXPECT_EQ(clock.backward, 0);
  EXPECT_GT(clock.step, Duration{0});
  EXPECT_LT(clock.step, Duration{milliseconds{1}});
  EXPECT_GT(clock.reading_ns, 0);
  auto const noise = examine_noise(milliseconds{20});
  EXPECT_GE(noise.watched, Duration{milliseconds{20}});
  EXPECT_LE(noise.lost, noise.watched);
  EXPECT_GE(noise.lost, noise.longest);
  auto const loop = examine_idle_loop(milliseconds{50});
  EXPECT_GT(loop.lateness.count(), 0);
  EXPECT_GE(loop.watched, Duration{milliseconds{50}});
}

// The generator can't see an answer before the coordinator gave it, nor the coordinator before its time.
TEST(null_trial, is_never_faster_than_the_truth) {
  NullTrialPlan plan;
  plan.coordinator.answer.mean = milliseconds{5};
  plan.runs_per_second = 200;
  plan.measure = milliseconds{500};
  auto const trial = run_null_trial(plan);
  EXPECT_EQ(trial.failure, "");
  EXPECT_GT(trial.measured.count(), 30);
  EXPECT_GE(trial.truth.min(), 5'000'000 * 0.999);  // a slot's lowest value
  EXPECT_GE(trial.measured.min(), 5'000'000 * 0.999);
}

TEST(null_trial, counts_what_the_fleet_did) {
  NullTrialPlan plan;
  plan.runners = 50;
  plan.runs_per_second = 200;
  plan.measure = milliseconds{600};
  auto const trial = run_null_trial(plan);
  EXPECT_EQ(trial.failure, "");
  EXPECT_GT(trial.completed_per_s, 0);
  EXPECT_GT(trial.requests_per_s, trial.completed_per_s);
  EXPECT_GT(trial.generator_cores, 0);
  EXPECT_GT(trial.coordinator_cores, 0);
  EXPECT_LE(trial.parked, 50U);
}

TEST(null_trial, a_coordinator_that_stalls_is_seen) {
  NullTrialPlan plan;
  plan.runs_per_second = 200;
  plan.measure = milliseconds{800};
  plan.coordinator.stall = {.first = SystemClock{}.now(), .length = milliseconds{200}, .every = milliseconds{600}};
  auto const trial = run_null_trial(plan);
  EXPECT_GT(trial.measured.max(), 100'000'000);
}

}  // namespace
}  // namespace assay
