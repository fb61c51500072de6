// What a log says altogether: its intervals added up per tag, and all of them, as `assay inspect` shows them. Counts
// are added, quantiles never averaged. Easy to get wrong: tags of one log may hold different things (latencies, queue
// lengths); their sum is there because other tools show it, and means something only when the units agree.
#pragma once

#include "harness/histogram/histogram_log.hpp"

#include <string>
#include <vector>

namespace assay {

struct HistogramLogSummary {
  struct Row {
    std::string tag;  // empty: untagged intervals
    std::size_t intervals = 0;
    Duration begin{}, end{};  // since the log's start: what the intervals cover, gaps included
    Histogram histogram;      // of a range that holds every value of every interval
  };
  std::vector<Row> tags;  // in the order of their first interval
  Row all;
};

HistogramLogSummary summarize(HistogramLog const& log);

}  // namespace assay
