// `assay doctor`: what this machine and this build can measure, found out with a null coordinator and the real
// generator, and what follows from it. examine() measures, diagnose() judges what was found: pure, so that a test can
// hand it any machine. Easy to get wrong: the null coordinator costs less than any real one, so a rate that fails here
// fails with a real one for certain, while one that passes still has to leave room for coordinator and database.
#pragma once

#include "harness/doctor/demands.hpp"
#include "harness/doctor/null_trial.hpp"
#include "harness/doctor/probes.hpp"

#include <functional>
#include <string>
#include <vector>

namespace assay {

struct LatencyFinding {
  Duration asked{};  // constant service time of the null coordinator
  std::uint64_t n = 0;
  double truth_p50_ms = 0, truth_p99_ms = 0;        // as the null coordinator saw it
  double measured_p50_ms = 0, measured_p99_ms = 0;  // as the generator saw it: service time, loopback included
  std::string complaint;                            // guards that failed meanwhile; empty: none

  double error_p50_ms() const { return measured_p50_ms - truth_p50_ms; }
  double error_p99_ms() const { return measured_p99_ms - truth_p99_ms; }
};

struct RateFinding {
  double runs_per_s = 0, requests_per_s = 0;  // the highest that kept every guard
  double generator_cores = 0, coordinator_cores = 0;
  double failed_at = 0;    // runs per second that did not; 0: none was tried that high
  std::string limited_by;  // the guards that failed there
};

struct ParkedFinding {
  int asked = 0;
  std::size_t parked = 0;
  Duration connecting{};
  double generator_kib_per_runner = 0, coordinator_kib_per_runner = 0;
  double generator_cores = 0, coordinator_cores = 0;  // while all are parked
  std::string failure;
};

struct Findings {
  ClockFindings clock;
  NoiseFindings noise;
  LoopLateness idle_loop;
  std::vector<LatencyFinding> latencies;
  RateFinding rate;
  ParkedFinding parked;
};

struct Diagnosis {
  struct Line {
    bool good = true;
    std::string text;
  };
  std::vector<Line> trust;      // what can be trusted, up to where; good = false: what can't
  std::vector<Line> scenarios;  // one per demand
  bool fit = true;              // every line of `scenarios` is good, and no finding spoils all measurements
};

// `thorough` takes some 15 s, otherwise a third of that, with wider error bars. `tell` hears what is being done.
Findings examine(bool thorough, std::function<void(std::string_view)> const& tell);

Diagnosis diagnose(Findings const& findings, std::vector<ScenarioDemand> const& demands);

}  // namespace assay
