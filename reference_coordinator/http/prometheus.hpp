// The coordinator's statistics as Prometheus text (exposition format 0.0.4), and what the operating system says of this
// process. Counters end in _total, times are in seconds, histograms have cumulative buckets.
#pragma once

#include "reference_coordinator/protocol/stats.hpp"

#include <string>

namespace assay {

std::string prometheus_text(protocol::CoordinatorStats const& stats);

struct ProcessUse {
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
  std::uint64_t resident_bytes = 0;
};
ProcessUse process_use();

}  // namespace assay
