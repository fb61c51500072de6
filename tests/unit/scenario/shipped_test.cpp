// What the repository ships is sound: every scenario and policy, the schemas, and the reference page.
#include "harness/scenario/catalogue.hpp"
#include "harness/scenario/parse_policy.hpp"
#include "harness/scenario/plan.hpp"
#include "harness/scenario/schema.hpp"
#include "tests/unit/scenario/support.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace assay {
namespace {

namespace fs = std::filesystem;

std::string content_of(fs::path const& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Those that shipped scenarios name.
std::vector<std::string> const shipped_backends{
    "memory",    "postgres-batch", "postgres-skip-locked", "postgres-optimistic", "postgres-cas", "redis-list",
    "file-scan", "file-index"};

Scenario shipped(std::string const& name) {
  auto scenario = load_scenario(repository / "scenarios" / (name + ".yaml"), {}, shipped_backends);
  EXPECT_TRUE(scenario) << to_string(scenario.error());
  return scenario ? *scenario : Scenario{};
}

TEST(shipped_scenarios, all_load_with_their_policies) {
  auto const all = list_scenarios(repository / "scenarios", shipped_backends);
  ASSERT_GE(all.size(), 4U);
  for (auto const& each : all) {
    EXPECT_FALSE(each.mistakes) << to_string(*each.mistakes);
    EXPECT_EQ(each.name, each.file.stem().string());
    EXPECT_GT(each.trials, 0U);
  }
}

TEST(shipped_scenarios, can_show_what_they_set_out_to_show) {
  for (auto const& each : list_scenarios(repository / "scenarios", shipped_backends)) {
    auto const scenario = shipped(each.name);
    auto const policy = load_policy(policy_path(scenario));
    ASSERT_TRUE(policy) << each.name;
    auto const plan = plan_statement(scenario, *policy);
    EXPECT_TRUE(plan.warnings.empty()) << each.name << ": " << plan.warnings.front();
  }
}

TEST(shipped_scenarios, point_editors_at_the_schema) {
  for (auto const& each : list_scenarios(repository / "scenarios", shipped_backends)) {
    EXPECT_TRUE(content_of(each.file).starts_with("# yaml-language-server: $schema=scenario.schema.json\n"))
        << each.file;
  }
}

TEST(shipped_policies, all_load) {
  int policies = 0;
  for (auto const& entry : fs::directory_iterator{repository / "scenarios" / "policies"}) {
    if (entry.path().extension() != ".yaml") continue;
    ++policies;
    auto const policy = load_policy(entry.path());
    ASSERT_TRUE(policy) << to_string(policy.error());
    EXPECT_EQ(policy->name, entry.path().stem().string());
  }
  EXPECT_GE(policies, 2);
}

TEST(shipped_policies, pr_007_says_what_the_source_says) {
  auto const policy = load_policy(repository / "scenarios/policies/pr-007.yaml");
  ASSERT_TRUE(policy) << to_string(policy.error());
  ASSERT_EQ(policy->triggers.size(), 3U);
  EXPECT_EQ(policy->triggers[0].metric, "dispatch_latency");
  EXPECT_EQ(policy->triggers[0].statistic, "p99");
  EXPECT_EQ(policy->triggers[0].above, 5000);  // ms
  EXPECT_EQ(policy->triggers[1].metric, "pending_writes");
  EXPECT_EQ(policy->triggers[2].above, 0.8);
  ASSERT_EQ(policy->considerations.size(), 4U);
  EXPECT_EQ(policy->considerations[0].runners_at_least, 500);
  EXPECT_EQ(policy->considerations[1].need, "several_coordinators");
  ASSERT_EQ(policy->acceptance.size(), 3U);
  EXPECT_EQ(policy->acceptance[0].runners_at_least, 50);
  EXPECT_TRUE(policy->acceptance[2].decided);
}

TEST(pr_007, is_the_load_of_the_source_60_times_faster_in_under_six_minutes) {
  auto const scenario = shipped("pr-007");
  std::vector<Level> const levels{{10, "postgres-batch"},
                                  {50, "postgres-batch"},
                                  {100, "postgres-batch"},
                                  {500, "postgres-batch"},
                                  {500, "postgres-skip-locked"}};
  EXPECT_EQ(scenario.levels, levels);
  EXPECT_DOUBLE_EQ(offered_rate(scenario, 10), 20);
  EXPECT_DOUBLE_EQ(offered_rate(scenario, 500), 1000);
  EXPECT_NEAR(offered_busy_share(scenario, 50), 0.4, 1e-9);
  EXPECT_GT(expected_runs(scenario, 10), 628 + 4 * 26);
  EXPECT_LT(estimated_duration(scenario), std::chrono::minutes{6});
  EXPECT_EQ(scenario.published_requests_per_minute.at(500), 1000);
}

TEST(pr_007_real_time, is_not_compressed_and_has_runs_enough) {
  auto const scenario = shipped("pr-007-real-time");
  EXPECT_EQ(scenario.time_compression, 1);
  EXPECT_EQ(scenario.levels, shipped("pr-007").levels);
  EXPECT_GT(expected_runs(scenario, 10), 628 + 3 * 26);
}

TEST(pr_007_busy, keeps_its_runners_90_percent_busy) {
  EXPECT_NEAR(offered_busy_share(shipped("pr-007-busy"), 50), 0.9, 1e-9);
}

TEST(smoke, is_short) { EXPECT_LT(estimated_duration(shipped("smoke")), std::chrono::seconds{20}); }

// ASSAY_UPDATE_GOLDEN=1 rewrites the file instead.
void expect_current(fs::path const& path, std::string const& generated) {
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    std::ofstream{path, std::ios::binary} << generated;
    return;
  }
  EXPECT_TRUE(content_of(path) == generated) << path
                                             << " is not what harness/scenario/describe.hpp says; run this test with "
                                                "ASSAY_UPDATE_GOLDEN=1 and commit the file";
}

TEST(generated_files, are_current) {
  expect_current(repository / "scenarios/scenario.schema.json", scenario_schema());
  expect_current(repository / "scenarios/policies/policy.schema.json", policy_schema());
  expect_current(repository / "docs/scenarios.md", scenario_reference());
}

}  // namespace
}  // namespace assay
