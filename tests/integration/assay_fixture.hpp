// The program `assay` as a user meets it: started in a folder of its own with a small scenario, and everything it says
// and leaves behind looked at. Whether the scenario's trial is valid depends on the machine, so tests hold what must be
// true on any machine. Easy to get wrong: everything it starts has its TMPDIR below path("tmp").
#pragma once

#include "harness/base/error.hpp"
#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace assay::test {

using namespace std::chrono_literals;

inline constexpr char scenario_text[] = R"(name: tiny
title: A tiny trial
question: Does the whole chain work?
policy: smoke
time_compression: 60
load: { runs_per_minute_per_runner: 2 }
fleet: { hold: 500ms, run_length: { mean: 6s } }
coordinator: { lease: 120s }
phases: { warm_up: 200ms, measure: MEASURE, drain: 5s }
trials: [{ runners: 20, backend: BACKEND }]
seed: 11
objectives: ["claim_latency: p99 < 5s"]
)";

inline TimePoint within(Duration d) { return std::chrono::steady_clock::now() + d; }

inline std::string read_text(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class AssayProgram : public testing::Test {
 protected:
  AssayProgram() {
    std::filesystem::create_directories(path("policies"));
    std::filesystem::copy_file(ASSAY_SCENARIOS "/policies/smoke.yaml", path("policies/smoke.yaml"));
    std::filesystem::create_directories(path("tmp"));
    // As root the private server runs as another user, who has to get through to its own folder below.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms{0711});
  }

  std::filesystem::path path(std::string const& name) const { return folder_.path() / name; }

  void write_scenario(std::string const& backend, std::string const& measure) {
    std::string text = scenario_text;
    text.replace(text.find("BACKEND"), 7, backend);
    text.replace(text.find("MEASURE"), 7, measure);
    std::ofstream{path("tiny.yaml")} << text;
  }

  ChildProcess start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ASSAY_PROGRAM);
    return start_command(std::move(arguments));
  }

  // Everything the program leaves in the temporary folder would be found in path("tmp").
  ChildProcess start_command(std::vector<std::string> argv) {
    ChildCommand command;
    command.argv = std::move(argv);
    command.environment = {"TMPDIR=" + path("tmp").string(), "NO_COLOR=1"};
    command.log = path("log");
    command.folder = folder_.path();
    std::filesystem::remove(path("log"));
    return ChildProcess{std::move(command)};
  }

  int run(std::vector<std::string> arguments) {
    auto process = start(std::move(arguments));
    auto const exit = process.wait_until(within(60s));
    if (!exit) {
      ADD_FAILURE() << "still running after a minute: " << log();
      return -1;
    }
    EXPECT_EQ(exit->signal, 0) << log();
    return exit->status;
  }

  std::string log() const { return read_text(path("log")); }
  std::filesystem::path results() const { return path("results/tiny/latest"); }

  void expect_nothing_left_behind() {
    EXPECT_TRUE(std::filesystem::is_empty(path("tmp")))
        << "left in the temporary folder: " << std::filesystem::directory_iterator {
      path("tmp")
      } -> path();
    for (auto const& entry : std::filesystem::directory_iterator{"/proc"}) {
      std::string const command = read_text(entry.path() / "cmdline");
      EXPECT_EQ(command.find(path("tmp").string()), std::string::npos)
          << "still running: " << entry.path() << ' ' << command;
    }
  }

 private:
  PrivateFolder folder_{std::filesystem::temp_directory_path(), "assay-program-test-"};
};

}  // namespace assay::test
