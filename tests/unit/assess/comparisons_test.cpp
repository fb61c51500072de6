#include "harness/assess/comparisons.hpp"

#include "harness/assess/compared_figures.hpp"
#include "harness/assess/decide.hpp"
#include "tests/unit/assess/a_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// postgres-batch is assessed.
Assessment beside(TrialResult other) {
  Assessment assessment;
  assessment.trials = {a_trial(500), std::move(other)};
  return assessment;
}

std::vector<SeriesComparison> made(Assessment const& assessment) { return Comparisons{assessment, {}}.list(); }

SeriesComparison only(Assessment const& assessment) {
  auto const list = made(assessment);
  EXPECT_THAT(list, SizeIs(1));
  return list.at(0);
}

TEST(comparisons, are_made_for_each_other_series_and_level_in_the_order_in_which_they_ran) {
  Assessment assessment;
  assessment.trials = {a_trial(10), a_trial(500), a_trial(500, "memory"), a_trial(10, "memory"),
                       a_trial(500, "sqlite")};
  std::vector<std::string> names;
  for (auto const& each : made(assessment)) names.push_back(fmt::format("{} at {}", each.series, each.runners));
  EXPECT_THAT(names, ElementsAre("memory at 10", "memory at 500", "sqlite at 500"));
  assessment.trials.resize(2);
  EXPECT_THAT(made(assessment), IsEmpty());
}

TEST(comparisons, are_part_of_the_verdict_and_no_reasons) {
  auto const verdict = decide(beside(a_trial(500, "memory")), {});
  ASSERT_TRUE(verdict.comparisons);
  EXPECT_THAT(*verdict.comparisons, SizeIs(1));
  for (auto const& reason : verdict.reasons) EXPECT_NE(reason.criterion, "comparison") << reason.text;
}

TEST(comparisons, are_by_dispatch_latency_and_say_how_many_times_ours_it_is) {
  auto other = a_trial(500, "memory");
  other.dispatch_latency = latencies_around(12, 3000);
  auto const found = only(beside(other));
  EXPECT_EQ(found.metric, "dispatch_latency");
  EXPECT_EQ(found.statistic, "p99");
  EXPECT_EQ(found.unit, "ms");
  EXPECT_EQ(found.n, 3000U);
  ASSERT_TRUE(found.theirs && found.ours && found.times);
  EXPECT_EQ(found.theirs->value, other.dispatch_latency.p99.value);
  EXPECT_TRUE(found.theirs->low && found.theirs->high);
  EXPECT_EQ(found.ours->value, a_trial(500).dispatch_latency.p99.value);
  EXPECT_NEAR(*found.times, 3, 0.02);
  EXPECT_THAT(found.trials, ElementsAre("r0500-memory-1"));
  EXPECT_EQ(found.why_not, "");
}

TEST(comparisons, of_callers_that_wait_for_results_are_by_what_they_wait) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials[0].call_latency = latencies_around(60);
  assessment.trials[1].call_latency = latencies_around(15);
  auto const found = only(assessment);
  EXPECT_EQ(found.metric, "call_latency");
  EXPECT_NEAR(found.times.value(), 0.25, 0.002);
}

TEST(comparisons, are_by_what_both_have) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials[1].call_latency = latencies_around(15);
  EXPECT_EQ(only(assessment).metric, "dispatch_latency");
  assessment.trials[0].dispatch_latency = {};
  auto const found = only(assessment);
  EXPECT_EQ(found.metric, "throughput");
  EXPECT_TRUE(found.times);
}

TEST(comparisons, of_backlogs_are_by_throughput_of_which_less_is_worse) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials.push_back(a_trial(500, "memory", 2));
  for (auto& trial : assessment.trials) trial.dispatch_latency = trial.claim_latency = {};
  assessment.trials[1].completed_per_s = 250;
  assessment.trials[2].completed_per_s = 321;
  auto const found = only(assessment);
  EXPECT_EQ(found.metric, "throughput");
  EXPECT_EQ(found.unit, "1/s");
  EXPECT_EQ(found.theirs.value().value, 250);
  EXPECT_EQ(found.ours.value().value, 1000);
  EXPECT_EQ(found.times, 0.25);
  EXPECT_THAT(found.trials, SizeIs(2));
  for (auto& trial : assessment.trials) trial.completed_per_s = 0;
  EXPECT_EQ(only(assessment).why_not, "it has neither a latency nor a throughput");
}

