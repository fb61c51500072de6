// results/<scenario>/<UTC>-<id>/: what one command leaves behind, and results/<scenario>/latest, a link to the newest
// that was finished. A folder is made once and never written by another command's run; every figure of a report can be
// derived from it again.
//
//   manifest.json            schema version and every file with its size and SHA-256
//   scenario.resolved.yaml · environment.json · summary.json · timeline.csv
//   <trial>.hlog             histograms of one trial, tagged
//   ledger/<trial>-<who>.csv.gz
//   report.html · charts/ · decision.md · junit.xml      (written by the reports, through write())
//
// Easy to get wrong: call finish() last, also after `assay report` changed something; it is what makes the manifest
// true.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/histogram/histogram_log.hpp"
#include "harness/measure/observation.hpp"

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class ResultsFolder {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  // Makes a new folder below `root`. Throws Failure{bad_input} when that is impossible ("--out /x: Permission denied").
  static ResultsFolder create(std::filesystem::path const& root, std::string const& scenario, WallTime now);
  // One that is there already, to render its reports again. Throws Failure{bad_input} if it has no manifest.
  static ResultsFolder open(std::filesystem::path folder);

  std::filesystem::path const& path() const { return path_; }

  // `name` is relative and stays inside; folders in it are made. All writers throw Failure{internal_error}, e.g. on a
  // full disk.
  void write(std::string const& name, std::string_view content) const;
  // summary.json, timeline.csv, environment.json.
  void write_assessment(Assessment const& assessment) const;
  // <trial>.hlog; `start` is the wall time of the trial's start. Values out of a histogram's range go into a comment.
  void write_histograms(std::string const& trial, WallTime start, std::span<HistogramLogEntry const> entries) const;
  // ledger/<trial>-runners.csv.gz and ledger/<trial>-<who>.csv.gz.
  void write_run_events(std::string const& trial, std::span<RunEvent const> events) const;
  void write_ledger(std::string const& trial, std::string const& who, std::string_view csv) const;

  // Lists every file in manifest.json and, for a folder below its scenario's, makes `latest` point here.
  void finish() const;

 private:
  explicit ResultsFolder(std::filesystem::path path) : path_{std::move(path)} {}
  std::filesystem::path path_;
};

// The assessment that a folder holds, timelines included. Throws Failure{bad_input} that names the file and what is
// wrong with it: missing, of another schema version, not what the manifest says, damaged.
Assessment read_assessment(std::filesystem::path const& folder);
HistogramLog read_histograms(std::filesystem::path const& folder, std::string const& trial);
std::vector<RunEvent> read_run_events(std::filesystem::path const& folder, std::string const& trial);
std::string read_ledger(std::filesystem::path const& folder, std::string const& trial, std::string const& who);

// Every file that is missing or differs from what the manifest says, one line each; empty when all is well.
std::vector<std::string> differences_from_manifest(std::filesystem::path const& folder);

}  // namespace assay
