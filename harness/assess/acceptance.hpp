// The boxes that the source of a policy wants ticked before its question counts as answered. Called by decide(), when
// the verdict stands. Easy to get wrong: a box is ticked by what was measured, and its evidence names it; nothing is
// ticked because it is there.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/policy.hpp"

namespace assay {

// In the order of the policy.
std::vector<Verdict::Box> tick_boxes(Assessment const& assessment, Policy const& policy, Decision decision);

}  // namespace assay
