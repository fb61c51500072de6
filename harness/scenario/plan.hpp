// What a scenario can and cannot show, said before hours are spent on it: how many claims each trial will yield, which
// quantiles that many can bound with 95 % confidence, and what the policy will ask for in vain. `assay run --plan-only`
// prints all of it; a run's start and `assay validate` print the warnings. Easy to get wrong: arrivals are random, so a
// plan counts on the claims that all but one trial in forty have at least, not on the expected ones.
#pragma once

#include "harness/assess/policy.hpp"
#include "harness/scenario/scenario.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay {

struct PlannedLevel {
  struct Quantile {
    std::string name;                   // "p99"
    std::uint64_t needed = 0;           // values that bound it from above with 95 % confidence, none of them over
    std::optional<std::uint64_t> over;  // of the values that are counted on, how many may be over; nothing: too few
  };

  int runners = 0;
  std::string backend;         // with its variant: "postgres-batch", "file-scan · queued-2000"
  std::optional<int> callers;  // of a closed loop; its runs can't be told beforehand
  std::optional<int> backlog;  // runs that wait beforehand; how fast they are worked can't be told
  double runs_per_minute = 0;  // as run: time compression included
  double claims = 0;           // expected in the measured phase of one trial
  double claims_at_least = 0;  // counted on: two standard deviations of a Poisson count fewer
  double busy_share = 0;       // of the runners' time; above 1 the backlog grows for certain
  std::vector<Quantile> quantiles;
};

struct PlanStatement {
  std::vector<PlannedLevel> levels;  // in the order to run
  int repeat = 1;
  std::size_t trials = 0;
  Duration measure{}, duration{};  // of one trial's measured phase · of everything
  std::vector<std::string> shows;  // one sentence for each question and number of runners that have enough claims
  std::vector<std::string>
      warnings;                     // what will come out inconclusive, and what to do about it; empty for a sound plan
  std::vector<std::string> limits;  // what no result of this plan can mean, sound as it may be
};

// The questions are the scenario's objectives and the policy's triggers. A Policy{} asks nothing.
PlanStatement plan_statement(Scenario const& scenario, Policy const& policy);

}  // namespace assay
