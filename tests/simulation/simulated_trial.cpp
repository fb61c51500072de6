#include "tests/simulation/simulated_trial.hpp"

#include "harness/assess/coordinator_ledger.hpp"
#include "harness/services/private_folder.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/simulation/store_witness.hpp"

#include <fmt/format.h>

#include <deque>
#include <stdexcept>

namespace assay {

Backend backend_memory();

namespace simulation {

namespace {

Duration between(Random& random, Duration least, Duration most) {
  return from_seconds(to_seconds(least) + to_seconds(most - least) * random.uniform());
}

bool chance(Random& random, double share) { return random.uniform() < share; }

// A share that is mostly nothing, sometimes a little and sometimes a lot: each seed has troubles of its own.
double share_of(Random& random, double most) {
  double const draw = random.uniform();
  return draw < 0.4 ? 0 : draw < 0.8 ? most * 0.2 * random.uniform() : most * random.uniform();
}

void draw_fleet(Random& random, FleetPlan& plan) {
  auto& fleet = plan.fleet;
  fleet.hold = between(random, milliseconds{200}, seconds{2});
  fleet.run_length = {DurationDistribution::Shape::exponential, between(random, milliseconds{20}, milliseconds{400}),
                      1.0};
  fleet.failure_rate = share_of(random, 0.4);
  fleet.confirm_start = chance(random, 0.5);
  fleet.runs_per_poll = chance(random, 0.3) ? 2 + static_cast<int>(random.below(3)) : 1;
  fleet.backoff_base = milliseconds{20};
  fleet.backoff_limit = milliseconds{500};
  plan.runners = 2 + static_cast<int>(random.below(7));
  bool const tagged = chance(random, 0.5);
  if (tagged) {
    fleet.kinds = {{{"linux"}, 1.0}, {{"linux", "gpu"}, 1.0}};
    plan.load.classes = {{{}, 0, 1.0}, {{"linux"}, 0, 1.0}, {{"gpu"}, 0, 0.5}};
  } else {
    plan.load.classes = {{{}, 0, 1.0}};
  }
  if (chance(random, 0.5)) plan.load.classes.push_back({{}, 5, 0.3});
  plan.load.arrivals = LoadSpec::Arrivals::poisson;
  plan.load.payload_bytes = 8;
  plan.warm_up = milliseconds{100};
  plan.measure = between(random, milliseconds{1500}, seconds{4});
  // Busy, but with room to catch up after the faults.
  double const capacity = plan.runners / to_seconds(fleet.run_length.mean);
  plan.runs_per_second = std::min(25.0, capacity * (0.1 + 0.4 * random.uniform()));
  plan.submit_connections = 1 + random.below(16);
  plan.heartbeat_connections = 1 + random.below(4);
  plan.answer_timeout = between(random, milliseconds{300}, seconds{1});
}

}  // namespace

// A stream of its own: the other fleets of the seeds stay what they are.
void draw_orchestrators(std::uint64_t seed, FleetPlan& plan) {
  Random random = Random::stream(seed, "orchestrators");
  if (!chance(random, 0.25)) return;
  auto& fleet = plan.fleet;
  auto& orchestrator = fleet.orchestrator.emplace();
  orchestrator.poll_interval = between(random, milliseconds{20}, milliseconds{500});
  orchestrator.batch = 1 + static_cast<int>(random.below(10));
  orchestrator.max_concurrent = 1 + static_cast<int>(random.below(5));
  orchestrator.clamp = chance(random, 0.5);
  orchestrator.cold_start = {milliseconds{0}, between(random, milliseconds{0}, milliseconds{100})};
  orchestrator.warm_pool = {static_cast<int>(random.below(3)), between(random, milliseconds{20}, milliseconds{300})};
  fleet.confirm_start = false;
  fleet.runs_per_poll = 1;
}

// Several coordinators over the store, each with its own ends; of a stream of its own, too.
void draw_seats(std::uint64_t seed, TrialDraw& draw, Window troubled) {
  Random random = Random::stream(seed, "coordinators");
  if (!chance(random, 0.4)) return;
  draw.seats = 2 + random.below(3);
  draw.wake_up.usual_delay = between(random, microseconds{30}, milliseconds{5});
  draw.wake_up.lost = share_of(random, 0.5);
  Duration const span = troubled.end - troubled.begin;
  for (std::size_t seat = 1; seat < draw.seats; ++seat) {
    if (!chance(random, 0.4)) continue;
    draw.ends.push_back({troubled.begin + between(random, Duration{0}, span), chance(random, 0.6),
                         between(random, milliseconds{1}, seconds{1}), seat});
  }
}

TrialDraw draw_trial(std::uint64_t seed) {
  Random random = Random::stream(seed, "simulated trial");
  TrialDraw draw;
  FleetPlan& plan = draw.plan;
  draw_fleet(random, plan);
  draw_orchestrators(seed, plan);
  plan.seed = seed;
  plan.start = simulation_start + milliseconds{50};
  plan.identities = make_identities(plan.fleet, plan.runners, seed);
  plan.submitter_token = make_submitter_token(seed);

  draw.coordinator.lease = between(random, milliseconds{300}, seconds{2});
  draw.coordinator.sweep_interval = between(random, milliseconds{100}, milliseconds{500});
  draw.coordinator.batches_in_flight = 1 + random.below(2);
  draw.coordinator.sync_match = Random::stream(seed, "sync match").below(2) == 0;
  plan.fleet.heartbeat = draw.coordinator.lease / 3;
  draw.retry = {milliseconds{50}, milliseconds{400}};

  TimePoint const calm = plan.start + plan.warm_up + plan.measure;
  TimePoint const first_fault = plan.start;  // everybody is connected
  auto const moment = [&] { return first_fault + between(random, Duration{0}, calm - first_fault); };
  draw.network.usual_delay = between(random, microseconds{30}, milliseconds{2});
  draw.network.cut = share_of(random, 0.2);
  draw.network.cut_within = between(random, milliseconds{1}, milliseconds{100});
  Random losses = Random::stream(seed, "lost runs");
  draw.network.lost_runs = share_of(losses, 0.3);
  draw.network.late_heartbeat = share_of(random, 0.8);
  draw.network.lateness = draw.coordinator.lease;
  draw.network.troubled = {first_fault, calm};
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    auto const& victim = plan.identities[random.below(plan.identities.size())];
    TimePoint const from = moment();
    draw.network.silences.push_back({victim.token, from, from + between(random, milliseconds{10}, seconds{3})});
  }
  // Never the last one of its kind: somebody has to do the runs in the end.
  auto const& dies = plan.identities[random.below(plan.identities.size())];
  auto const of_its_kind = std::count_if(plan.identities.begin(), plan.identities.end(),
                                         [&](RunnerIdentity const& other) { return other.kind == dies.kind; });
  if (of_its_kind > 1 && chance(random, 0.3)) draw.network.silences.push_back({dies.token, moment(), TimePoint::max()});

