// summary.json: an Assessment as text and back, exactly, but for the timelines (timeline_csv.hpp). Written when a
// command ends, read by `assay report` and `assay gate`, printed by `--format json`.
#pragma once

#include "harness/assess/assessment.hpp"

#include <string>
#include <string_view>

namespace assay {

std::string summary_text(Assessment const& assessment);

// Throws Failure{bad_input}: "<name>: trials[3].claim_latency: missing". `name` is what the message calls the text.
Assessment parse_summary(std::string_view text, std::string const& name);

}  // namespace assay
