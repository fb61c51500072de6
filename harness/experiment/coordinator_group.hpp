// The coordinators of a trial: one, or several over one store (PR-004), each a process of its own. What the trial asks
// of them it asks of all: their CPU, memory and statistics add up, the first one that ends is what is heard. Easy to
// get wrong: the first is the one that makes and removes a temporary store, so it starts first and stops last.
#pragma once

#include "harness/base/async.hpp"
#include "harness/experiment/coordinator_process.hpp"
#include "harness/experiment/stats_client.hpp"
#include "harness/measure/process_stats.hpp"

#include <deque>

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
  // Returns when the first one has ended, or after close().
  Awaitable<bool> ended();
  void close();

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

  Awaitable<void> watch(Descriptor& pidfd);

  Executor executor_;
  std::deque<StatsClient> clients_;
  std::deque<ProcessMonitor> monitors_;
  std::deque<Descriptor> pidfds_;
  Signal changed_;
  std::size_t watching_ = 0;
  bool one_ended_ = false;
  bool closed_ = false;
};

}  // namespace assay