TEST(comparisons, let_the_worst_repeat_speak) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials.push_back(a_trial(500, "memory", 2));
  assessment.trials[2].dispatch_latency = latencies_around(40);
  EXPECT_EQ(only(assessment).theirs.value().value, latencies_around(40).p99.value);
}

TEST(comparisons, need_every_repeat) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials.push_back(a_trial(500, "memory", 2));
  assessment.trials[2].guards[0].state = Guard::State::failed;
  auto const found = only(assessment);
  EXPECT_FALSE(found.theirs);
  EXPECT_FALSE(found.times);
  EXPECT_THAT(found.why_not, HasSubstr("the trial is invalid: "));
  EXPECT_TRUE(found.ours) << "what the others are compared with is still known";
}

TEST(comparisons, with_a_trial_that_is_no_evidence_say_why) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials[0].call_latency = latencies_around(60);
  assessment.trials[1].partial = true;
  auto found = only(assessment);
  EXPECT_EQ(found.why_not, "the trial was interrupted");
  EXPECT_EQ(found.metric, "call_latency") << "by what the others are compared";
  assessment.trials[1].partial = false;
  assessment.trials[1].ledger.doubled = 3;
  found = only(assessment);
  EXPECT_EQ(found.why_not, "it breaks its promises: 0 lost, 3 doubled");
  EXPECT_FALSE(found.theirs) << "a series that hands out runs twice has no speed";
}

TEST(comparisons, at_a_level_without_the_assessed_series_have_a_figure_and_nothing_to_hold_it_against) {
  auto assessment = beside(a_trial(100, "memory"));
  auto found = only(assessment);
  EXPECT_TRUE(found.theirs);
  EXPECT_FALSE(found.ours);
  EXPECT_FALSE(found.times);
  EXPECT_EQ(found.why_not, "postgres-batch: not measured at 100 runners");
  assessment = beside(a_trial(500, "memory"));
  assessment.trials[0].stable = false;
  found = only(assessment);
  EXPECT_TRUE(found.theirs);
  EXPECT_FALSE(found.times);
  EXPECT_THAT(found.why_not, HasSubstr("postgres-batch: unstable at this rate"));
}

TEST(comparisons, name_a_durability_that_differs) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.backends = {{.name = "postgres-batch", .description = {}, .durability = "disk"},
                         {.name = "memory", .description = {}, .durability = "none"}};
  EXPECT_EQ(only(assessment).durability, "durability \"none\" instead of \"disk\"");
  assessment.backends[1].durability = "disk";
  EXPECT_EQ(only(assessment).durability, "");
}

TEST(compared_figures, bring_together_what_is_compared_by_the_same_figure) {
  auto assessment = beside(a_trial(500, "memory"));
  assessment.trials.push_back(a_trial(10));
  assessment.trials.push_back(a_trial(10, "memory"));
  assessment.trials.push_back(a_trial(500, "sqlite"));
  assessment.trials.back().dispatch_latency = {};
  assessment.verdict = decide(assessment, {});
  auto const figures = compared_figures(assessment.verdict);
  ASSERT_THAT(figures, SizeIs(2));
  EXPECT_EQ(figures[0].name(), "Dispatch latency p99");
  EXPECT_THAT(figures[0].others, SizeIs(2));
  EXPECT_THAT(figures[0].ours, SizeIs(2));
  EXPECT_EQ(figures[1].name(), "Throughput");
  EXPECT_EQ(figures[1].others.at(0)->series, "sqlite");
  EXPECT_THAT(compared_figures({}), IsEmpty());
}

}  // namespace
}  // namespace assay
