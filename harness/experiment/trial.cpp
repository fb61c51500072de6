#include "harness/experiment/trial.hpp"

#include "harness/base/text.hpp"
#include "harness/experiment/coordinator_group.hpp"
#include "harness/experiment/direct_clients.hpp"
#include "harness/experiment/faults.hpp"
#include "harness/experiment/ledger_evidence.hpp"
#include "harness/experiment/store_watch.hpp"
#include "harness/measure/loop_monitor.hpp"
#include "harness/services/postgres_service.hpp"
#include "harness/services/private_folder.hpp"
#include "harness/services/redis_service.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace assay {

namespace {

// How long a store may not answer before the trial is given up. Shorter outages are part of what is measured.
constexpr Duration longest_outage = seconds{20};

// Until every store is open and the backlog is in.
constexpr Duration longest_preparation = seconds{600};

// How long coordinators may take to be done with a fleet that has gone.
constexpr Duration longest_clearance = seconds{6};

// 256 MiB: a minute's worth at some thousand runs a second.
constexpr int ready_log_segments = 16;

std::unique_ptr<Service> start_service(TrialPlan const& plan) {
  std::string const& service = plan.backend.service;
  if (service.empty()) return nullptr;
  if (service == "file") return std::make_unique<PrivateFile>();
  if (service == "redis") {
    if (plan.redis_url) return std::make_unique<ExternalRedis>(*plan.redis_url);
    return std::make_unique<PrivateRedis>();
  }
  if (service != "postgresql") {
    throw Failure{
        ExitStatus::internal_error,
        fmt::format("the backend {} needs a {}, and nobody knows how to start one", plan.backend.name, service)};
  }
  if (plan.postgres_url) return std::make_unique<ExternalPostgres>(*plan.postgres_url);
  PrivatePostgres::Options options;
  options.log_segments = ready_log_segments;
  return std::make_unique<PrivatePostgres>(std::move(options));
}

bool is_users_server(TrialPlan const& plan) {
  std::string const& service = plan.backend.service;
  return (service == "postgresql" && plan.postgres_url) || (service == "redis" && plan.redis_url);
}

FleetPlan fleet_plan(TrialPlan const& plan, std::vector<asio::ip::tcp::endpoint> coordinators, TimePoint start) {
  auto const& scenario = *plan.scenario;
  FleetPlan fleet{.fleet = scenario.fleet, .load = scenario.load};
  fleet.time_compression = scenario.time_compression;
  fleet.runs_per_second = offered_rate(scenario, plan.level.runners);
  fleet.runners = plan.level.runners;
  fleet.seed = plan.seed;
  fleet.coordinators = std::move(coordinators);
  fleet.identities = make_identities(scenario.fleet, plan.level.runners, plan.seed);
  fleet.submitter_token = make_submitter_token(plan.seed);
  fleet.start = start;
  fleet.warm_up = scenario.phases.warm_up;
  fleet.measure = scenario.phases.measure;
  fleet.push = scenario.coordinator.dispatch.mode == DispatchSpec::Mode::push;
  fleet.max_attempts = scenario.coordinator.max_attempts;
  return fleet;
}

// Everything of a trial that runs on the event loop.
class Drive {
 public:
  // `direct`: instead of coordinators, of which there are none then.
  Drive(asio::io_context& context, Evidence& evidence, CoordinatorGroup& coordinators, DirectClients* direct,
        Service* service, Progress& progress, Interruption& interruption)
      : context_{context},
        evidence_{evidence},
        coordinators_{coordinators},
        direct_{direct},
        progress_{progress},
        interruption_{interruption},
        generator_{context,
                   clock_,
                   fleet_plan(evidence.plan, coordinators.endpoints(), evidence.start),
                   direct != nullptr && direct->alone() ? 1 : generator_threads(*evidence.plan.scenario),
                   evidence.recorder->measured(),
                   direct != nullptr ? direct->transport_maker() : Generator::TransportMaker{}},
        watch_{context.get_executor(), coordinators},
        store_watch_{context.get_executor(), service},
        faults_{context,
                *evidence.plan.scenario,
                evidence.plan.level.runners,
                {generator_, coordinators, watch_, dynamic_cast<PrivateServer*>(service), store_watch_}},
        generator_process_{::getpid(), ProcessMonitor::Scope::process},
        finished_{context.get_executor()} {
    evidence.generator_threads = generator_.threads();
  }

