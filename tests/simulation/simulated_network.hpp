// The transport of the simulation: carries requests to the coordinators that live, in simulated time, and loses, delays
// and cuts as its seed says. A channel leads to the coordinator of its seat, whichever life that has. Takes the place
// of sockets and of the coordinator's Connection and Server, and follows the latter in one thing exactly: an assignment
// is either told delivered() or undelivered(). Easy to get wrong: both ends of a connection that was cut learn of it,
// each in its own time, and what one end has written by then may never be read.
#pragma once

#include "simulated_runners/task_group.hpp"
#include "simulated_runners/transport.hpp"
#include "tests/simulation/coordinator_life.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace assay::simulation {

struct NetworkFaults {
  Duration usual_delay = microseconds{300};  // mean, each way
  double cut = 0;                            // share of requests whose connection is cut …
  Duration cut_within = milliseconds{20};    // … after this on average
  Duration notice = milliseconds{5};         // mean time until a coordinator sees that a peer is gone
  double lost_runs = 0;                      // share of answers with runs that are written and never read
  double late_heartbeat = 0;                 // share of heartbeats that are late …
  Duration lateness = seconds{1};            // … by up to twice this
  // Nothing of this runner arrives anywhere meanwhile, and nobody is told: it is dead, or stopped and then goes on.
  struct Silence {
    std::string token;
    TimePoint from, until;
  };
  std::vector<Silence> silences;
  Window troubled;  // cuts and late heartbeats are of this time only
};

class SimulatedNetwork final : public Transport {
 public:
  SimulatedNetwork(Executor on, Clock const& time, NetworkFaults const& faults, Random random, std::size_t seats)
      : Transport{on, time}, faults_{faults}, random_{random}, tasks_{on}, lives_(seats) {}

  std::size_t coordinators() const override { return lives_.size(); }
  std::unique_ptr<Channel> make_channel(std::size_t place) override;

  // Whom new requests to this seat reach; nullptr: nobody listens.
  void seat(std::size_t seat, CoordinatorLife* life) { lives_[seat] = life; }
  // Every connection to it is reset.
  void cut_all(CoordinatorLife const& life);
  // Returns when nothing is under way any more.
  Awaitable<void> wait() { return tasks_.wait(); }

 private:
  class Call;
  class SimulatedChannel;

  void carry(std::shared_ptr<Call> call);
  void peer_left(std::shared_ptr<Call> call);
  Awaitable<void> serve(std::shared_ptr<Call> call);
  Awaitable<void> cut_later(std::shared_ptr<Call> call, Duration after);
  Awaitable<void> notice_later(std::shared_ptr<Call> call);
  Duration draw(Duration mean) { return from_seconds(random_.exponential(to_seconds(mean))); }
  bool silent(std::string const& token) const;

  NetworkFaults const& faults_;
  Random random_;
  TaskGroup tasks_;
  std::vector<CoordinatorLife*> lives_;                       // by seat
  std::map<std::uint64_t, std::shared_ptr<Call>> under_way_;  // by number: iterating is the same in every replay
  std::uint64_t last_call_ = 0;
};

}  // namespace assay::simulation
