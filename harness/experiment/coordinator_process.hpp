// The reference coordinator as the harness sees it: a program of its own (so that its CPU is attributable), started for
// one trial, told where its store is, waited for until it answers, stopped. The harness never links a backend; what
// backends there are, and what they declare, it asks the program.
#pragma once

#include "harness/base/error.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/services/child_process.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay {

struct BackendEntry {
  std::string name, description;
  std::string service;  // what it keeps its data in ("postgresql", "file"), empty for nothing
  std::string missing;  // why it can't be used in this build; empty when it can
  std::string durability;
  std::vector<std::pair<std::string, std::string>> capabilities;  // "fenced completion" → "yes"
};

// What a scenario sets of one backend only (Backend::settings).
std::map<std::string, std::string> store_settings(CoordinatorSpec const& spec);

// The coordinator program that belongs to this program: beside it in the same folder. Throws Failure when it isn't
// there.
std::filesystem::path coordinator_program();

// Runs `assay-coordinator backends --format json`. Throws Failure{internal_error} when that can't be understood.
std::vector<BackendEntry> known_backends(std::filesystem::path const& program);

struct CoordinatorOptions {
  std::filesystem::path program;
  std::string backend;
  std::string store_url;         // empty for backends without a server
  bool temporary_store = false;  // on a server that is not ours: leave nothing behind there
  CoordinatorSpec spec;
  std::size_t connections = 0;   // that it has to have room for
  std::filesystem::path folder;  // for its identities, ledger and log; exists
  std::string identities;        // JSON, see simulated_runners/identities.hpp
};

class CoordinatorProcess {
 public:
  // Returns when it listens. When it doesn't, throws Failure with the coordinator's own last words: bad_input when it
  // says so of what it was given (a URL, a schema of another version), unreachable otherwise.
  explicit CoordinatorProcess(CoordinatorOptions const& options);

  boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }
  pid_t pid() const { return process_->pid(); }
  int pidfd() const { return process_->pidfd(); }
  bool running() { return process_->running(); }
  std::vector<std::pair<std::string, std::string>> const& facts() const { return facts_; }
  // One for each time that it was started.
  std::vector<std::filesystem::path> const& ledgers() const { return ledgers_; }
  // How it ended, and why as far as it said so; one line. For when it is not running any more.
  std::string last_words();

  void signal(int number) { process_->signal(number); }
  // Another process at the same address, once this one has ended. Throws as the constructor.
  void start_again();

  // SIGTERM, then harder. True when it ended by itself with status 0.
  bool stop();

 private:
  void start(std::string const& listen);
  Failure why_not_started();

  CoordinatorOptions options_;
  std::filesystem::path log_;
  std::vector<std::filesystem::path> ledgers_;
  std::optional<ChildProcess> process_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace assay