  void run() {
    interruption_.on_signal([this] { end_early("interrupted", std::nullopt); });
    asio::co_spawn(context_, watch_coordinators(), asio::detached);
    asio::co_spawn(context_, watch_store(), asio::detached);
    asio::co_spawn(context_, phases(), [this](std::exception_ptr error) {
      error_ = error;
      done_ = true;
    });
    context_.restart();
    while (!done_ && context_.run_one() > 0) {
    }
    interruption_.on_signal({});
    if (error_) std::rethrow_exception(error_);
    evidence_.recorder = generator_.take_recorder();
  }

 private:
  Awaitable<void> phases() {
    auto const prepared = co_await generator_.prepare(clock_.now() + longest_preparation);
    if (prepared.has_error()) fail(prepared.error());
    if (direct_ != nullptr) evidence_.store_facts = direct_->facts();
    begin_now();
    co_await generator_.begin_at(evidence_.start, evidence_.recorder->measured());
    phase_ = "connecting";
    if (auto const alone = watch_.sample()) evidence_.descriptors_alone = alone->descriptors;
    asio::co_spawn(context_, sample_each_second(), asio::detached);
    asio::co_spawn(context_, boundaries(), asio::detached);
    asio::co_spawn(context_, faults(), asio::detached);
    if (!ended_early()) {
      auto const connected = co_await generator_.connect(evidence_.start + seconds{20});
      if (connected.has_error()) fail(connected.error());
    }
    if (!ended_early()) co_await generator_.run();
    auto const now = clock_.now();
    evidence_.used_up = !ended_early() && now < evidence_.measure_end;
    evidence_.measure_end = std::min(evidence_.measure_end, now);
    evidence_.partial = ended_early();
    if (!ended_early()) {
      phase_ = "drain";
      evidence_.drained = co_await generator_.drain(now + evidence_.plan.scenario->phases.drain);
    }
    faults_.stop();
    while (faults_under_way_) co_await finished_.wait_until();
    co_await generator_.stop();
    evidence_.stopped = clock_.now();
    co_await final_stats();
    stop_helpers();
    while (helpers_ > 0) co_await finished_.wait_until();
    co_await close();
  }

  // What goes wrong while closing is said beside why the trial ended, not instead of it: it often follows from that.
  Awaitable<void> close() {
    try {
      co_await generator_.close();
    } catch (Failure const& failure) {
      if (!ended_early()) throw;
      evidence_.failure += fmt::format("; and at the end: {}", failure.what());
    }
  }

  // The preparation took as long as it took: only now is it known when the trial begins.
  void begin_now() {
    auto const& scenario = *evidence_.plan.scenario;
    // Room for every runner to connect and park before the first arrival is due; a backlog waits for nobody.
    Duration const room = milliseconds{300} + evidence_.plan.level.runners * microseconds{500};
    evidence_.start = clock_.now() + (scenario.load.backlog ? Duration{} : room);
    evidence_.measure_begin = evidence_.start + scenario.phases.warm_up;
    evidence_.measure_end = evidence_.measure_begin + scenario.phases.measure;
    evidence_.recorder.emplace(Window{evidence_.measure_begin, evidence_.measure_end});
  }

  void fail(Error const& error) {
    bool const ours = error.kind == ErrorKind::misconfigured;
    end_early(error.detail, ours ? ExitStatus::inconclusive : ExitStatus::unreachable);
  }

