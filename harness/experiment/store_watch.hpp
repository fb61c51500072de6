// Watches the server behind a trial's store, on the trial's event loop: what its processes use, and whether it ends.
// The Drive asks and the FaultInjector announces. Easy to get wrong: a server that goes on purpose must be announced
// first, or its end is the trial's; and with it goes what it had used, which the one that is started again goes on
// from.
#pragma once

#include "harness/base/async.hpp"
#include "harness/measure/process_stats.hpp"
#include "harness/services/service.hpp"

#include <optional>

namespace assay {

class StoreWatch {
 public:
  // Of a `service` that has no server, or one that is not ours to look at (also nullptr), nothing is known.
  StoreWatch(Executor executor, Service const* service);

  std::optional<ProcessStats> sample();
  // A fault: it stands still or ends on purpose from now on, until back().
  void expect_away();
  void back();
  bool away() const { return away_; }
  // Returns true when it has ended unexpectedly, false after close().
  Awaitable<bool> ended();
  void close();

 private:
  void watch(pid_t pid);

  Executor executor_;
  Service const* service_;
  std::optional<pid_t> pid_;
  std::optional<ProcessMonitor> monitor_;
  asio::posix::basic_stream_descriptor<Executor> pidfd_;
  ProcessStats last_use_, used_before_;
  Signal changed_;
  bool away_ = false;
  bool closed_ = false;
};

}  // namespace assay
