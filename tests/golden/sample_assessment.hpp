// An assessment made by hand with every kind of figure in it, for the tests of the reports: PR-007's four levels, a
// second backend at the largest. Figures are plausible, not measured. The same on every machine and run.
#pragma once

#include "harness/assess/assessment.hpp"

namespace assay {

Assessment sample_assessment();

// The same with everything wrong that can be: an unstable level, an invalid and a partial trial, missing samples, no
// database figures, failed claims, lost and doubled runs, text that tries to break out of its page.
Assessment troubled_assessment();

// The same with trials that differ in more than runners and backend.
Assessment assessment_with_variants();

}  // namespace assay