  Awaitable<void> faults() {
    ++helpers_;
    faults_under_way_ = true;
    co_await faults_.run(evidence_.start);
    if (!faults_.failure().empty()) end_early(faults_.failure(), ExitStatus::unreachable);
    evidence_.faults = faults_.done();
    faults_under_way_ = false;
    helper_ended();
  }

  // The store's own counts once nothing moves any more: what is neither completed nor dead must be found here. The
  // coordinator keeps these counts for a second, so they are fresh after that long. Coordinators that are behind with
  // closing what the fleet has left get the time they need, up to a bound.
  Awaitable<void> final_stats() {
    for (auto ask_at = evidence_.stopped + milliseconds{1100}; coordinators_.running(); ask_at += milliseconds{500}) {
      co_await sleep_until(ask_at);
      auto const last = co_await sample();
      evidence_.final_stats = last.stats;
      if (last.cpu.coordinator) evidence_.descriptors_left = last.cpu.coordinator->descriptors;
      if (!last.stats || nothing_left(*last.stats, coordinators_.processes().size())) break;
      if (clock_.now() > evidence_.stopped + longest_clearance) break;
    }
  }

  // The two ends of the measured phase, taken when they come and not at the nearest second.
  Awaitable<void> boundaries() {
    ++helpers_;
    evidence_.host_begin = read_host_stats();
    bool const began = co_await wait_until(evidence_.measure_begin);
    if (began) {
      phase_ = "measure";
      evidence_.host_begin = read_host_stats();
      co_await generator_.take_lateness();
      evidence_.begin = co_await sample();
    }
    bool const ended = co_await wait_until(evidence_.measure_end);  // which comes earlier when a backlog is used up
    if (evidence_.begin && ended) {
      evidence_.loop = co_await generator_.take_lateness();
      evidence_.host_end = read_host_stats();
      evidence_.end = co_await sample();
    }
    helper_ended();
  }

  // False when the trial ended before.
  Awaitable<bool> wait_until(TimePoint const& when) {
    while (!stopping_ && clock_.now() < when) co_await sleep_until(std::min(when, clock_.now() + milliseconds{50}));
    co_return !stopping_;
  }

  Awaitable<void> sample_each_second() {
    ++helpers_;
    TimePoint last_answer = clock_.now();
    for (TimePoint next = evidence_.start;; next += seconds{1}) {
      while (!stopping_ && clock_.now() < next) {
        co_await sleep_until(std::min(next, clock_.now() + milliseconds{200}));
        auto const seen = co_await generator_.snapshot();
        show_progress(seen.live);
      }
      if (stopping_) break;
      auto taken = co_await sample();
      bool const expected = watch_.somebody_is_away() || store_watch_.away();
      if (expected || (taken.stats && taken.stats->depth)) last_answer = taken.cpu.time;
      latest_claims_ = taken.recent_claims;
      evidence_.samples.push_back(std::move(taken));
      if (clock_.now() - last_answer > longest_outage) {
        end_early(fmt::format("the store behind the coordinator did not answer for {}", humanize(longest_outage)),
                  ExitStatus::unreachable);
      }
    }
    helper_ended();
  }

  Awaitable<Sample> sample() {
    while (asking_) co_await sleep_until(clock_.now() + milliseconds{2});
    asking_ = true;
    Sample taken;
    taken.cpu.time = clock_.now();
    taken.cpu.coordinator = watch_.sample();
    taken.cpu.database = store_watch_.sample();
    taken.cpu.generator = generator_process_.sample();
    auto const seen = co_await generator_.snapshot();
    taken.fleet = seen.live;
    taken.books = seen.books;
    taken.recent_claims = co_await generator_.take_recent_claims();
    taken.stats_asked = clock_.now();
    if (direct_ != nullptr) {
      taken.stats = co_await generator_.coordinator_stats();
    } else {
      taken.stats = co_await watch_.stats();
    }
    taken.stats_answered = clock_.now();
    asking_ = false;
    co_return taken;
  }

