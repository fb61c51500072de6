// What each source got of a trial, and how long its runs waited for it: whether one that submits much makes the others
// wait. Asked for by figures_of(). Easy to get wrong: the replay behind the split knows no sources, so what fair turns
// take from a run counts as dispatch; a source's figure is therefore the whole claim latency.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/measure/claim_split.hpp"

#include <span>
#include <vector>

namespace assay {

// By name; runs that name no source are left out. Nothing when none does.
std::vector<SourceFigures> source_figures(Evidence const& evidence, std::span<ClaimSplit const> splits);

}  // namespace assay
