// The two judgements on a trial that don't depend on its latencies: could the instrument be trusted, and did every run
// end as it should. Collects what harness/assess/guards.hpp and ledger_check.hpp ask for out of the evidence.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/measure/claim_split.hpp"

#include <span>
#include <vector>

namespace assay {

// `result` has its figures already; `out_of_range` values fitted no histogram.
std::vector<Guard> guards_of(Evidence const& evidence, TrialResult const& result, std::span<ClaimSplit const> splits,
                             std::uint64_t out_of_range);

LedgerFigures ledger_of(Evidence const& evidence);

}  // namespace assay