  draw.store.usual_delay = between(random, microseconds{5}, milliseconds{3});
  draw.store.refused = share_of(random, 0.2);
  draw.store.in_doubt = share_of(random, 0.2);
  draw.store.stall = share_of(random, 0.1);
  draw.store.stall_length = between(random, milliseconds{50}, 2 * draw.coordinator.lease);
  draw.store.troubled = {first_fault, calm};

  TimePoint end = first_fault;
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    CoordinatorEnd life{end + between(random, Duration{0}, (calm - first_fault) / 2), chance(random, 0.6),
                        between(random, milliseconds{1}, seconds{1})};
    end = life.when + life.down;
    draw.ends.push_back(life);
  }
  draw_seats(seed, draw, {first_fault, calm});
  for (auto const& each : draw.ends) end = std::max(end, each.when + each.down);
  if (plan.fleet.confirm_start && chance(random, 0.5))
    draw.coordinator.offer = between(random, milliseconds{50}, draw.coordinator.lease / 2);
  draw.drain = std::max(Duration{0}, end - calm) + 3 * draw.coordinator.lease + seconds{12};
  return draw;
}

namespace {

// Of this process; the ledgers of one trial replace those of the one before.
std::filesystem::path const& scratch() {
  static PrivateFolder const folder{std::filesystem::temp_directory_path(), "assay-simulation-"};
  return folder.path();
}

class Simulation {
 public:
  Simulation(TrialDraw draw, Defect defect)
      : draw_{std::move(draw)},
        memory_{open_memory()},
        defective_{*memory_, time_, defect},
        witness_{defective_, time_, draw_.retry},
        seats_(draw_.seats),
        network_{context_.get_executor(), time_, draw_.network, Random::stream(draw_.plan.seed, "network"),
                 draw_.seats},
        wake_up_{context_.get_executor(),
                 time_,
                 draw_.wake_up,
                 Random::stream(draw_.plan.seed, "wake-ups"),
                 draw_.seats,
                 [this](std::size_t seat) { return seats_[seat]; }},
        recorder_{{draw_.plan.start + draw_.plan.warm_up, draw_.plan.start + draw_.plan.warm_up + draw_.plan.measure}},
        fleet_{network_, draw_.plan, recorder_} {
    std::vector<std::string> mistakes;
    identities_ = Identities::parse(identities_json(draw_.plan.identities, draw_.plan.submitter_token), mistakes);
    if (!mistakes.empty()) throw std::logic_error{mistakes.front()};
  }

