#include "reports/tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LatencyFigures waited(double p50, double p99) {
  LatencyFigures figures;
  figures.n = 400;
  figures.p50.value = p50;
  figures.p99 = {p99, p99 / 2, p99 * 2};
  figures.max = p99 * 3;
  return figures;
}

TEST(orphans_table, has_a_row_for_each_trial_in_which_runners_died_and_names_what_they_keep) {
  Assessment assessment;
  assessment.trials.resize(3);
  for (auto& trial : assessment.trials) trial.runners = 5;
  assessment.trials[1].variant = "leases";
  assessment.trials[1].ledger.orphaned = assessment.trials[1].ledger.recovered = 5;
  assessment.trials[2].variant = "none";
  auto& ledger = assessment.trials[2].ledger;
  ledger.orphaned = ledger.stranded = 9;
  for (int i = 0; i < 9; ++i) ledger.stranded_runs.push_back("run number " + std::to_string(i));
  auto const table = orphans_table(assessment);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_THAT(table.rows[0].cells, ElementsAre(HasSubstr("leases"), "5", "5", "0", "–"));
  EXPECT_EQ(table.rows[0].mark, Mark::good);
  EXPECT_THAT(table.rows[1].cells,
              ElementsAre(HasSubstr("none"), "9", "0", "9", HasSubstr("run number 5; and 3 more")));
  EXPECT_EQ(table.rows[1].mark, Mark::bad);
  assessment.trials.resize(1);
  EXPECT_THAT(orphans_table(assessment).rows, IsEmpty());
}

// A trial that uses up a backlog, a claim of which takes `ms`.
TrialResult using_up(std::uint64_t backlog, double ms) {
  TrialResult trial;
  trial.runners = 4;
  trial.backend = "file-scan";
  trial.books.offered = backlog;
  trial.completed_per_s = 10;
  trial.measured_s = 1;
  trial.claims = 100;
  StoreOperationFigures claims;
  claims.operation = "claim";
  claims.calls = 100;
  claims.latency = waited(ms, 2 * ms);
  claims.latency.mean = ms;
  trial.store = {claims};
  trial.requests_per_minute_modelled["poll"] = 24;
  trial.requests_per_minute["poll"] = 600;
  return trial;
}

TEST(backlog_table, draws_a_line_through_backlogs_that_differ_and_through_no_others) {
  Assessment assessment;
  for (int i = 1; i <= 4; ++i) assessment.trials.push_back(using_up(1000U * static_cast<unsigned>(i), i));
  auto const line = backlog_table(assessment);
  ASSERT_EQ(line.rows.size(), 5U);
  EXPECT_THAT(line.rows[4].cells.back(), HasSubstr("+ 1.00 ms per 1,000 waiting runs, R² = 1.000"));
  for (auto& trial : assessment.trials) trial.books.offered = 1000;
  assessment.trials[3].completed_per_s = 900;  // fewer were waiting on average, which is no other backlog
  EXPECT_EQ(backlog_table(assessment).rows.size(), 4U);
}

TEST(requests_table, has_no_formula_for_a_backlog) {
  Assessment assessment;
  assessment.trials = {using_up(1000, 1), using_up(0, 1)};
  assessment.trials[1].offered_per_s = 1;
  auto const table = requests_table(assessment);
  EXPECT_THAT(table.rows[0].cells, ElementsAre(HasSubstr("4 runners"), "–", "–", "600", "600"));
  EXPECT_THAT(table.rows[1].cells, ElementsAre(HasSubstr("4 runners"), "–", "24", "600", "600"));
}

TEST(sources_table, gives_each_source_its_part_and_its_wait) {
  Assessment assessment;
  assessment.trials.resize(2);
  assessment.trials[0].runners = 100;
  assessment.trials[0].books.sources = {{"source:noisy", 900, 450, waited(40'000, 90'000)},
                                        {"source:quiet", 100, 50, waited(2, 8)}};
  auto const table = sources_table(assessment);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_THAT(table.rows[1].cells, ElementsAre("100 runners", "source:quiet", "100", "10 %", "50", "10 %", "2.00 ms",
                                               "8.00 ms [4.00–16.0 ms]", "24.0 ms"));
  assessment.trials[0].stable = false;
  EXPECT_EQ(sources_table(assessment).rows[1].cells[7], "unstable");
}

}  // namespace
}  // namespace assay
