// One level measured once: fresh store, fresh coordinator process, fleet; connect, warm up, measure, drain, stop. Gives
// back what was observed (Evidence); figures.hpp turns that into a TrialResult. Whatever goes wrong on the way (the
// coordinator dies, the database goes away, Ctrl-C) ends the trial early and keeps what was measured.
#pragma once

#include "harness/base/async.hpp"
#include "harness/experiment/coordinator_process.hpp"
#include "harness/experiment/faults.hpp"
#include "harness/experiment/interruption.hpp"
#include "harness/experiment/progress.hpp"
#include "harness/measure/host_stats.hpp"
#include "harness/measure/loop_monitor.hpp"
#include "harness/measure/process_stats.hpp"
#include "harness/measure/recorder.hpp"
#include "reference_coordinator/protocol/stats.hpp"
#include "simulated_runners/generator.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace assay {

// Of generator and coordinator: each needs a descriptor for every one.
std::size_t connections_needed(Scenario const& scenario, Level const& level);

// What the scenario says, or when it doesn't what this machine has to spare.
int generator_threads(Scenario const& scenario);

struct TrialPlan {
  Scenario const* scenario = nullptr;  // with the level's changes made
  Level level;
  int repeat = 1;
  std::uint64_t seed = 0;  // of this trial
  BackendEntry backend;
  std::filesystem::path coordinator;        // the program
  std::optional<std::string> postgres_url;  // the user's server instead of a private one
  std::optional<std::string> redis_url;
  Duration left_afterwards{};               // of the whole assessment, for the progress line
};

std::string trial_id(TrialPlan const& plan);  // "r0500-postgres-batch-1", "r0004-file-scan-queued-2000-1"

// All three at one moment.
struct CpuReading {
  TimePoint time;
  std::optional<ProcessStats> coordinator, database, generator;
};

struct Sample {  // once a second, and at the ends of the measured phase
  CpuReading cpu;
  FleetLive fleet;
  Books books;
  std::optional<protocol::CoordinatorStats> stats;
  TimePoint stats_asked, stats_answered;  // between them the coordinator took `stats`
  Histogram recent_claims;
};

struct Evidence {
  TrialPlan plan;
  TimePoint start, measure_begin, measure_end, stopped;
  bool partial = false;  // not all of the measured phase happened
  std::string failure;   // why it ended early, one line
  std::optional<ExitStatus> failure_status;
  bool used_up = false;  // the backlog, before the measured phase was over
  bool drained = false;
  std::size_t generator_threads = 1;
  std::optional<Recorder> recorder;
  std::vector<RunEvent> events;
  std::vector<std::uint32_t> kind_of_actor;
  std::vector<Sample> samples;
  std::vector<DoneFault> faults;
  std::optional<Sample> begin, end;                       // of the measured phase
  std::optional<protocol::CoordinatorStats> final_stats;  // after the drain
  // Open ones of a coordinator, before anybody connected and after the drain.
  std::optional<std::int64_t> descriptors_alone, descriptors_left;
  std::optional<HostStats> host_begin, host_end;
  LoopLateness loop;                             // of the generator's event loops, measured phase
  std::vector<std::string> coordinator_ledgers;  // CSV, of each
  std::vector<std::pair<std::string, std::string>> store_facts;
};

// Throws Failure when the trial could not even begin (no server, no coordinator, a fleet that can't connect).
Evidence run_trial(asio::io_context& context, TrialPlan plan, Progress& progress, Interruption& interruption);

}  // namespace assay
