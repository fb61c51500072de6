// The generator of one thread: the runners of a trial, or its share of them, and the submitter that feeds them, on one
// io_context. Its owner (generator.hpp, or a test) calls connect(), run(), drain(), stop() in this order; a signal
// handler calls interrupt(), and they all return soon. Easy to get wrong: a Fleet must not be destroyed before stop()
// and every other call has returned (its coroutines refer to it). Everything observed goes to the Recorder; nothing is
// printed and nothing is judged here.
#pragma once

#include "harness/base/async.hpp"
#include "harness/measure/recorder.hpp"
#include "harness/scenario/scenario.hpp"
#include "simulated_runners/identity.hpp"
#include "simulated_runners/share.hpp"
#include "simulated_runners/transport.hpp"

#include <memory>
#include <string>
#include <vector>

namespace assay {

struct FleetPlan {
  FleetSpec fleet;
  LoadSpec load;
  double time_compression = 1.0;  // run lengths are divided by it; hold, heartbeat and back-off are not
  double runs_per_second = 0;     // the level's base rate, compression included; 0 with load.concurrency
  int runners = 0;
  std::uint64_t seed = 0;
  // Over one store. At least one; with a transport of the caller's they are only names, and none is needed.
  std::vector<asio::ip::tcp::endpoint> coordinators;
  std::vector<RunnerIdentity> identities;  // one per runner; RunEvent::actor n is identities[n − 1]
  std::string submitter_token;
  TimePoint start;  // of the warm-up. Arrivals due before connect() was done are sent late, and count as late
  Duration warm_up{}, measure{};
  bool push = false;     // runners connect by WebSocket and are sent their runs
  int max_attempts = 3;  // the coordinator's: a run that failed fewer times comes back, and drain() waits for it

  // The plan is the whole trial's; a Fleet is this share of its runners, arrivals and connections.
  Share share;

  std::size_t submit_connections = 256;    // at most; more arrivals at once wait, and their lateness is measured
  std::size_t heartbeat_connections = 16;  // at most, shared by all runners
  Duration answer_timeout = seconds{10};   // of every request; a poll's comes on top of its hold
};

// To the plan's coordinators: HTTP, with push connections and retries where the plan has them.
std::unique_ptr<Transport> transport_for(asio::io_context& context, Clock const& clock, FleetPlan const& plan);

// What the coordinator has to have room for, at most.
std::size_t connections_of(FleetPlan const& plan);

// Whether this process may open as many descriptors as all shares take together; the limit is raised where that is all
// it takes. Error: misconfigured. A Fleet that is the whole asks by itself.
Result<void> ensure_descriptors(FleetPlan const& plan);

struct FleetLive {
  std::size_t parked = 0, working = 0, backing_off = 0;  // as RunnerCommons::present; working includes reporting
  std::uint64_t offered = 0, started = 0, shed = 0;      // arrivals
  std::uint64_t completed = 0;                           // runs reported as completed, acknowledged
  std::size_t outstanding = 0;                           // runs accepted and not done
  std::size_t held = 0;                                  // runs that runners have
  std::uint64_t connections_opened = 0;
  std::uint64_t source_addresses = 1;  // that they may come from
  // Requests sent a second time, because the coordinator had closed an idle connection just as they left. Each is one
  // request and one Observation; its response time has both attempts in it.
  std::uint64_t requests_repeated = 0;
  std::uint64_t submissions_repeated = 0;  // by load.retry
};

class Fleet {
 public:
  // Every reference must outlive the Fleet. Over HTTP to plan.coordinators, and …
  Fleet(asio::io_context& context, Clock const& clock, FleetPlan plan, Recorder& recorder);
  // … over any transport.
  Fleet(Transport& transport, FleetPlan plan, Recorder& recorder);
  ~Fleet();

  // Ahead of connect(): opens what the transport needs, and submits this share's part of the backlog.
  Awaitable<Result<void>> prepare(TimePoint deadline);
  // The trial begins then, and not when the plan said. Before connect().
  void begin_at(TimePoint start);

  // Every runner has its first poll parked. Errors: misconfigured (too few descriptors), rejected (the coordinator
  // doesn't accept the identities), unavailable, timed_out; each one clear line.
  Awaitable<Result<void>> connect(TimePoint deadline);

  // Warm-up and measured phase. Returns at the end of the measured phase, or after end_phase(); every arrival was
  // started or shed by then.
  Awaitable<void> run();
  void end_phase();

  // No more submissions; runners go on until every accepted run is done, at most until `deadline`. True: they are.
  // False: what was unanswered has been recorded as abandoned and the fleet is stopped.
  Awaitable<bool> drain(TimePoint deadline);

  // Closes everything and returns when no coroutine of the fleet is left. A parked poll ends as an empty one, other
  // unanswered requests as abandoned. May be called at any moment, and again.
  Awaitable<void> stop();

  // The first half of stop(): nothing new starts and every call under way returns soon. For Ctrl-C.
  void interrupt();

  // A fault of runners begins; it ends by itself.
  void disturb(FaultSpec const& fault);

  FleetLive live() const;
  Transport& transport();

  // Between shares, while they run: what this one's runners tell of runs that another one submitted, since it was asked
  // last; and what the others told. A share cannot drain() by itself, because its runs may be anywhere.
  std::vector<RunEvent> take_foreign();
  void settle(std::vector<RunEvent> const& foreign);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace assay
