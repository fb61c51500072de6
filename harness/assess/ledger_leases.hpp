// What became of the leases of one run: I9 (a lease that is over is ready again within the sweep interval) and I11
// (executions that overlapped, which is counted and no breach: the promise is at least once). Called by check_ledger()
// for each run. Easy to get wrong: a renewal that was cut off may have counted, so the lease is over only when the
// longest that it can have been is.
#pragma once

#include "harness/assess/ledger_check.hpp"
#include "harness/assess/ledger_life.hpp"

namespace assay {

void check_leases(RunId run, RunLife const& life, LedgerInput const& input, LedgerFigures& figures);

}  // namespace assay
