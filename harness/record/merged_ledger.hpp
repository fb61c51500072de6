// What every actor of a trial wrote down about the runs, as one list in the order of time:
// ledger/<trial>-<actor>.csv.gz of a results folder, each with the columns time_ns,event,run,attempt,token,who (further
// ones are left out). Read by `assay ledger`. Easy to get wrong: an actor writes an event down when it hears of it, so
// neighbouring events of two actors may be a little out of order.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace assay {

struct LedgerLine {
  TimePoint time;     // of the monotonic clock
  std::string actor;  // "runners", "coordinator": whose file it is from
  std::string event;
  RunId run;
  int attempt = 0;    // 0: not said
  std::string token;  // "": not said
  std::string who;    // as that actor names it: a number, or a runner's name; "" when nobody
};

// Throws Failure{bad_input} that names the file, and the line that can't be read.
std::vector<LedgerLine> read_merged_ledger(std::filesystem::path const& folder, std::string const& trial);

}  // namespace assay
