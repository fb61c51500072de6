// What a trial's orchestrators did, as figures; and what the arithmetic of their rules would have let them do.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/measure/orchestrator_record.hpp"
#include "harness/scenario/scenario.hpp"

namespace assay {

// Nothing when the scenario's runners are no orchestrators. `measured_s` > 0.
std::optional<OrchestratorFigures> orchestrator_figures(Scenario const& scenario, int orchestrators,
                                                        OrchestratorRecord const& record);

// Runs per second, as run (time compression included), that so many can get done when more than that is always there:
// min(runs of a poll ÷ poll interval, runs at once ÷ (start + run length)) × orchestrators. A clamped poll brings at
// most max_concurrent runs. `mean_start_s`: cold and warm starts together, in the modelled system.
double orchestrator_limit_per_s(Scenario const& scenario, int orchestrators, double mean_start_s);

}  // namespace assay