  TrialOutcome run() {
    for (std::size_t seat = 0; seat < seats_.size(); ++seat) bring_up(seat);
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(context_, live(), [&](std::exception_ptr thrown) {
      failure = thrown;
      done = true;
    });
    while (!done) context_.run_one();
    if (failure) std::rethrow_exception(failure);
    judge();
    return std::move(outcome_);
  }

 private:
  std::unique_ptr<ClaimStore> open_memory() {
    std::unique_ptr<ClaimStore> store;
    StoreOptions options;
    options.retry = draw_.retry;
    asio::co_spawn(context_, backend_memory().open(context_, time_, options),
                   [&](std::exception_ptr, Result<OpenedStore> opened) { store = std::move(opened->store); });
    context_.poll();
    context_.restart();
    return store;
  }

  ClaimStore& store() { return draw_.witnessed ? static_cast<ClaimStore&>(witness_) : defective_; }

  void bring_up(std::size_t seat) {
    auto options = draw_.coordinator;
    options.announce = [this, seat] { wake_up_.announce(seat); };
    options.seed = draw_.plan.seed + lives_.size();
    options.ledger = scratch() / fmt::format("{}.csv", lives_.size());
    lives_.push_back(std::make_unique<CoordinatorLife>(context_.get_executor(), time_, store(), draw_.store,
                                                       identities_, std::move(options)));
    seats_[seat] = lives_.back().get();
    network_.seat(seat, seats_[seat]);
  }

  // One coordinator's lives and deaths beside the fleet's.
  Awaitable<void> fate(std::size_t seat) {
    for (CoordinatorEnd const& end : draw_.ends) {
      if (end.seat != seat) continue;
      co_await sleep_until(end.when);
      CoordinatorLife& life = *seats_[seat];
      network_.seat(seat, nullptr);
      if (end.killed) {
        life.kill();
        network_.cut_all(life);
      } else {
        co_await life.stop();
      }
      co_await sleep_until(time_.now() + end.down);
      bring_up(seat);
    }
  }

  Awaitable<void> live() {
    auto const connected = co_await fleet_.connect(draw_.plan.start);
    if (!connected) throw std::runtime_error{to_string(connected.error())};
    TaskGroup dying{context_.get_executor()};
    for (std::size_t seat = 0; seat < seats_.size(); ++seat) dying.spawn(fate(seat));
    co_await fleet_.run();
    TimePoint const give_up = time_.now() + draw_.drain;
    co_await dying.wait();
    // Not by drain() alone: a runner that is silent for good never lets go of what it holds. And what the store was
    // told last may take effect after its sender has given up.
    for (bool busy = true; busy && time_.now() < give_up;) {
      co_await sleep_until(time_.now() + milliseconds{100});
      auto const depth = co_await store().depth();
      busy = depth->delayed + depth->ready + depth->claimed > 0;
      for (CoordinatorLife* const life : seats_) busy = busy || life->pending_store_calls() > 0;
    }
    co_await fleet_.drain(time_.now() + milliseconds{500});
    co_await fleet_.stop();
    for (std::size_t seat = 0; seat < seats_.size(); ++seat) network_.seat(seat, nullptr);
    for (CoordinatorLife* const life : seats_) co_await life->stop();
    for (auto& life : lives_) co_await life->bury();
    co_await network_.wait();
    co_await wake_up_.wait();
    auto const depth = co_await store().depth();
    depth_ = *depth;
    outcome_.simulated = time_.now() - simulation_start;
  }

