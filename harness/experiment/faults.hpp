// Carries out a scenario's faults while the trial runs: tells the generator which runners go, and stops, kills and
// restarts coordinators and the store's server. What it did is kept, for the report. Everything that blocks (starting a
// process) runs on threads of its own, because the trial's loop takes statistics meanwhile. Easy to get wrong: a
// process that is gone on purpose must be announced to its watch first, or its end is the trial's.
#pragma once

#include "harness/base/async.hpp"
#include "harness/experiment/coordinator_group.hpp"
#include "harness/experiment/store_watch.hpp"
#include "harness/scenario/scenario.hpp"
#include "simulated_runners/generator.hpp"

#include <functional>
#include <string>
#include <vector>

namespace assay {

// "2 s: restart all runners, one each 50 ms, for 1 s each"; runners of this fleet may be orchestrators.
std::string in_words(FaultSpec const& fault, FleetSpec const& fleet);

// What was done, in a few words without a comma ("stop coordinator 1"), and when.
struct DoneFault {
  std::string what;
  TimePoint begin, end;
};

class FaultInjector {
 public:
  // What is disturbed, and who has to be told before. `server`: nullptr when no fault is for the store.
  struct Targets {
    Generator& generator;
    CoordinatorGroup& coordinators;
    CoordinatorWatch& watch;
    PrivateServer* server;
    StoreWatch& store_watch;
  };

  // Everything must outlive it.
  FaultInjector(asio::io_context& context, Scenario const& scenario, int runners, Targets targets);

  // `start`: the trial's. Returns when all faults are over, or soon after stop(). Everything is running then, or its
  // failure() is not empty.
  Awaitable<void> run(TimePoint start);
  void stop() { stopping_ = true; }

  std::vector<DoneFault> const& done() const { return done_; }
  // Why something could not be started again; empty: all could.
  std::string const& failure() const { return failure_; }

 private:
  Awaitable<void> carry_out(FaultSpec fault);
  Awaitable<void> to_coordinator(FaultSpec fault, std::size_t index);
  Awaitable<void> to_store(FaultSpec fault);
  Awaitable<void> wait_until(TimePoint when);
  Awaitable<void> do_aside(std::function<void()> blocking);

  Executor executor_;
  Scenario const& scenario_;
  TimePoint start_;
  int runners_;
  Targets targets_;
  SystemClock clock_;
  asio::thread_pool blocking_{2};  // the store may come back while a coordinator waits for it
  Signal ended_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<DoneFault> done_;
  std::string failure_;
};

}  // namespace assay