  Awaitable<void> watch_coordinators() {
    ++helpers_;
    bool const one_ended = co_await watch_.ended();
    if (one_ended && !stopping_) {
      end_early(fmt::format("during the trial the coordinator {}", coordinators_.last_words()),
                ExitStatus::unreachable);
    }
    helper_ended();
  }

  Awaitable<void> watch_store() {
    ++helpers_;
    bool const ended = co_await store_watch_.ended();
    auto const* const server = evidence_.plan.backend.service == "redis" ? "Redis" : "PostgreSQL";
    if (ended && !stopping_)
      end_early(fmt::format("the private {} ended during the trial", server), ExitStatus::unreachable);
    helper_ended();
  }

  bool ended_early() const { return !evidence_.failure.empty(); }

  void end_early(std::string why, std::optional<ExitStatus> status) {
    if (ended_early() || evidence_.stopped != TimePoint{}) return;
    evidence_.failure = std::move(why);
    evidence_.failure_status = status;
    stopping_ = true;
    generator_.interrupt();
  }

  void stop_helpers() {
    stopping_ = true;
    watch_.close();
    store_watch_.close();
  }

  void helper_ended() {
    --helpers_;
    finished_.notify();
  }

  // By the store, a second ago at most; the fleet does not know of runs that callers wait for.
  double ready_runs(FleetLive const& live) const {
    auto const& samples = evidence_.samples;
    if (!samples.empty() && samples.back().stats && samples.back().stats->depth)
      return static_cast<double>(samples.back().stats->depth->ready);
    return std::max(0.0, static_cast<double>(live.outstanding) - static_cast<double>(live.working));
  }

  void show_progress(FleetLive const& live) {
    auto const now = clock_.now();
    auto const& scenario = *evidence_.plan.scenario;
    double accepted = 0;
    double offered = 0;
    if (auto const n = evidence_.samples.size(); n >= 2) {
      auto const& a = evidence_.samples[n - 2];
      auto const& b = evidence_.samples[n - 1];
      double const elapsed = to_seconds(b.cpu.time - a.cpu.time);
      accepted = static_cast<double>(b.books.succeeded - a.books.succeeded) / elapsed;
      offered = static_cast<double>(b.books.offered - a.books.offered) / elapsed;
    }
    if (phase_ == "connecting" && live.parked > 0 && now >= evidence_.start) phase_ = "warm-up";
    ProgressState state{.phase = phase_, .parked = live.parked};
    state.runners = static_cast<std::size_t>(evidence_.plan.level.runners * scenario.fleet.runs_at_once());
    state.offered_per_s = offered;
    state.accepted_per_s = accepted;
    if (!latest_claims_.empty()) {
      state.claim_p50 = Duration{latest_claims_.value_at_quantile(0.5)};
      state.claim_p99 = Duration{latest_claims_.value_at_quantile(0.99)};
    }
    state.backlog = ready_runs(live);
    state.trial_left = evidence_.start + scenario.phases.warm_up + scenario.phases.measure - now;
    state.left = std::max(Duration{}, state.trial_left) + evidence_.plan.left_afterwards;
    progress_.update(state, now);
  }

  asio::io_context& context_;
  Evidence& evidence_;
  CoordinatorGroup& coordinators_;
  DirectClients* const direct_;  // nullptr: over HTTP
  Progress& progress_;
  Interruption& interruption_;
  SystemClock clock_;
  Generator generator_;
  CoordinatorWatch watch_;
  StoreWatch store_watch_;
  FaultInjector faults_;
  ProcessMonitor generator_process_;
  Signal finished_;
  std::string_view phase_ = "connecting";
  Histogram latest_claims_;
  int helpers_ = 0;  // coroutines beside phases()
  bool asking_ = false;
  bool faults_under_way_ = false;
  bool stopping_ = false;
  bool done_ = false;
  std::exception_ptr error_;
};

// Rates of a backlog that was used up are over the time it took, not over the moments until that was noticed.
TimePoint last_completion(Evidence const& evidence) {
  TimePoint last = evidence.measure_begin;
  for (auto const& event : evidence.events) {
    if (event.kind == RunEvent::Kind::completed && event.time <= evidence.measure_end)
      last = std::max(last, event.time);
  }
  return last;
}

}  // namespace