  void judge() {
    std::vector<CoordinatorEvent> coordinator_events;
    for (auto const& life : lives_) {
      auto const events = parse_coordinator_ledger(life->ledger_text());
      if (!events) throw std::logic_error{events.error().detail};
      coordinator_events.insert(coordinator_events.end(), events->begin(), events->end());
      outcome_.offered_again += life->api().counts().offered_again;
      auto const left = life->matcher().parked() + life->matcher().in_flight() + life->pending_store_calls();
      if (left > 0)
        outcome_.left_over.push_back(fmt::format("I12: {} polls, batches and store calls at the end", left));
    }
    outcome_.kind_of_actor = {0};
    for (auto const& identity : draw_.plan.identities) {
      outcome_.kind_of_actor.push_back(static_cast<std::uint32_t>(identity.kind));
    }
    LedgerInput input{.runners = recorder_.events(),
                      .coordinator = coordinator_events,
                      .final_depth = depth_,
                      .max_attempts = draw_.plan.max_attempts,
                      .shortest_lease = draw_.coordinator.first_lease(),
                      .longest_lease = draw_.coordinator.lease,
                      .classes = draw_.plan.load.classes,
                      .kinds = draw_.plan.fleet.kinds,
                      .kind_of_actor = outcome_.kind_of_actor};
    input.order = {true, true, 0};  // the memory backend decides in one step, whatever is in flight
    outcome_.ledger = check_ledger(input);
    outcome_.witnessed = witness_.breaches();
    auto const& books = recorder_.books();
    if (!books.balance() || books.in_flight > 0) {
      outcome_.left_over.push_back(
          fmt::format("I12: the books: {} offered, {} in flight", books.offered, books.in_flight));
    }
    if (auto const open = depth_.delayed + depth_.ready + depth_.claimed; open > 0) {
      outcome_.left_over.push_back(fmt::format("I1: {} runs came to no end: {} delayed, {} ready, {} claimed", open,
                                               depth_.delayed, depth_.ready, depth_.claimed));
    }
    outcome_.runs = depth_.total();
    outcome_.completed = depth_.completed;
    outcome_.reexecuted = outcome_.ledger.reexecuted;
    outcome_.in_doubt = outcome_.ledger.in_doubt;
    outcome_.fingerprint = fingerprint();
    outcome_.events = recorder_.take_events();
    outcome_.woken = wake_up_.heard();
    outcome_.end = time_.now();
  }

  // FNV-1a over what happened and when. The token's first half is left out: it is the store's, new for each.
  std::uint64_t fingerprint() const {
    std::uint64_t hash = 0xcbf29ce484222325U;
    auto const add = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3U; };
    for (RunEvent const& event : recorder_.events()) {
      add(static_cast<std::uint64_t>(event.time.time_since_epoch().count()));
      add(static_cast<std::uint64_t>(event.kind));
      for (auto const byte : event.run.bytes) add(static_cast<std::uint64_t>(byte));
      add(event.actor);
      add(event.token.counter);
    }
    return hash;
  }

  SimulatedTime time_{simulation_start};
  asio::io_context context_{1};
  TrialDraw draw_;
  std::unique_ptr<ClaimStore> memory_;
  DefectiveStore defective_;
  StoreWitness witness_;
  Identities identities_;
  std::deque<std::unique_ptr<CoordinatorLife>> lives_;
  std::vector<CoordinatorLife*> seats_;  // of lives_: the latest of each
  SimulatedNetwork network_;
  SimulatedWakeUp wake_up_;
  Recorder recorder_;
  Fleet fleet_;
  Depth depth_;
  TrialOutcome outcome_;
};

}  // namespace

TrialOutcome simulate(TrialDraw draw, Defect defect) { return Simulation{std::move(draw), defect}.run(); }

std::string to_string(TrialOutcome const& outcome) {
  std::string text;
  for (auto const& breach : outcome.ledger.breaches)
    text += fmt::format("  ledger: {}: {}\n", breach.invariant, breach.what);
  for (auto const& line : outcome.witnessed) text += fmt::format("  store: {}\n", line);
  for (auto const& line : outcome.left_over) text += fmt::format("  {}\n", line);
  return text;
}

}  // namespace simulation
}  // namespace assay
