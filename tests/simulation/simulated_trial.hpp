// A whole trial from one seed, on simulated time and one thread: the real fleet, real coordinators from Api to
// dispatcher, one or several over one real memory backend; what carries requests between them, and all that goes wrong,
// is drawn from the seed, or chosen by a test. Called by simulation_test.cpp for thousands of seeds. A new fault is a
// field of NetworkFaults, StoreFaults or TrialDraw and a line in draw_trial().
#pragma once

#include "harness/assess/ledger_check.hpp"
#include "simulated_runners/fleet.hpp"
#include "tests/simulation/defective_store.hpp"
#include "tests/simulation/simulated_network.hpp"
#include "tests/simulation/simulated_wake_up.hpp"

#include <string>
#include <vector>

namespace assay::simulation {

struct CoordinatorEnd {
  TimePoint when;
  bool killed = false;  // else stopped, as by a signal
  Duration down{};      // until the next one lives
  std::size_t seat = 0;
};

inline constexpr TimePoint simulation_start{seconds{1'000'000}};

// What a seed says.
struct TrialDraw {
  FleetPlan plan;
  std::size_t seats = 1;  // coordinators over the one store
  CoordinatorLife::Options coordinator;
  WakeUpFaults wake_up;  // between them
  RetryPolicy retry;
  NetworkFaults network;
  StoreFaults store;
  std::vector<CoordinatorEnd> ends;  // of each seat in order of time
  Duration drain{};                  // after the last fault everything that was accepted is done within this
  bool witnessed = true;             // the StoreWitness looks on; it is slow with tens of thousands of runs
};

TrialDraw draw_trial(std::uint64_t seed);

struct TrialOutcome {
  LedgerFigures ledger;
  std::vector<std::string> witnessed;  // what the store did against the contract
  std::vector<std::string> left_over;  // what did not come to its end: runs, polls, requests, calls
  std::uint64_t runs = 0, completed = 0, reexecuted = 0, in_doubt = 0, offered_again = 0, woken = 0;
  std::uint64_t fingerprint = 0;  // of every event: equal for equal histories
  Duration simulated{};
  std::vector<RunEvent> events;
  std::vector<std::uint32_t> kind_of_actor;
  TimePoint end;

  bool clean() const { return ledger.breaches.empty() && witnessed.empty() && left_over.empty(); }
};

TrialOutcome simulate(TrialDraw draw, Defect defect = Defect::none);
inline TrialOutcome simulate(std::uint64_t seed, Defect defect = Defect::none) {
  return simulate(draw_trial(seed), defect);
}

// Everything that is wrong with it, a line each.
std::string to_string(TrialOutcome const& outcome);

}  // namespace assay::simulation
