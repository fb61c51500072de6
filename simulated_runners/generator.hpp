// The generator of a trial: threads that share nothing, each an event loop with its share of the fleet, a Recorder and
// a LoopMonitor of its own. What they saw is added up when somebody asks, and at the end. The experiment makes one per
// trial and calls connect(), run(), drain(), stop() in this order, from a loop that carries no load itself: what that
// one does (statistics, progress) delays no request. Easy to get wrong: await stop() before the destructor; and a
// share's runs may be anywhere in the fleet, so that only the whole knows whether all are done.
#pragma once

#include "harness/measure/loop_monitor.hpp"
#include "simulated_runners/fleet.hpp"

#include <memory>
#include <vector>

namespace assay {

class Generator {
 public:
  // `threads` ≥ 1; never more than there are runners. The plan's share is the whole. `loop` is the caller's.
  Generator(asio::io_context& loop, Clock const& clock, FleetPlan const& plan, int threads, Window measured);
  ~Generator();

  // Each as in Fleet, for all shares at once.
  Awaitable<Result<void>> connect(TimePoint deadline);
  Awaitable<void> run();
  Awaitable<bool> drain(TimePoint deadline);
  Awaitable<void> stop();
  void interrupt();

  struct Snapshot {
    FleetLive live;
    Books books;
  };
  Awaitable<Snapshot> snapshot();

  // Claim latency as received so far, since the last take: for the live display.
  Awaitable<Histogram> take_recent_claims();

  // How late the loops were, since the last take.
  Awaitable<LoopLateness> take_lateness();

  // Everything observed, of all threads. Once, after stop().
  Recorder take_recorder();

  std::size_t threads() const { return slices_.size(); }

 private:
  struct Slice;

  // Runs what `make(slice)` makes on each slice's own loop, all at once; what they gave, in order.
  template <class T, class Make>
  Awaitable<std::vector<T>> each(Make make);

  asio::io_context& loop_;
  Clock const& clock_;
  FleetPlan plan_;
  Window measured_;
  std::vector<std::unique_ptr<Slice>> slices_;
  bool interrupted_ = false;
};

}  // namespace assay
