// What a report says about the circumstances: the load and the fleet in words, and the machine, build and limits it ran
// with.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/scenario/scenario.hpp"

#include <string>

namespace assay {

// Fills everything of `assessment` that is known before the first trial.
void describe(Assessment& assessment, Scenario const& scenario, std::string command);

}  // namespace assay
