#include "harness/cli/comparison_lines.hpp"

#include "harness/assess/decide.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/summary.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::size_t series_width = 21;

TrialResult trial(std::string variant, double call_p99_ms) {
  TrialResult trial;
  trial.id = "r0200-memory-" + variant;
  trial.runners = 200;
  trial.backend = "memory";
  trial.variant = std::move(variant);
  trial.books.balance = true;
  trial.call_latency.n = 1000;
  trial.call_latency.p99.value = call_p99_ms;
  trial.guards = {{.name = "loop_stalls", .rule = "≤ 1 a minute over 10 ms"}};
  return trial;
}

// The assessed series at 50 ms, and so many others at 10 ms, 20 ms, …
Assessment with_others(int n) {
  Assessment assessment;
  assessment.trials.push_back(trial("base", 50));
  for (int i = 1; i <= n; ++i) assessment.trials.push_back(trial(fmt::format("v{}", i), 10 * i));
  return assessment;
}

// As `assay run` prints them, after it has decided.
std::string printed(Assessment assessment) {
  assessment.verdict = decide(assessment, {});
  return comparison_lines(assessment, series_width);
}

std::vector<std::string> lines_of(Assessment const& assessment) {
  auto lines = split(printed(assessment), '\n');
  for (auto const& line : lines) EXPECT_LE(columns_of(line), 100U) << line;
  EXPECT_GE(lines.size(), 3U);
  EXPECT_EQ(lines.front(), "");
  EXPECT_EQ(lines.back(), "");
  return {lines.begin() + 1, lines.end() - 1};
}

TEST(comparison_lines, say_the_figure_and_the_assessed_series_once_and_each_other_one_in_a_line) {
  EXPECT_THAT(lines_of(with_others(3)),
              ElementsAre("Call latency p99, compared with memory · base (50 ms at 200 runners):",
                          "    200  memory · v1              10 ms     0.2 ×",
                          "    200  memory · v2              20 ms     0.4 ×",
                          "    200  memory · v3              30 ms     0.6 ×"));
}

TEST(comparison_lines, are_missing_where_only_one_series_was_measured) {
  EXPECT_EQ(printed(with_others(0)), "");
  EXPECT_EQ(comparison_lines({}, series_width), "");
}

TEST(comparison_lines, name_every_level_of_the_assessed_series_in_the_heading) {
  auto assessment = with_others(1);
  for (int const runners : {400, 800}) {
    assessment.trials.push_back(trial("v1", 5));
    assessment.trials.back().runners = runners;
  }
  assessment.trials.push_back(trial("base", 70));
  assessment.trials.back().runners = 400;
  EXPECT_THAT(lines_of(assessment),
              ElementsAre("Call latency p99, compared with memory · base (50 ms at 200 runners, 70 ms at 400):",
                          "    200  memory · v1              10 ms     0.2 ×",
                          "    400  memory · v1               5 ms   0.071 ×",
                          "    800  memory · v1               5 ms         –"));
}

TEST(comparison_lines, of_many_series_tell_the_best_and_the_worst_and_how_many_are_left_out) {
  auto assessment = with_others(17);
  assessment.trials.back().guards[0].state = Guard::State::failed;
  auto const lines = lines_of(assessment);
  ASSERT_THAT(lines, SizeIs(1 + lines_of_comparisons));
  EXPECT_THAT(lines[1], HasSubstr("· v1 "));
  EXPECT_THAT(lines[4], HasSubstr("· v4 "));
  EXPECT_EQ(lines[5], "         … and 10 more: in the report (1 without a comparison)");
  EXPECT_THAT(lines[6], HasSubstr("· v14 "));
  EXPECT_THAT(lines[8], HasSubstr("· v16 "));
}

TEST(comparison_lines, rank_a_throughput_from_the_largest_down) {
  auto assessment = with_others(9);
  for (auto& each : assessment.trials) {
    each.completed_per_s = each.call_latency.p99.value;
    each.call_latency = {};
  }
  auto const lines = lines_of(assessment);
  EXPECT_EQ(lines[0], "Throughput, compared with memory · base (50/s at 200 runners):");
  EXPECT_EQ(lines[1], "    200  memory · v9               90/s     1.8 ×");
  EXPECT_EQ(lines[8], "    200  memory · v1               10/s     0.2 ×");
}

TEST(comparison_lines, show_what_can_be_compared_first_when_there_is_little_of_it) {
  auto assessment = with_others(12);
  for (int const i : {1, 2, 3, 4, 5, 6, 7, 8, 9}) assessment.trials.at(static_cast<std::size_t>(i)).partial = true;
  auto const lines = lines_of(assessment);
  ASSERT_THAT(lines, SizeIs(1 + lines_of_comparisons));
  EXPECT_THAT(lines[1], HasSubstr("· v10 "));
  EXPECT_THAT(lines[3], HasSubstr("· v12 "));
  EXPECT_THAT(lines[4], EndsWith("–         –  interrupted"));
  EXPECT_EQ(lines[8], "         … and 5 more: in the report (5 without a comparison)");
}

TEST(comparison_lines, say_shortly_why_there_is_no_figure) {
  auto assessment = with_others(7);
  auto const fail = [](TrialResult& trial, std::string const& guard) {
    trial.guards.push_back({.name = guard, .rule = {}, .state = Guard::State::failed});
  };
  auto& trials = assessment.trials;
  fail(trials[1], "loop_stalls");
  fail(trials[1], "steal");
  for (auto const* guard : {"schedule_lag", "loop_stalls", "cpu_pressure"}) fail(trials[2], guard);
  trials[3].partial = true;
  trials[4].failure = "the database went away: connection refused, and many words more";
  trials[5].ledger.lost = 2;
  trials[6].books.balance = false;
  trials[7].stable = false;
  assessment.backends = {{.name = "memory", .description = {}, .durability = "none"},
                         {.name = "postgres-batch", .description = {}, .durability = "disk"}};
  trials[7].backend = "postgres-batch";
  auto const lines = lines_of(assessment);
  EXPECT_THAT(lines[1], EndsWith("–         –  invalid: loop_stalls, steal"));
  EXPECT_THAT(lines[2], EndsWith("–  invalid: schedule_lag and 2 more"));
  EXPECT_THAT(lines[3], EndsWith("–  interrupted"));
  EXPECT_THAT(lines[4], EndsWith("–  failed"));
  EXPECT_THAT(lines[5], EndsWith("–  breaks its promises"));
  EXPECT_THAT(lines[6], EndsWith("–  invalid: books"));
  EXPECT_THAT(lines[7], EndsWith("–  unstable at this rate")) << "without a figure its durability is of no interest";
}

TEST(comparison_lines, name_a_durability_that_differs) {
  auto assessment = with_others(1);
  assessment.trials[1].backend = "postgres-batch";
  assessment.backends = {{.name = "memory", .description = {}, .durability = "none"},
                         {.name = "postgres-batch", .description = {}, .durability = "disk"}};
  EXPECT_THAT(lines_of(assessment).at(1), EndsWith("0.2 ×  durability \"disk\" instead of \"none\""));
}

TEST(printed_summary, keeps_comparisons_apart_from_the_reasons) {
  auto assessment = with_others(17);
  assessment.verdict = decide(assessment, {});
  auto const text = printed_summary(assessment, false);
  EXPECT_THAT(text, HasSubstr("\n\nCall latency p99, compared with memory · base (50 ms at 200 runners):\n    200  "));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("·   memory")), Not(HasSubstr("\033"))));
  EXPECT_THAT(printed_summary(assessment, true), StartsWith("\033[1m"));
}

}  // namespace
}  // namespace assay
