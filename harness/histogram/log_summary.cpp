#include "harness/histogram/log_summary.hpp"

#include <algorithm>
#include <optional>

namespace assay {

namespace {

// The finest steps and the furthest end of both: nothing that is recorded in either gets lost or coarser.
HistogramRange covering(HistogramRange const& a, HistogramRange const& b) {
  return {std::min(a.lowest_discernible, b.lowest_discernible), std::max(a.highest_trackable, b.highest_trackable),
          std::max(a.significant_digits, b.significant_digits)};
}

template <class Matches>
HistogramLogSummary::Row sum_of(HistogramLog const& log, std::string tag, Matches matches) {
  HistogramLogSummary::Row row;
  row.tag = std::move(tag);
  std::optional<HistogramRange> range;
  for (auto const& entry : log.entries) {
    if (matches(entry)) range = range ? covering(*range, entry.histogram.range()) : entry.histogram.range();
  }
  if (range) row.histogram = Histogram{*range};
  for (auto const& entry : log.entries) {
    if (!matches(entry)) continue;
    row.begin = row.intervals == 0 ? entry.start : std::min(row.begin, entry.start);
    row.end = row.intervals == 0 ? entry.start + entry.length : std::max(row.end, entry.start + entry.length);
    ++row.intervals;
    row.histogram.add(entry.histogram);
  }
  return row;
}

}  // namespace

HistogramLogSummary summarize(HistogramLog const& log) {
  HistogramLogSummary summary;
  for (auto const& entry : log.entries) {
    auto const known =
        std::any_of(summary.tags.begin(), summary.tags.end(), [&](auto const& row) { return row.tag == entry.tag; });
    if (known) continue;
    summary.tags.push_back(sum_of(log, entry.tag, [&](auto const& other) { return other.tag == entry.tag; }));
  }
  summary.all = sum_of(log, {}, [](auto const&) { return true; });
  return summary;
}

}  // namespace assay
