#include "harness/scenario/objective.hpp"
#include "harness/assess/figure_names.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(parse_objective, reads_every_metric_with_each_of_its_statistics) {
  for (auto const& metric : known_metrics()) {
    for (auto const& statistic : metric.statistics) {
      std::string const bound = metric.kind == FigureName::Kind::duration ? "250ms" : "0.5";
      auto const objective = parse_objective(fmt::format("{}: {} < {}", metric.name, statistic, bound));
      ASSERT_TRUE(objective) << metric.name << " " << statistic << ": " << objective.error().detail;
      EXPECT_EQ(objective->metric, metric.name);
      EXPECT_EQ(objective->statistic, statistic);
      EXPECT_EQ(objective->bound, metric.kind == FigureName::Kind::duration ? 250 : 0.5);
    }
  }
}

TEST(parse_objective, keeps_every_comparison_apart) {
  EXPECT_EQ(parse_objective("claim_latency: p99 < 5s")->comparison, Objective::Comparison::less);
  EXPECT_EQ(parse_objective("claim_latency:p99<=5s")->comparison, Objective::Comparison::less_equal);
  EXPECT_EQ(parse_objective("throughput: mean > 10")->comparison, Objective::Comparison::greater);
  EXPECT_EQ(parse_objective(" throughput :  mean  >=  10 ")->comparison, Objective::Comparison::greater_equal);
}

TEST(parse_objective, reads_a_share_as_a_part_or_in_percent) {
  EXPECT_DOUBLE_EQ(parse_objective("failed_claims: share < 1%")->bound, 0.01);
  EXPECT_DOUBLE_EQ(parse_objective("failed_claims: share < 0.01")->bound, 0.01);
}

TEST(parse_objective, is_read_back_from_its_shortest_form) {
  for (auto text : {"claim_latency: p99 < 5s", "claim_latency: p99.9 <= 12500us", "failed_claims: share >= 0.25",
                    "pending_writes: slope > -0.5", "coordinator_cpu: max < 1"}) {
    EXPECT_EQ(format_objective(*parse_objective(text)), text);
  }
}

TEST(parse_objective, says_what_is_wrong_and_what_was_meant) {
  auto const detail = [](std::string_view text) {
    auto const objective = parse_objective(text);
    return objective ? "accepted: " + objective->text : objective.error().detail;
  };
  EXPECT_EQ(detail("claim_latncy: p99 < 5s"), "unknown metric `claim_latncy`; did you mean `claim_latency`?");
  EXPECT_EQ(detail("?: p99 < 5s"), "unknown metric `?`; docs/scenarios.md lists them all");
  EXPECT_EQ(detail("claim_latency: p98 < 5s"),
            "claim_latency has no `p98`; it has p50, p90, p95, p99, p99.9, mean, max");
  EXPECT_EQ(detail("claim_latency: p99 < 5"),
            "the bound of claim_latency is a duration above 0 with its unit, like 5s or 250ms, not `5`");
  EXPECT_EQ(detail("claim_latency p99 < 5s"),
            "no `:` in `claim_latency p99 < 5s`; an objective reads `metric: statistic < bound`, like `claim_latency: "
            "p99 < 5s`");
  EXPECT_EQ(
      detail("claim_latency: p99 = 5s"),
      "no comparison (<, <=, >, >=) in `claim_latency: p99 = 5s`; an objective reads `metric: statistic < bound`, like "
      "`claim_latency: p99 < 5s`");
  EXPECT_EQ(detail("failed_claims: share < 120%"), "a share is at most 1 or 100%, not `120%`");
  EXPECT_EQ(detail("failed_claims: count < many"), "the bound of failed_claims count is a number, not `many`");
  EXPECT_EQ(detail("throughput: mean > -1"), "the bound of throughput mean is a number, not `-1`");
}

}  // namespace
}  // namespace assay
