#include "simulated_runners/generator.hpp"

#include "simulated_runners/http_client.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <thread>

namespace assay {

namespace {

// How often a drain looks whether every run is done: its end is not measured, and each look wakes all loops.
constexpr Duration look_interval = milliseconds{10};
// How often a run with a backlog looks whether it is used up: this one does wake loops that are being measured.
constexpr Duration used_up_interval = milliseconds{50};

FleetPlan share_of(FleetPlan plan, std::size_t index, std::size_t of) {
  plan.share = {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(of)};
  return plan;
}

void add(FleetLive& sum, FleetLive const& part) {
  sum.parked += part.parked;
  sum.working += part.working;
  sum.backing_off += part.backing_off;
  sum.offered += part.offered;
  sum.started += part.started;
  sum.shed += part.shed;
  sum.completed += part.completed;
  sum.outstanding += part.outstanding;
  sum.held += part.held;
  sum.connections_opened += part.connections_opened;
  sum.source_addresses = std::max(sum.source_addresses, part.source_addresses);
  sum.requests_repeated += part.requests_repeated;
  sum.submissions_repeated += part.submissions_repeated;
}

// Every accepted run is done, and no submission under way.
bool all_done(FleetLive const& live, Books const& books) {
  return books.in_flight == 0 && live.outstanding == 0 && live.held == 0;
}

}  // namespace

struct Generator::Slice {
  Slice(Clock const& clock, FleetPlan plan, Window measured, TransportMaker const& make_transport)
      : transport{make_transport ? make_transport(loop, plan.share.index) : transport_for(loop, clock, plan)},
        recorder{measured},
        fleet{*transport, std::move(plan), recorder},
        monitor{loop.get_executor(), clock} {
    asio::co_spawn(loop, monitor.watch(), asio::detached);
    thread = std::thread{[this] { loop.run(); }};
  }

  ~Slice() {
    loop.stop();
    thread.join();
  }

  asio::io_context loop{1};
  asio::executor_work_guard<Executor> never_idle{loop.get_executor()};
  std::unique_ptr<Transport> const transport;
  Recorder recorder;
  Fleet fleet;
  LoopMonitor monitor;
  std::thread thread;  // last: it finds everything else there
};

namespace {

// What each() runs, on a slice's own loop. By value: nothing that two threads see at once.
struct Done {};

struct Seen {
  FleetLive live;
  Books books;
  std::vector<RunEvent> foreign;
};

Awaitable<Done> done_after(Awaitable<void> work) {
  co_await std::move(work);
  co_return Done{};
}

Awaitable<Done> stop_both(Fleet& fleet, LoopMonitor& monitor) {
  co_await fleet.stop();
  monitor.stop();
  co_return Done{};
}

Awaitable<Seen> look(Fleet& fleet, Recorder const& recorder) {
  Seen seen;
  seen.live = fleet.live();
  seen.books = recorder.books();
  seen.foreign = fleet.take_foreign();
  co_return seen;
}

Awaitable<Done> settle(Fleet& fleet, std::vector<RunEvent> told) {
  fleet.settle(told);
  co_return Done{};
}

Awaitable<Done> begin(Fleet& fleet, Recorder& recorder, TimePoint start, Window measured) {
  fleet.begin_at(start);
  recorder.measure(measured);
  co_return Done{};
}

Awaitable<Histogram> take_claims(Recorder& recorder) { co_return recorder.take_recent_claims(); }
Awaitable<LoopLateness> take(LoopMonitor& monitor) { co_return monitor.take(); }

}  // namespace

Generator::Generator(asio::io_context& loop, Clock const& clock, FleetPlan const& plan, int threads, Window measured,
                     TransportMaker const& make_transport)
    : loop_{loop}, clock_{clock}, plan_{plan}, measured_{measured} {
  BOOST_ASSERT(threads >= 1);
  auto const count = static_cast<std::size_t>(std::clamp(threads, 1, std::max(1, plan.runners)));
  for (std::size_t i = 0; i < count; ++i) {
    slices_.push_back(std::make_unique<Slice>(clock, share_of(plan, i, count), measured, make_transport));
  }
}

Generator::~Generator() = default;

template <class T, class Make>
Awaitable<std::vector<T>> Generator::each(Make make) {
  std::vector<T> results(slices_.size());
  std::size_t left = slices_.size();
  Signal ended{loop_.get_executor()};
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    auto const took = [&results, &left, &ended, i](std::exception_ptr error, T result) {
      if (error) std::rethrow_exception(error);
      results[i] = std::move(result);
      --left;
      ended.notify();
    };
    asio::co_spawn(slices_[i]->loop, make(*slices_[i]), asio::bind_executor(loop_.get_executor(), took));
  }
  while (left > 0) co_await ended.wait_until();
  co_return results;
}

