// "claim_latency: p99 < 5s": one bound on one measured quantity, as scenarios, policies and `assay gate --threshold`
// write it. The metric's kind decides the unit of the bound: a duration needs one ("5s"), a share may be "1%" or 0.01,
// the rest are plain numbers.
#pragma once

#include "harness/base/error.hpp"
#include "harness/scenario/scenario.hpp"

#include <string>
#include <string_view>

namespace assay {

// Errors are `misconfigured` with one line: what is wrong, the rule, the nearest right name.
Result<Objective> parse_objective(std::string_view text);

// Shortest form that parse_objective reads back to the same parts; `text` isn't used.
std::string format_objective(Objective const& objective);

}  // namespace assay
