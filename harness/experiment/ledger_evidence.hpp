// Did every run end as it should, and did nothing stay behind? Collects what harness/assess/ledger_check.hpp asks for
// out of the evidence: both sides' ledgers, what the coordinators count when nothing moves any more, and which promises
// the backend makes. Easy to get wrong: what the evidence can't carry (a sweep failed, the trial ended early) is said
// to be unchecked, not passed.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/experiment/trial.hpp"

namespace assay {

LedgerFigures ledger_of(Evidence const& evidence);

// Whether these coordinators are done with a fleet that has gone.
bool nothing_left(protocol::CoordinatorStats const& stats, std::size_t coordinators);

}  // namespace assay
