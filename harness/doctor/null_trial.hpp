// The generator against a null coordinator for a moment, with the real fleet, recorder and event loop: what the
// generator can do on this machine and how far its latencies are from what the coordinator says it took. Easy to get
// wrong: the null coordinator is a second process on the same machine, as a coordinator would be, and needs CPU too.
#pragma once

#include "harness/assess/guards.hpp"
#include "harness/histogram/histogram.hpp"
#include "harness/null_coordinator/null_coordinator.hpp"

#include <optional>
#include <string>

namespace assay {

struct NullTrialPlan {
  NullCoordinatorOptions coordinator;
  int runners = 0;
  double runs_per_second = 0;
  Duration run_length = milliseconds{5};  // constant
  Duration warm_up = milliseconds{200}, measure = seconds{1};
};

struct NullTrial {
  std::string failure;  // why it could not be done, one line; nothing else means anything then
  InstrumentFigures figures;
  double requests_per_s = 0, completed_per_s = 0;
  double generator_cores = 0, coordinator_cores = 0;
  std::size_t parked = 0;               // runners, at the end of the measured phase
  double generator_kib_per_runner = 0;  // resident, more than before the fleet was made
  double coordinator_kib_per_runner = 0;
  Duration connecting{};  // until all runners were parked
  Histogram measured;     // service times of submissions as the generator saw them, ns
  Histogram truth;        // the same as the null coordinator saw them, whole trial

  // The guards that failed, by name and figure; empty for a sound trial.
  std::string complaint() const;
};

NullTrial run_null_trial(NullTrialPlan const& plan);

}  // namespace assay
