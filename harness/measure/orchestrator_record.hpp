// What the orchestrators of one generator thread did, beyond what every runner does; kept by the Recorder, merged by
// addition. Counts are of the measured phase. Told by OrchestratorMachine, read by figures.cpp.
#pragma once

#include "harness/histogram/histogram.hpp"

#include <algorithm>
#include <cstdint>

namespace assay {

struct OrchestratorRecord {
  std::uint64_t polls = 0;          // made
  std::uint64_t polls_skipped = 0;  // at capacity
  std::uint64_t received = 0;       // runs claimed …
  std::uint64_t without_place = 0;  // … of these with nowhere to work them
  std::uint64_t most_held = 0;      // by one orchestrator at any moment
  std::uint64_t cold_starts = 0, warm_starts = 0;
  Histogram start_delay;  // ns, as run: from being claimed until being worked, cold start included

  void add(OrchestratorRecord const& other) {
    polls += other.polls;
    polls_skipped += other.polls_skipped;
    received += other.received;
    without_place += other.without_place;
    most_held = std::max(most_held, other.most_held);
    cold_starts += other.cold_starts;
    warm_starts += other.warm_starts;
    start_delay.add(other.start_delay);
  }
};

}  // namespace assay
