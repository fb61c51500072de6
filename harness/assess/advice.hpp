// What a verdict tells its reader to do: what to run next when it is inconclusive, how far the figures are from another
// verdict, how to check again. Sentences and command lines made from evidence. Used by decide only.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/criterion_evidence.hpp"

#include <string>
#include <vector>

namespace assay {

// "assay run scenarios/pr-007.yaml": the command that made this assessment, without its options.
std::string base_command(Assessment const& assessment);

// One command line, with the reason behind it, that would mend this trial.
std::string mend_trial(Assessment const& assessment, TrialResult const& trial);
std::string measure_levels(Assessment const& assessment, std::vector<int> const& runners);
// What would settle an undecided level: a longer measured phase, as long as the rule of n says, or more repeats.
std::string settle(Assessment const& assessment, Criterion const& criterion, LevelEvidence const& level);

// "dispatch latency p99 would have to rise 900-fold, …"; for CPU also up to how many runners one is enough, if it grows
// linearly and never beyond twice the largest level measured.
std::string headroom(CriterionEvidence const& refuted, int largest_level);

}  // namespace assay
