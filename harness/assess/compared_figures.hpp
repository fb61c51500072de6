// The comparisons of a verdict as they are shown: those by the same figure together, with the assessed series' own
// figure said once for each level. For the terminal and the reports; no figure is computed here.
#pragma once

#include "harness/assess/assessment.hpp"

#include <map>
#include <string>
#include <vector>

namespace assay {

struct ComparedFigure {
  std::string metric, statistic, unit;
  std::map<int, Estimate> ours;  // by runners; not there where the assessed series has none that counts
  std::vector<SeriesComparison const*> others;

  std::string name() const;  // "Call latency p99"
};

// By the order in which the figures first come. Points into the verdict.
std::vector<ComparedFigure> compared_figures(Verdict const& verdict);

}  // namespace assay
