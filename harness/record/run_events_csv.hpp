// The generator's half of a trial's ledger as CSV: time_ns,event,run,attempt,token,who,since_ns,class. The first six
// columns are those of the coordinator's own ledger (reference_coordinator/protocol/ledger.hpp), so that both can be
// merged by any tool; the last two let every claim latency be worked out again. Times are of the monotonic clock.
#pragma once

#include "harness/measure/observation.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

std::string run_events_csv(std::span<RunEvent const> events);

// Throws Failure{bad_input}: "<name>: line 7: …".
std::vector<RunEvent> parse_run_events(std::string_view csv, std::string const& name);

}  // namespace assay
