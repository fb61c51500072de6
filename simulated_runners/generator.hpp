// The generator of a trial: threads that share nothing, each an event loop with its share of the fleet, a Recorder and
// a LoopMonitor of its own. What they saw is added up when somebody asks, and at the end. The experiment makes one per
// trial and calls connect(), run(), drain(), stop() in this order, from a loop that carries no load itself: what that
// one does (statistics, progress) delays no request. Easy to get wrong: await stop() before the destructor; and a
// share's runs may be anywhere in the fleet, so that only the whole knows whether all are done.
#pragma once

#include "harness/measure/loop_monitor.hpp"
#include "simulated_runners/fleet.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace assay {

class Generator {
 public:
  // The transport of one of the generator's threads, counted from 0.
  using TransportMaker = std::function<std::unique_ptr<Transport>(asio::io_context&, std::size_t)>;

  // `threads` ≥ 1; never more than there are runners. The plan's share is the whole. `loop` is the caller's. Without a
  // maker: HTTP to plan.coordinators.
  Generator(asio::io_context& loop, Clock const& clock, FleetPlan const& plan, int threads, Window measured,
            TransportMaker const& make_transport = {});
  ~Generator();

  // Thread after thread: the first one may make what the others find.
  Awaitable<Result<void>> prepare(TimePoint deadline);
  // After prepare(), before connect(): the trial's real start, and what is measured.
  Awaitable<void> begin_at(TimePoint start, Window measured);

  // Each as in Fleet, for all shares at once. With a backlog, run() ends as soon as it is used up.
  Awaitable<Result<void>> connect(TimePoint deadline);
  Awaitable<void> run();
  Awaitable<bool> drain(TimePoint deadline);
  Awaitable<void> stop();
  void interrupt();
  // A fault of runners, from now on.
  void disturb(FaultSpec const& fault);

  struct Snapshot {
    FleetLive live;
    Books books;
  };
  Awaitable<Snapshot> snapshot();

  // Claim latency as received so far, since the last take: for the live display.
  Awaitable<Histogram> take_recent_claims();

  // Of the coordinators that live with the generator's threads; nothing when there are none. Until close().
  Awaitable<std::optional<protocol::CoordinatorStats>> coordinator_stats();
  // After stop(): what prepare() opened.
  Awaitable<void> close();

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
  Awaitable<void> end_when_used_up();

  asio::io_context& loop_;
  Clock const& clock_;
  FleetPlan plan_;
  Window measured_;
  std::vector<std::unique_ptr<Slice>> slices_;
  bool interrupted_ = false;
  bool running_ = false;   // run() hasn't returned
  bool watching_ = false;  // end_when_used_up() hasn't
};

}  // namespace assay
