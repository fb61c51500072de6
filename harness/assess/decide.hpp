// From evidence to a decision: assessment × policy → verdict, with a reason for everything it says. Pure. Called once
// when a command's trials are done, and again by `assay report` with the same result. docs/method.md, "Deciding", has
// the rules in words.
//
// Easy to get wrong: silence is not evidence. A required level that is missing, invalid, unstable, interrupted or too
// short makes the verdict inconclusive, however good the rest looks; and a queue that was not measured removes nothing.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/policy.hpp"

namespace assay {

// Leaves assessment.verdict alone; the result is what belongs there.
Verdict decide(Assessment const& assessment, Policy const& policy);

}  // namespace assay