Awaitable<Result<void>> Generator::prepare(TimePoint deadline) {
  for (auto& slice : slices_) {
    auto work = slice->fleet.prepare(deadline);
    auto prepared = co_await asio::co_spawn(slice->loop, std::move(work), use_awaitable);
    if (!prepared) co_return prepared;
  }
  co_return Result<void>{};
}

Awaitable<void> Generator::begin_at(TimePoint start, Window measured) {
  measured_ = measured;
  co_await each<Done>([=](Slice& slice) { return begin(slice.fleet, slice.recorder, start, measured); });
}

Awaitable<void> Generator::close() {
  for (auto slice = slices_.rbegin(); slice != slices_.rend(); ++slice) {
    auto work = (*slice)->transport->close();
    co_await asio::co_spawn((*slice)->loop, std::move(work), use_awaitable);
  }
}

Awaitable<std::optional<protocol::CoordinatorStats>> Generator::coordinator_stats() {
  using Stats = std::optional<protocol::CoordinatorStats>;
  auto const asked = co_await each<Stats>([](Slice& slice) { return slice.transport->stats(); });
  Stats sum;
  for (auto const& one : asked) {
    if (!one) co_return std::nullopt;
    if (sum) {
      sum->add(*one);
    } else {
      sum = one;
    }
  }
  co_return sum;
}

Awaitable<Result<void>> Generator::connect(TimePoint deadline) {
  if (auto enough = ensure_descriptors(plan_); !enough) co_return enough;
  auto const connect_one = [deadline](Slice& slice) { return slice.fleet.connect(deadline); };
  auto const connected = co_await each<Result<void>>(connect_one);
  for (auto const& each_one : connected) {
    if (!each_one) co_return each_one;
  }
  co_return Result<void>{};
}

Awaitable<void> Generator::run() {
  running_ = true;
  if (plan_.load.backlog) asio::co_spawn(loop_, end_when_used_up(), asio::detached);
  co_await each<Done>([](Slice& slice) { return done_after(slice.fleet.run()); });
  running_ = false;
  while (watching_) co_await sleep_until(clock_.now() + look_interval);
}

Awaitable<void> Generator::end_when_used_up() {
  watching_ = true;
  bool done = false;
  while (running_ && !interrupted_ && !done) {
    co_await sleep_until(clock_.now() + used_up_interval);
    auto const seen = co_await snapshot();
    done = all_done(seen.live, seen.books);
  }
  if (done) {
    for (auto& slice : slices_) asio::post(slice->loop, [&fleet = slice->fleet] { fleet.end_phase(); });
  }
  watching_ = false;
}

Awaitable<bool> Generator::drain(TimePoint deadline) {
  bool done = false;
  while (!done && !interrupted_ && clock_.now() < deadline) {
    auto const seen = co_await snapshot();
    done = all_done(seen.live, seen.books);
    if (!done) co_await sleep_until(std::min(deadline, clock_.now() + look_interval));
  }
  done = done && !interrupted_;
  if (!done) co_await stop();
  co_return done;
}

Awaitable<void> Generator::stop() {
  interrupted_ = true;
  co_await each<Done>([](Slice& slice) { return stop_both(slice.fleet, slice.monitor); });
}

void Generator::interrupt() {
  interrupted_ = true;
  for (auto& slice : slices_) asio::post(slice->loop, [&fleet = slice->fleet] { fleet.interrupt(); });
}

void Generator::disturb(FaultSpec const& fault) {
  for (auto& slice : slices_) {
    asio::post(slice->loop, [&fleet = slice->fleet, fault] { fleet.disturb(fault); });
  }
}

Awaitable<Generator::Snapshot> Generator::snapshot() {
  auto const seen = co_await each<Seen>([](Slice& slice) { return look(slice.fleet, slice.recorder); });
  Snapshot sum;
  std::vector<RunEvent> foreign;
  for (auto const& part : seen) {
    add(sum.live, part.live);
    sum.books += part.books;
    foreign.insert(foreign.end(), part.foreign.begin(), part.foreign.end());
  }
  // To everybody: who submitted a run is what nobody else knows.
  auto const tell = [&foreign](Slice& slice) { return settle(slice.fleet, foreign); };
  if (!foreign.empty()) co_await each<Done>(tell);
  co_return sum;
}

Awaitable<Histogram> Generator::take_recent_claims() {
  auto const taken = co_await each<Histogram>([](Slice& slice) { return take_claims(slice.recorder); });
  Histogram all;
  for (auto const& part : taken) all.add(part);
  co_return all;
}

Awaitable<LoopLateness> Generator::take_lateness() {
  auto const taken = co_await each<LoopLateness>([](Slice& slice) { return take(slice.monitor); });
  LoopLateness all;
  for (auto const& part : taken) all.add(part);
  co_return all;
}

Recorder Generator::take_recorder() {
  Recorder all{measured_};
  for (auto& slice : slices_) all.add(std::move(slice->recorder));
  return all;
}

}  // namespace assay
