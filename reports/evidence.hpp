// The assessment as the reports walk through it: levels, the trials of each level and series, and the bound that the
// question is about. Selections only; no figure is computed here that the assessment does not hold.
#pragma once

#include "harness/assess/assessment.hpp"

#include <string>
#include <vector>

namespace assay {

// All repeats of one level in one series.
struct Cell {
  int runners = 0;
  std::string series;
  std::vector<TrialResult const*> trials;  // at least one

  // The repeat that speaks for the cell where only one can: the one with the largest dispatch latency p99 among those
  // that are valid, or among all if none is. Percentiles are never averaged.
  TrialResult const& worst() const;
};

// By runners, then by the order in which the series first ran.
std::vector<Cell> cells_of(Assessment const& assessment);
std::vector<std::string> all_series(Assessment const& assessment);
bool has_variants(Assessment const& assessment);
std::vector<int> levels_of(Assessment const& assessment);
// The largest level of the assessed series; nullptr without trials.
TrialResult const* main_trial(Assessment const& assessment);

// "500 runners", with the series where several were measured.
std::string name_of(Assessment const& assessment, Cell const& cell);
// The same on two lines, for the rows of charts.
std::string row_name_of(Assessment const& assessment, Cell const& cell);
// With "(invalid)" behind the first line where the trial is: the second one may be cut off.
std::string judged_row_name_of(Assessment const& assessment, Cell const& cell);
// The same for one trial, with "repeat 2" where there are several.
std::string name_of(Assessment const& assessment, TrialResult const& trial);

// Nothing was due in the measured phase: whatever was submitted had been there before.
bool is_backlog(TrialResult const& trial);

// May this trial's percentiles be shown? Not when nothing was measured or the backlog grew throughout.
bool has_percentiles(TrialResult const& trial);

// The store's calls to claim; nothing when there were none.
StoreOperationFigures const* claim_calls(TrialResult const& trial);

// The latency that the policy asks about, in milliseconds with the policy's words; nothing if it asks about none.
struct LatencyBound {
  double ms = 0;
  std::string text;
};
std::optional<LatencyBound> latency_bound(Assessment const& assessment);

}  // namespace assay
