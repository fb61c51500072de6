#include "reports/tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

SeriesComparison comparison(std::string series, std::string metric, std::optional<Estimate> theirs) {
  SeriesComparison comparison{.series = std::move(series), .runners = 200, .metric = std::move(metric)};
  comparison.statistic = comparison.metric == "throughput" ? "mean" : "p99";
  comparison.unit = comparison.metric == "throughput" ? "1/s" : "ms";
  comparison.ours = Estimate{50, 45, 60};
  comparison.theirs = theirs;
  if (theirs) comparison.times = theirs->value / 50;
  return comparison;
}

Assessment compared(std::vector<SeriesComparison> comparisons) {
  Assessment assessment;
  assessment.trials.resize(2);
  for (auto& trial : assessment.trials) {
    trial.runners = 200;
    trial.backend = "redis-list";
  }
  assessment.trials[0].variant = "base";
  assessment.trials[1].variant = "pubsub";
  assessment.verdict.comparisons = std::move(comparisons);
  return assessment;
}

TEST(comparison_tables, open_with_the_assessed_series_and_have_a_row_for_each_other_one) {
  auto invalid = comparison("redis-list · single", "call_latency", std::nullopt);
  invalid.why_not = "the trial is invalid: loop_stalls is 24, the rule is ≤ 1 a minute";
  invalid.durability = "durability \"none\" instead of \"disk\"";
  auto elsewhere = comparison("redis-list · pubsub", "call_latency", Estimate{20, 18, 22});
  elsewhere.runners = 400;
  elsewhere.ours = {};
  elsewhere.times = {};
  elsewhere.why_not = "redis-list · base: not measured at 400 runners";
  auto const tables = comparison_tables(
      compared({comparison("redis-list · pubsub", "call_latency", Estimate{20, 18, 22}), elsewhere, invalid}));
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].caption, "Call latency p99; ×: how many times that of redis-list · base with as many runners");
  EXPECT_EQ(tables[0].columns.at(1).heading, "Call latency p99 [95 % interval]");
  ASSERT_THAT(tables[0].rows, SizeIs(4));
  EXPECT_THAT(tables[0].rows[0].cells,
              ElementsAre("200 runners · redis-list · base", "50.0 ms [45.0–60.0 ms]", "1", "assessed"));
  EXPECT_THAT(tables[0].rows[1].cells,
              ElementsAre("200 runners · redis-list · pubsub", "20.0 ms [18.0–22.0 ms]", "0.4", ""));
  EXPECT_THAT(tables[0].rows[2].cells, ElementsAre("400 runners · redis-list · pubsub", "20.0 ms [18.0–22.0 ms]", "–",
                                                   "no comparison: redis-list · base: not measured at 400 runners"));
  EXPECT_THAT(tables[0].rows[3].cells,
              ElementsAre("200 runners · redis-list · single", "–", "–",
                          "no comparison: the trial is invalid: loop_stalls is 24, the rule is ≤ 1 a minute; "
                          "durability \"none\" instead of \"disk\""));
}

TEST(comparison_tables, are_one_for_each_figure) {
  auto const tables = comparison_tables(compared(
      {comparison("a", "call_latency", Estimate{20, 18, 22}), comparison("b", "throughput", Estimate{100, {}, {}})}));
  ASSERT_THAT(tables, SizeIs(2));
  EXPECT_THAT(tables[1].caption, HasSubstr("Throughput; "));
  EXPECT_THAT(tables[1].rows.at(1).cells, ElementsAre(HasSubstr("b"), "100/s", "2", ""));
}

TEST(comparison_tables, are_none_without_comparisons) {
  EXPECT_THAT(comparison_tables(compared({})), IsEmpty());
  auto old = compared({});
  old.verdict.comparisons = std::nullopt;
  EXPECT_THAT(comparison_tables(old), IsEmpty());
}

}  // namespace
}  // namespace assay
