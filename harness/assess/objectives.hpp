// Judges one trial by one objective: met, missed or undecided, with 95 % confidence and a sentence that says why.
// Called for every objective of a scenario after each trial, and by `assay gate`.
//
// Easy to get wrong: an objective is met only if the figure's bound meets it, not its value; and a trial whose
// instrument failed meets and misses nothing. Only a broken promise, lost or doubled runs, needs no valid instrument to
// be believed.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/scenario/scenario.hpp"

namespace assay {

ObjectiveResult judge(Objective const& objective, TrialResult const& trial);

// "97 % of claim latency is waiting for a free runner; dispatch latency p99 is 4 ms. More runners would help, a queue
// would not." Empty unless runner shortage makes up half or more of the mean claim latency.
std::string shortage_in_words(TrialResult const& trial);

// Why nothing may be concluded from this trial's latencies: it was cut short, a guard failed, the backlog grew. Empty
// if it may.
std::string why_not_judged(TrialResult const& trial);

}  // namespace assay
