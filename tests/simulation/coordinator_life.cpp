#include "tests/simulation/coordinator_life.hpp"

#include <fstream>
#include <sstream>

namespace assay::simulation {

namespace {

MatcherOptions matching(CoordinatorLife::Options const& options, CoordinatorLife& life) {
  MatcherOptions matching;
  matching.lease = options.first_lease();
  matching.sweep_interval = options.sweep_interval;
  matching.sync_match = options.sync_match;
  matching.dispatcher.max_in_flight = options.batches_in_flight;
  matching.dispatcher.seed = options.seed;
  if (options.announce) {
    matching.on_surplus = [&life, announce = options.announce] {
      if (!life.killed()) announce();
    };
  }
  matching.on_sweep = [&life](SweepResult const& result) { life.api().swept(result); };
  matching.on_give_back = [&life](std::span<Claim const> claims) { life.api().given_back(claims); };
  return matching;
}

ApiOptions serving(CoordinatorLife::Options const& options) {
  ApiOptions serving;
  serving.backend = "memory";
  serving.lease = options.lease;
  serving.offer = options.offer;
  return serving;
}

}  // namespace

CoordinatorLife::CoordinatorLife(Executor executor, Clock const& clock, ClaimStore& store, StoreFaults const& faults,
                                 Identities const& identities, Options options)
    : request_ended{executor},
      clock_{clock},
      ledger_file_{options.ledger},
      faulty_{new FaultyStore{store, clock, faults, Random::stream(options.seed, "store faults")}},
      store_{std::unique_ptr<ClaimStore>{faulty_}, clock},
      matcher_{executor, clock, store_, matching(options, *this)},
      ledger_{options.ledger},
      api_{executor, clock, store_, matcher_, identities, ledger_, serving(options)},
      helpers_{executor},
      stop_flushing_{executor} {
  matcher_.start();
  helpers_.spawn(flush_each_second());
}

Awaitable<void> CoordinatorLife::flush_each_second() {
  for (;;) {
    bool const ending = co_await stop_flushing_.wait_until(clock_.now() + seconds{1});
    if (ending) co_return;
    if (!killed()) ledger_.flush();
  }
}

Awaitable<void> CoordinatorLife::stop() {
  state_ = State::stopping;
  co_await matcher_.stop();
  while (requests_in_progress > 0) co_await request_ended.wait_until();
  co_await matcher_.stop();  // what the last requests gave back
  co_await end_helpers();
  ledger_.flush();
  read_ledger();
  state_ = State::stopped;
}

void CoordinatorLife::kill() {
  state_ = State::killed;
  faulty_->kill();
  read_ledger();
}

Awaitable<void> CoordinatorLife::bury() {
  if (state_ == State::stopped) co_return;
  co_await matcher_.stop();
  while (requests_in_progress > 0) co_await request_ended.wait_until();
  co_await matcher_.stop();
  co_await end_helpers();
}

Awaitable<void> CoordinatorLife::end_helpers() {
  stop_flushing_.notify();
  co_await helpers_.wait();
}

void CoordinatorLife::read_ledger() {
  std::ifstream in{ledger_file_, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  ledger_text_ = std::move(text).str();
}

}  // namespace assay::simulation
