// Where a trigger that the assessed trials refute is met after all: in other variants of the scenario over the same
// backend, for instance with a longer backlog. The verdict rests on the first variant, and its reader may have another.
// Used by decide only.
#pragma once

#include "harness/assess/comparisons.hpp"

#include <string>
#include <vector>

namespace assay {

struct MetElsewhere {
  Reason note;
  std::string words;  // "with backlog-20k, where store claim latency p95 is at least 864 ms at 4 runners, …"
};

// One for each variant and trigger, of the level where its figure is worst; every repeat must say so.
std::vector<MetElsewhere> triggers_met_elsewhere(Assessment const& assessment, Policy const& policy,
                                                 Comparisons const& compared, std::vector<int> const& runners);

}  // namespace assay
