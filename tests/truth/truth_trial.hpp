// A whole trial, as `assay run` makes it (processes, fleet, figures, guards, ledger, objectives), on a coordinator
// whose behaviour is known. A trial that the instrument's own guards call invalid proves nothing either way: it is made
// again a few times, and then the test is skipped with the guard's words. Easy to get wrong: guards that a test itself
// makes fail have to be named.
#pragma once

#include "harness/experiment/figures.hpp"
#include "harness/null_coordinator/null_coordinator.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

namespace assay::truth {

struct TruthTrial {
  Scenario scenario;
  int runners = 0;
  NullCoordinatorOptions coordinator;  // ledger, port, seed: the trial's own
  Duration stall_after{};              // since the coordinator's start; instead of stall.first
  Duration stall_generator{};          // its threads stand still for so long …
  Duration stall_generator_after{};    // … this long after the trial began
};

// Runs of `run_length` at `runs_per_second`, evenly spaced, over `runners` runners; measured for `measure`.
TruthTrial a_trial(int runners, double runs_per_second, Duration run_length, Duration measure);

struct Measured {
  Evidence evidence;
  TrialResult result;  // with its objectives
  std::vector<NamedHistogram> histograms;

  Histogram const& histogram(std::string const& name) const;
  Guard const& guard(std::string const& name) const;
  // What the coordinator counted in the measured phase.
  protocol::CoordinatorStats coordinator() const;
};

Measured measure(TruthTrial const& trial);

struct Demands {
  std::set<std::string> spoiled{};  // guards that the test itself makes fail
  // For what is held to a fifth of a millisecond or a few requests: nobody else may want the CPUs. Late wake-ups are in
  // the schedule lag, but what the kernel's own network thread has to wait for is seen only in the pressure.
  std::optional<double> pressure{};  // share of the time that some task waited for a CPU, at most
  std::optional<double> lag_ms{};    // p99, at most
};

// The first trial that no guard makes invalid; of two at most, the last one is returned in any case. `why_not` is empty
// when it counts.
Measured measure_validly(TruthTrial const& trial, Demands const& demands, std::string& why_not);

}  // namespace assay::truth
