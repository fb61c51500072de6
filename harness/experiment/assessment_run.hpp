// One `assay run`: every level and repeat of a scenario, one after another, judged, decided and written to a results
// folder. Repeats are interleaved (all levels, then all levels again), so that a drift of the machine hits every level
// alike.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/policy.hpp"
#include "harness/base/error.hpp"
#include "harness/experiment/coordinator_process.hpp"
#include "harness/experiment/progress.hpp"
#include "harness/scenario/scenario.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace assay {

struct RunRequest {
  Scenario scenario;
  Policy policy;
  std::vector<BackendEntry> backends;
  std::filesystem::path coordinator;  // the program
  std::filesystem::path results;      // the root: results/<scenario>/<UTC>-<id> is made below it
  std::optional<std::string> postgres_url;
  std::optional<std::string> redis_url;
  std::string command;  // how to run it again, for the record
};

struct RunOutcome {
  Assessment assessment;
  std::filesystem::path folder;
  int signal = 0;                          // SIGINT or SIGTERM: interrupted
  std::optional<ExitStatus> early_status;  // a trial could not be done; its failure says why
};

// Throws Failure before anything is written when the plan can't be carried out here (backends, descriptors, a given
// server that can't be used), and when not even the results folder could be made.
RunOutcome run_assessment(RunRequest const& request, Progress& progress);

// The exit status that an assessment deserves (README, "exit status"), signals aside.
ExitStatus exit_status_of(Assessment const& assessment);

}  // namespace assay