std::size_t connections_needed(Scenario const& scenario, Level const& level) {
  constexpr std::size_t others = 16;  // statistics; and whoever looks in with curl meanwhile
  FleetPlan plan;
  plan.fleet = scenario.fleet;
  plan.load = scenario.load;
  plan.runners = level.runners;
  plan.coordinators.resize(static_cast<std::size_t>(scenario.coordinator.count));
  return connections_of(plan) + others;
}

int generator_threads(Scenario const& scenario) {
  constexpr int cpus_a_thread = 4;  // leaves the rest to coordinator and database, which are what is measured
  constexpr int most = 8;
  if (scenario.transport == TransportKind::embedded) return scenario.coordinator.count;
  if (scenario.generator_threads > 0) return scenario.generator_threads;
  return std::clamp(static_cast<int>(read_host_facts().usable_cpus.value_or(1.0)) / cpus_a_thread, 1, most);
}

std::string trial_id(TrialPlan const& plan) {
  auto const& [runners, backend, variant, with] = plan.level;
  return fmt::format("r{:04}-{}{}{}-{}", runners, backend, variant.empty() ? "" : "-", variant, plan.repeat);
}

Evidence run_trial(asio::io_context& context, TrialPlan plan, Progress& progress, Interruption& interruption) {
  SystemClock const clock;
  auto const ends_coordinators = [](FaultSpec const& fault) {
    return fault.whom == FaultSpec::Whom::coordinators && fault.what != FaultSpec::What::stop;
  };
  if (plan.postgres_url && std::ranges::any_of(plan.scenario->faults, ends_coordinators)) {
    // On somebody else's server a coordinator takes its tables with it when it ends.
    throw Failure{
        ExitStatus::bad_input,
        "--postgres-url: this scenario restarts coordinators, which takes the private PostgreSQL; leave it out"};
  }
  auto const service = start_service(plan);
  PrivateFolder const folder{temporary_folder(), "assay-trial-"};
  auto const identities = make_identities(plan.scenario->fleet, plan.level.runners, plan.seed);
  CoordinatorOptions const options{.program = plan.coordinator,
                                   .backend = plan.level.backend,
                                   .store_url = service ? service->url() : std::string{},
                                   .temporary_store = is_users_server(plan),
                                   .spec = plan.scenario->coordinator,
                                   .connections = connections_needed(*plan.scenario, plan.level),
                                   .folder = folder.path(),
                                   .identities = identities_json(identities, make_submitter_token(plan.seed))};
  auto const transport = plan.scenario->transport;
  std::optional<DirectClients> clients;
  if (in_process(transport)) clients.emplace(options, transport);
  CoordinatorGroup coordinators{options, clients ? 0 : plan.scenario->coordinator.count};
  Evidence evidence;
  evidence.plan = std::move(plan);
  if (!clients) evidence.store_facts = coordinators.facts();
  evidence.kind_of_actor.push_back(0);
  for (auto const& identity : identities) evidence.kind_of_actor.push_back(static_cast<std::uint32_t>(identity.kind));

  evidence.start = evidence.measure_begin = evidence.measure_end = clock.now();  // until it is prepared
  evidence.recorder.emplace(Window{evidence.measure_begin, evidence.measure_end});

  if (interruption.poll() != 0) {
    evidence.partial = true;
    evidence.failure = "interrupted";
  } else {
    Drive{context, evidence, coordinators, clients ? &*clients : nullptr, service.get(), progress, interruption}.run();
  }
  coordinators.stop();
  evidence.coordinator_ledgers = clients ? clients->ledgers() : coordinators.ledgers();
  evidence.events = evidence.recorder->take_events();
  if (evidence.used_up) evidence.measure_end = last_completion(evidence);
  return evidence;
}

}  // namespace assay
