// Bounds for samples that depend on their neighbours in time. Order statistics (intervals.hpp) take each claim for an
// independent witness, but claims of one bad second share one cause. So the measured phase is also resampled in blocks
// of time (circular moving-block bootstrap; Politis & Romano 1992), and a figure gets the wider of both bounds: never
// narrower than independence, never without enough samples. Used where a trial's claims become figures.
//
// Easy to get wrong: a block has to be as long as the dependence, and there have to be enough of them. What ties claims
// together through a fleet is the long poll, so a block is as long as the poll's hold, but at most a tenth of the
// phase.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/base/clock.hpp"
#include "harness/histogram/histogram.hpp"

#include <cstdint>
#include <vector>

namespace assay {

// How long the blocks of a measured phase are; > 0 for phases > 0.
Duration block_length(Duration measured, Duration hold);

class TimedSamples {
 public:
  // Both > 0.
  TimedSamples(Duration measured, Duration hold);

  // `at`: since the begin of the measured phase; what lies outside counts for its first or last moment.
  void record(Duration at, std::int64_t ns);

  Histogram const& histogram() const { return all_; }
  // Milliseconds; n = 0 without samples.
  LatencyFigures figures() const;

 private:
  struct Sample {
    std::int64_t value;
    std::uint32_t cell;
  };

  Duration cell_;  // a quarter of a block: blocks begin at any of them
  std::uint32_t cells_;
  std::vector<Sample> samples_;
  Histogram all_;
};

}  // namespace assay
