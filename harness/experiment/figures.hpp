// From what was observed in a trial to its figures: pure, no I/O, so that every number of a report can be traced from
// here to the evidence. docs/method.md says in words what each figure means.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/measure/claim_split.hpp"

#include <string>
#include <vector>

namespace assay {

struct NamedHistogram {
  std::string name;  // "claim_latency"
  Histogram values;  // ns
};

struct TrialFigures {
  TrialResult result;                      // without its objectives
  std::vector<NamedHistogram> histograms;  // what its latencies were computed from
};

TrialFigures figures_of(Evidence const& evidence);

// Requests per minute that the modelled system (no time compression) makes by the protocol's own arithmetic.
// `busy_share` of the runners' time is work. A poll that ends empty is asked again: with exponential idle gaps of mean
// m between two runs of a runner, a gap sees 1/(e^(hold/m) − 1) of them, which tends to runners/hold when there is no
// work.
std::map<std::string, double> modelled_requests_per_minute(FleetSpec const& fleet, int runners, double runs_per_minute,
                                                           double busy_share);

}  // namespace assay
