// Could the instrument be trusted? Collects what harness/assess/guards.hpp asks for out of the evidence.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/measure/claim_split.hpp"

#include <span>
#include <vector>

namespace assay {

// `result` has its figures already; `out_of_range` values fitted no histogram.
std::vector<Guard> guards_of(Evidence const& evidence, TrialResult const& result, std::span<ClaimSplit const> splits,
                             std::uint64_t out_of_range);

}  // namespace assay
