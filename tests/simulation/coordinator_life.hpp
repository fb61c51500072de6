// One life of a coordinator in the simulation: the real Api, Matcher and ledger over a store that outlives it. It ends
// by stop(), as a signal ends it, or by kill(), as kill -9 does: then nothing of it reaches the store any more, and the
// ledger has what was flushed. A killed one is a ghost whose coroutines still have to come to their end, so a life is
// destroyed only after bury().
#pragma once

#include "reference_coordinator/http/api.hpp"
#include "simulated_runners/task_group.hpp"
#include "tests/simulation/faulty_store.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace assay::simulation {

class CoordinatorLife {
 public:
  struct Options {
    Duration lease = seconds{1}, sweep_interval = milliseconds{200};
    Duration offer{};  // 0: one-stage leases
    std::size_t batches_in_flight = 1;
    bool sync_match = false;
    std::uint64_t seed = 0;
    std::filesystem::path ledger;
    std::function<void()> announce;  // there are runs that nobody who waits here can take; may be empty

    Duration first_lease() const { return offer > Duration{0} ? offer : lease; }
  };

  CoordinatorLife(Executor executor, Clock const& clock, ClaimStore& store, StoreFaults const& faults,
                  Identities const& identities, Options options);

  Awaitable<void> stop();
  void kill();
  // After stop() or kill().
  Awaitable<void> bury();

  bool serves() const { return state_ == State::serving; }
  bool killed() const { return state_ == State::killed; }
  Api& api() { return api_; }
  Matcher& matcher() { return matcher_; }
  std::string const& ledger_text() const { return ledger_text_; }  // after stop() or kill()
  std::size_t pending_store_calls() const { return store_.pending_writes(); }

  std::size_t requests_in_progress = 0;  // counted by the network
  Signal request_ended;

 private:
  enum class State : std::uint8_t { serving, stopping, stopped, killed };

  Awaitable<void> flush_each_second();
  Awaitable<void> end_helpers();
  void read_ledger();

  Clock const& clock_;
  std::filesystem::path ledger_file_;
  FaultyStore* faulty_;  // owned by store_
  MeasuredStore store_;
  Matcher matcher_;
  protocol::Ledger ledger_;
  Api api_;
  TaskGroup helpers_;
  Signal stop_flushing_;
  std::string ledger_text_;
  State state_ = State::serving;
};

}  // namespace assay::simulation
