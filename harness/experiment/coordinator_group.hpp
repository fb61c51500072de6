// The coordinators of a trial: one, or several over one store (PR-004), each a process of its own. What the trial asks
// of them it asks of all: their CPU, memory and statistics add up, the first one that ends is what is heard. Easy to
// get wrong: the first is the one that makes and removes a temporary store, so it starts first and stops last.
#pragma once

#include "harness/base/async.hpp"
#include "harness/experiment/coordinator_process.hpp"
#include "harness/experiment/stats_client.hpp"
#include "harness/measure/process_stats.hpp"

#include <unistd.h>

#include <deque>
#include <memory>
#include <optional>

namespace assay {

class CoordinatorGroup {
 public:
  // `count` may be 0, when runners are clients of the store themselves; each gets a folder below options.folder. Throws
  // as CoordinatorProcess.
  CoordinatorGroup(CoordinatorOptions const& options, int count);

  std::vector<asio::ip::tcp::endpoint> endpoints() const;
  std::vector<std::pair<std::string, std::string>> const& facts() const {
    return processes_.front().facts();
  }  // of one
  bool running();
  std::string last_words();  // of the first that is not running
  void stop();
  std::vector<std::string> ledgers() const;  // CSV, of each

  std::deque<CoordinatorProcess>& processes() { return processes_; }

 private:
  std::deque<CoordinatorProcess> processes_;
};

// Watches a group on the event loop of a trial.
class CoordinatorWatch {
 public:
  CoordinatorWatch(Executor executor, CoordinatorGroup& group);

  // Of all together, but for descriptors: those of the one that has most, because each has its own limit. Nothing when
  // one of them is gone.
  std::optional<ProcessStats> sample();
  // Added up. Nothing when one of them doesn't answer.
  Awaitable<std::optional<protocol::CoordinatorStats>> stats();
  // A fault: this one stands still or ends on purpose from now on, until back(). Its counts go on from where they were.
  // What it counted since it was asked last (a second, in a trial) is lost when it ends.
  void expect_away(std::size_t index);
  void back(std::size_t index);
  bool somebody_is_away() const;
  // Returns when the first one has ended unexpectedly, or after close().
  Awaitable<bool> ended();
  void close();

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

  struct Watched {
    Watched(Executor executor, CoordinatorProcess const& process)
        : client{executor, process.endpoint()},
          monitor{process.pid(), ProcessMonitor::Scope::process},
          pidfd{std::make_unique<Descriptor>(executor, ::dup(process.pidfd()))},
          pid{process.pid()} {}

    StatsClient client;
    ProcessMonitor monitor;
    std::unique_ptr<Descriptor> pidfd;
    pid_t pid;
    bool away = false;
    std::optional<protocol::CoordinatorStats> latest;
    ProcessStats last_use;
    // By earlier processes in its place.
    protocol::CoordinatorStats counted_before;
    ProcessStats used_before;
  };

  static void add(ProcessStats const& one, ProcessStats& sum);
  Awaitable<void> watch(std::size_t index);

  Executor executor_;
  CoordinatorGroup& group_;
  std::deque<Watched> watched_;
  Signal changed_;
  std::size_t watching_ = 0;
  bool one_ended_ = false;
  bool closed_ = false;
};

}  // namespace assay
