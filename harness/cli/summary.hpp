// The result of an assessment on standard output: a table and a verdict for people, or summary.json for programs.
#pragma once

#include "harness/assess/assessment.hpp"

#include <string>

namespace assay {

// Plain text, at most 100 columns; `colour` for a terminal only.
std::string printed_summary(Assessment const& assessment, bool colour);

}  // namespace assay
