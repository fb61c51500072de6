#include "harness/assess/figure.hpp"

#include "tests/unit/assess/a_trial.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace assay {
namespace {

TrialResult trial_with_everything() {
  auto trial = a_trial();
  auto const some = latencies_around(1);
  for (auto* figures : {&trial.claim_latency_as_run, &trial.submit_latency, &trial.call_latency, &trial.report_latency,
                        &trial.heartbeat_latency, &trial.schedule_lag, &trial.dispatcher_wait, &trial.claim_commit,
                        &trial.response_write})
    *figures = some;
  for (auto const* operation : {"submit", "renew", "complete", "fail", "release", "sweep"})
    trial.store.push_back(
        {.operation = operation, .calls = 1, .items = 1, .errors = 0, .latency = some, .outcomes = {}});
  trial.polls = 100;
  trial.orchestrators = OrchestratorFigures{.cold_starts = 3, .warm_starts = 1, .start_delay = some, .limit_per_s = 1};
  trial.store_figures = {{"keys", 7}, {"replies_sent", 12}, {"replies_heard", 10}};
  trial.books.sources = {{"source:noisy", 900, 800, latencies_around(50)}, {"source:quiet", 100, 100, some}};
  return trial;
}

TEST(figure, has_an_answer_for_every_name_in_the_table) {
  auto const trial = trial_with_everything();
  std::set<std::string_view> names;
  for (auto const& metric : known_metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name << " twice";
    for (auto const statistic : metric.statistics) {
      auto const found = figure(trial, metric.name, statistic);
      ASSERT_TRUE(found) << metric.name << ' ' << statistic;
      EXPECT_EQ(found->unit, unit_of(metric, statistic));
      EXPECT_LE(found->at_least(), found->at_most()) << metric.name << ' ' << statistic;
    }
  }
}

TEST(figure, of_the_quiet_source_is_that_of_the_one_with_the_fewest_runs) {
  auto trial = trial_with_everything();
  EXPECT_NEAR(figure(trial, "quiet_source_latency", "p50")->estimate.value, 1, 0.1);
  trial.books.sources[0].submitted = 99;
  EXPECT_NEAR(figure(trial, "quiet_source_latency", "p50")->estimate.value, 50, 5);
  trial.books.sources.clear();
  EXPECT_FALSE(figure(trial, "quiet_source_latency", "p50"));
}

TEST(figure, has_none_for_other_names) {
  auto const trial = trial_with_everything();
  EXPECT_FALSE(figure(trial, "claim_latncy", "p99"));
  EXPECT_FALSE(figure(trial, "claim_latency", "p98"));
  EXPECT_FALSE(figure(trial, "backlog", "p99"));
  EXPECT_FALSE(figure(trial, "store_", "p99"));
}

TEST(figure, that_was_not_measured_is_absent_not_zero) {
  TrialResult const nothing;
  EXPECT_FALSE(figure(nothing, "claim_latency", "p99"));
  EXPECT_FALSE(figure(nothing, "coordinator_cpu", "mean"));
  EXPECT_FALSE(figure(nothing, "store_claim_latency", "p99"));
  EXPECT_FALSE(figure(nothing, "failed_claims", "share"));
  auto const slope = figure(nothing, "pending_writes", "slope");
  EXPECT_TRUE(std::isinf(slope->at_most())) << "a slope without bounds says nothing";
}

TEST(figure, knows_its_bounds_its_n_and_its_unit) {
  auto const p99 = figure(a_trial(), "dispatch_latency", "p99");
  ASSERT_TRUE(p99);
  EXPECT_EQ(p99->unit, "ms");
  EXPECT_EQ(p99->n, 4000U);
  EXPECT_LT(p99->at_least(), p99->at_most());
  EXPECT_FALSE(p99->exact);
}

TEST(failed_claims, are_summed_over_their_causes) {
  auto trial = a_trial();
  trial.failed_claims = {{"lost_race", 30}, {"unavailable", 10}};
  EXPECT_EQ(figure(trial, "failed_claims", "count")->estimate.value, 40);
  EXPECT_NEAR(figure(trial, "failed_claims", "share")->estimate.value, 40.0 / 4040, 1e-12);
  EXPECT_NEAR(figure(trial, "failed_claims", "rate")->estimate.value, 1.0, 1e-12);
}

TEST(show, reads_like_a_sentence) {
  EXPECT_EQ(show(4.56, "ms"), "4.56 ms");
  EXPECT_EQ(show(0.213, "cores"), "0.213 cores");
  EXPECT_EQ(show(1234.5, "1/s"), "1234/s");
  EXPECT_EQ(show(17, ""), "17");
  EXPECT_EQ(show(INFINITY, "ms"), "endless");
}

TEST(figure, of_orchestrators_is_absent_for_plain_runners_and_compares_with_their_limit) {
  auto trial = a_trial(4, "postgres-optimistic");
  EXPECT_FALSE(figure(trial, "share_of_limit", "share"));
  EXPECT_FALSE(figure(trial, "warm_starts", "share"));
  trial.completed_per_s = 9;
  trial.orchestrators = OrchestratorFigures{.most_held = 14, .cold_starts = 30, .warm_starts = 10, .limit_per_s = 10};
  EXPECT_DOUBLE_EQ(figure(trial, "share_of_limit", "share")->estimate.value, 0.9);
  EXPECT_DOUBLE_EQ(figure(trial, "warm_starts", "share")->estimate.value, 0.25);
  EXPECT_DOUBLE_EQ(figure(trial, "most_held", "max")->estimate.value, 14);
  trial.claims = 200;
  trial.failed_claims = {{"lost_race", 300}, {"stale_token", 7}};
  EXPECT_DOUBLE_EQ(figure(trial, "conflicts_per_claim", "mean")->estimate.value, 1.5);
}

}  // namespace
}  // namespace assay
