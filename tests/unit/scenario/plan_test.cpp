// A plan says before the run what its claims can carry, and following its advice is enough.
#include "harness/scenario/plan.hpp"
#include "harness/scenario/parse.hpp"
#include "tests/unit/scenario/support.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Scenario with(std::string const& more) {
  auto scenario = parse_scenario(smallest_scenario + more, "f.yaml", {}, backends);
  EXPECT_TRUE(scenario) << to_string(scenario.error());
  return std::move(*scenario);
}

TEST(plan, says_how_many_values_it_takes_and_that_following_its_advice_is_enough) {
  auto scenario =
      with("objectives: ['claim_latency: p99 < 5s']\nphases: {measure: 10s}\nfleet: {run_length: {mean: 100ms}}\n");
  auto const plan = plan_statement(scenario, {});
  ASSERT_EQ(plan.warnings.size(), 1U);
  EXPECT_EQ(
      plan.warnings[0],
      "5 runners: `claim_latency: p99 < 5s` at 95 % confidence needs 299 values with none over the bound, 473 with "
      "one, 628 with two, 773 with three, which takes 34s to 84s at 600 a minute; yours yields about 100 in 10s, "
      "and shows nothing. Measure 69s or longer");
  scenario.phases.measure = seconds{69};
  auto const longer = plan_statement(scenario, {});
  EXPECT_TRUE(longer.warnings.empty()) << longer.warnings.front();
  ASSERT_EQ(longer.shows.size(), 1U);
  EXPECT_EQ(longer.shows[0],
            "5 runners, `claim_latency: p99 < 5s`: 637 values or more, of which 2 may be over the bound");
}

TEST(plan, tells_what_each_number_of_claims_can_bound) {
  auto const plan = plan_statement(with("phases: {measure: 60s}\n"), {});
  ASSERT_EQ(plan.levels.size(), 1U);
  auto const& level = plan.levels[0];
  EXPECT_EQ(level.claims, 600);
  EXPECT_NEAR(level.claims_at_least, 551, 0.1);
  EXPECT_EQ(level.runs_per_minute, 600);
  ASSERT_EQ(level.quantiles.size(), 4U);
  EXPECT_EQ(level.quantiles[2].name, "p99");
  EXPECT_EQ(level.quantiles[2].needed, 299U);
  EXPECT_EQ(level.quantiles[2].over, 1U);  // 473 allow one, 628 would allow two
  EXPECT_EQ(level.quantiles[3].needed, 2995U);
  EXPECT_FALSE(level.quantiles[3].over);

  auto even = with("phases: {measure: 60s}\n");
  even.load.arrivals = LoadSpec::Arrivals::even;
  EXPECT_EQ(plan_statement(even, {}).levels[0].claims_at_least, 600);
}

TEST(plan, with_values_for_one_or_none_over_the_bound_it_warns_of_that) {
  auto const warned = [](std::string const& measure) {
    auto const plan =
        plan_statement(with("objectives: ['claim_latency: p99 < 5s']\nfleet: {run_length: {mean: 100ms}}\n"
                            "phases: {measure: " +
                            measure + "}\n"),
                       {});
    return plan.warnings.empty() ? std::string{"nothing"} : plan.warnings[0];
  };
  EXPECT_THAT(warned("35s"), HasSubstr("nothing as soon as one is over"));
  EXPECT_THAT(warned("55s"), HasSubstr("nothing as soon as two are over"));
  EXPECT_EQ(warned("70s"), "nothing");
}

TEST(plan, a_load_that_the_fleet_cannot_carry_is_said_so) {
  auto const plan = plan_statement(with(""), {});
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("5 runners: the load needs 24.00 times as many")));
}

TEST(plan, knows_what_the_policy_will_ask_for) {
  Policy policy;
  policy.name = "strict";
  policy.required_runners = {5, 50};
  policy.queue_backends = {"redis-streams"};
  policy.triggers.push_back({.id = "t", .metric = "dispatch_latency", .statistic = "p99.9"});
  policy.triggers.push_back({.id = "u", .metric = "pending_writes", .statistic = "slope"});
  auto const plan = plan_statement(with("fleet: {run_length: {mean: 100ms}}\nphases: {measure: 70s}\n"), policy);
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("the policy strict asks for 50 runners too")));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("`dispatch_latency: p99.9` at 95 % confidence needs 2995 values")));
  EXPECT_THAT(plan.warnings, Not(Contains(HasSubstr("slope"))));
  EXPECT_THAT(plan.limits, Contains(HasSubstr("No message queue among the backends (redis-streams would count)")));
  EXPECT_THAT(plan.limits, Contains(HasSubstr("One trial of each level")));
}

TEST(plan, counts_heartbeats_by_their_interval_and_store_calls_not_at_all) {
  auto const plan = plan_statement(with("objectives: ['heartbeat_latency: p95 < 1s', 'store_write_latency: p99 < 1s']\n"
                                        "fleet: {run_length: {mean: 100ms}, heartbeat: 10s}\nphases: {measure: 60s}\n"),
                                   {});
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("yours yields about 30 in 1m")));
  EXPECT_THAT(plan.limits, Contains(HasSubstr("depends on how the coordinator batches")));
}

}  // namespace
}  // namespace assay
