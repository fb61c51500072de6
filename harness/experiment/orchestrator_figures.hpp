// What a trial's orchestrators did, as figures; and what the arithmetic of their rules would have let them do.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/measure/orchestrator_record.hpp"
#include "harness/scenario/scenario.hpp"

namespace assay {

// Nothing when the scenario's runners are no orchestrators.
std::optional<OrchestratorFigures> orchestrator_figures(Scenario const& scenario, int orchestrators,
                                                        OrchestratorRecord const& record);

// Runs per second, as run (time compression included), that so many can get done when more than that is always there:
// min(runs of a poll ÷ poll interval, runs at once ÷ (start + run length)) × orchestrators. A clamped poll brings at
// most max_concurrent runs. `mean_start_s`: cold and warm starts together, in the modelled system.
double orchestrator_limit_per_s(Scenario const& scenario, double orchestrators, double mean_start_s);

// The same of orchestrators that ask for no more than they have room for (`clamp`): each run begins at a poll, so that
// its place is taken for a whole number of poll intervals, ⌈(start + run length) ÷ interval⌉. Where runs are of all
// lengths that is half an interval more, on average. Without `clamp` the next run waits in the orchestrator's hands:
// the limit itself. `cold_share` of the runs, 0 … 1, find no warm container.
double orchestrator_rate_with_polls_per_s(Scenario const& scenario, double orchestrators, double cold_share);

// How many of them were alive, on average over the measured phase: those that a fault kills are gone while it lasts.
double orchestrators_alive(Scenario const& scenario, int orchestrators);

}  // namespace assay
