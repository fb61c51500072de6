// A trial in which everything is well, to start a test case from: 500 runners, dispatch latency of a few milliseconds.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/guards.hpp"
#include "harness/assess/intervals.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace assay {

// `n` samples, evenly spread over ± 20 % of `ms`.
inline LatencyFigures latencies_around(double ms, int n = 4000) {
  static std::map<std::pair<double, int>, LatencyFigures> known;  // tests of one program run one after another
  auto const [found, fresh] = known.try_emplace({ms, n});
  if (fresh) {
    Histogram histogram;
    for (int i = 0; i < n; ++i) histogram.record(static_cast<std::int64_t>(ms * (0.8 + 0.4 * i / n) * 1e6));
    found->second = latency_figures(histogram);
  }
  return found->second;
}

inline InstrumentFigures good_instrument() {
  InstrumentFigures figures;
  figures.achieved_share = 1.0;
  figures.generator_cpu_share = 0.3;
  figures.schedule_lag_p99_ms = 0.2;
  figures.dispatch_p99_ms = 4;
  figures.loop_stalls_per_minute = 0;
  figures.steal_share = 0;
  figures.cpu_pressure_share = 0.3;
  figures.memory_pressure_share = 0;
  figures.throttled_share = 0;
  figures.descriptors_share = 0.1;
  figures.ports_share = 0.1;
  figures.books_balance = true;
  figures.out_of_range = 0;
  figures.clock_error_ms = 0;
  figures.gate_ms = 5000;
  figures.dispatch_halves = HalvesComparison{.first = 2, .second = 2, .change = {.value = 0, .low = -0.1, .high = 0.1}};
  return figures;
}

inline TrialResult a_trial(int runners = 500, std::string const& backend = "postgres-batch", int repeat = 1) {
  TrialResult trial;
  trial.id = fmt::format("r{:04}-{}-{}", runners, backend, repeat);
  trial.runners = runners;
  trial.backend = backend;
  trial.repeat = repeat;
  trial.measured_s = 40;
  trial.offered_per_s = trial.accepted_per_s = trial.completed_per_s = runners * 2.0;
  trial.busy_share = 0.4;
  trial.claim_latency = latencies_around(4);
  trial.dispatch_latency = latencies_around(4);
  trial.runner_shortage = latencies_around(0.001);
  trial.claims = trial.claim_attempts = 4000;
  trial.store_write_latency = latencies_around(2);
  trial.store.push_back({.operation = "claim",
                         .calls = 4000,
                         .items = 4000,
                         .errors = 0,
                         .latency = latencies_around(2),
                         .outcomes = {}});
  trial.pending_writes_slope_per_s = {.value = 0, .low = -0.01, .high = 0.01};
  trial.backlog_slope_per_s = {.value = 0, .low = -0.1, .high = 0.1};
  trial.coordinator = {.available = true, .cpu_cores_mean = 0.21, .cpu_cores_max = 0.3};
  trial.database = {.available = true, .cpu_cores_mean = 0.5, .cpu_cores_max = 0.7};
  trial.generator = {.available = true, .cpu_cores_mean = 0.3, .cpu_cores_max = 0.5};
  trial.books.balance = true;
  trial.ledger.accepted = trial.ledger.completed = 4000;
  trial.guards = judge_instrument(good_instrument());
  return trial;
}

}  // namespace assay
