// The verbs. Each takes the options as the command line gave them, prints its result on stdout, what people should know
// meanwhile on stderr, and returns the exit status. Failure thrown by any of them becomes one line and its status in
// main().
#pragma once

#include "harness/scenario/overrides.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace assay {

struct RunOptions {
  std::filesystem::path scenario;
  Overrides overrides;
  std::filesystem::path out = "results";
  std::optional<std::string> postgres_url;
  std::optional<std::string> redis_url;
  bool json = false;
  bool plan_only = false;  // say what the scenario can show, and start nothing
  std::string command;     // as typed
};

int run_command(RunOptions const& options);
int report_command(std::filesystem::path const& folder);
int gate_command(std::filesystem::path const& folder, std::vector<std::string> const& thresholds, bool json);
// What the ledgers of every trial add up to and which invariant broke, with the events of the runs in question; or one
// run's life in every trial that knows it. invariant_broken when one is.
int ledger_command(std::filesystem::path const& folder, std::optional<std::string> const& run, bool json);
int validate_command(std::vector<std::filesystem::path> const& files, Overrides const& overrides);
int list_command(std::filesystem::path const& folder);
int backends_command(bool json);
// Measures this machine for a few seconds. 4 when a scenario of that folder is too much for it.
int doctor_command(std::filesystem::path const& scenarios, bool quick, bool json);
// Levels beyond the fit's reach in `at` are refused.
int fit_command(std::filesystem::path const& file, std::vector<double> const& at, bool json);
// `divide_by` > 0 scales values for display: 1e6 shows nanoseconds as milliseconds.
int inspect_command(std::filesystem::path const& file, double divide_by, bool json);

}  // namespace assay
