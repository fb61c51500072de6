// The planner's statement (harness/scenario/plan.hpp) for people and for programs: what `assay run --plan-only` prints.
#pragma once

#include "harness/scenario/plan.hpp"

#include <string>

namespace assay {

std::string printed_plan(Scenario const& scenario, PlanStatement const& plan);
std::string plan_json(Scenario const& scenario, PlanStatement const& plan);

}  // namespace assay
