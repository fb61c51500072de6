#include "reports/words.hpp"

#include "reports/evidence.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Words, DurationsAreWrittenWithTheFittingUnit) {
  EXPECT_EQ(duration_text(0), "0");
  EXPECT_EQ(duration_text(0.87), "870 µs");
  EXPECT_EQ(duration_text(4.561), "4.56 ms");
  EXPECT_EQ(bound_text(5000), "5 s");
  EXPECT_EQ(bound_text(250), "250 ms");
  EXPECT_EQ(bound_text(1500), "1.5 s");
}

TEST(Words, AnIntervalNamesItsUnitOnceWhereBothEndsShareIt) {
  EXPECT_EQ(range_text(4.1, 5.2), "4.10–5.20 ms");
  EXPECT_EQ(range_text(0.9, 1.1), "900 µs–1.10 ms");
  EXPECT_EQ(estimate_text({4.56, 4.1, 5.2}), "4.56 ms [4.10–5.20 ms]");
  EXPECT_EQ(estimate_text({4.56, 4.1, std::nullopt}), "4.56 ms [≥ 4.10 ms]");
  EXPECT_EQ(estimate_text({4.56, std::nullopt, std::nullopt}), "4.56 ms");
}

TEST(Words, NumbersAreShortGroupedAndNeverExponents) {
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(0.0004), "0.0004");
  EXPECT_EQ(number_text(0.042), "0.042");
  EXPECT_EQ(number_text(-0.25), "−0.25");
  EXPECT_EQ(number_text(1.5), "1.5");
  EXPECT_EQ(number_text(99.96), "100");
  EXPECT_EQ(number_text(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(12345), "12\u202f345");
  EXPECT_EQ(percent_text(0.123), "12.3 %");
}

TEST(Words, AnObjectiveIsMeasuredInTheUnitOfItsMetric) {
  EXPECT_EQ(unit_of({.text = "claim_latency: p99 < 5s", .measured = {}, .reason = {}}), "ms");
  EXPECT_EQ(unit_of({.text = "coordinator_cpu: mean < 0.8", .measured = {}, .reason = {}}), "cores");
  EXPECT_EQ(unit_of({.text = "failed_claims: share < 0.01", .measured = {}, .reason = {}}), "");
}

TEST(Words, AnUnstableTrialHasNoPercentiles) {
  TrialResult trial;
  trial.claim_latency.n = 1000;
  trial.claim_latency.p99.value = 12;
  EXPECT_EQ(latency_cell(trial, trial.claim_latency, &LatencyFigures::p99), "12.0 ms");
  trial.stable = false;
  EXPECT_EQ(latency_cell(trial, trial.claim_latency, &LatencyFigures::p99), "unstable");
  EXPECT_EQ(latency_cell(trial, trial.dispatch_latency, &LatencyFigures::p99), "–");
}

TEST(Evidence, TheWorstRepeatSpeaksForItsCellAndAnInvalidOneOnlyIfNoneIsValid) {
  Assessment assessment;
  for (int repeat = 1; repeat <= 3; ++repeat) {
    TrialResult trial;
    trial.runners = 50;
    trial.backend = "memory";
    trial.repeat = repeat;
    trial.books.balance = true;
    trial.dispatch_latency.n = 100;
    trial.dispatch_latency.p99.value = repeat * 10;
    trial.partial = repeat == 3;
    assessment.trials.push_back(trial);
  }
  auto const cells = cells_of(assessment);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].trials.size(), 3u);
  EXPECT_EQ(cells[0].worst().repeat, 2);
  EXPECT_EQ(name_of(assessment, *cells[0].trials[1]), "50 runners, repeat 2");
  for (auto& trial : assessment.trials) trial.partial = true;
  EXPECT_EQ(cells_of(assessment)[0].worst().repeat, 3);
}

}  // namespace
}  // namespace assay
