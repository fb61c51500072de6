// timeline.csv: every second of every trial, one row each, in the order of the trials; the columns are TimelinePoint's
// members behind the trial's id. For spreadsheets and for reading back.
#pragma once

#include "harness/assess/assessment.hpp"

#include <string>
#include <string_view>

namespace assay {

std::string timeline_csv(std::vector<TrialResult> const& trials);

// Puts the rows back into the trials they belong to. Throws Failure{bad_input}: "<name>: line 7: …".
void add_timeline(std::vector<TrialResult>& trials, std::string_view csv, std::string const& name);

}  // namespace assay
