#include "simulated_runners/fleet.hpp"

#include "harness/base/descriptors.hpp"
#include "harness/base/text.hpp"
#include "simulated_runners/backlog.hpp"
#include "simulated_runners/closed_loop.hpp"
#include "simulated_runners/gateway_client.hpp"
#include "simulated_runners/heartbeats.hpp"
#include "simulated_runners/http_client.hpp"
#include "simulated_runners/open_loop.hpp"
#include "simulated_runners/orchestrator.hpp"
#include "simulated_runners/submitter.hpp"

#include <fmt/format.h>
#include <boost/assert.hpp>

#include <deque>
#include <filesystem>
#include <sstream>

namespace assay {

namespace {

// More connects at once than a listen backlog holds would wait for the kernel's one-second SYN retry.
constexpr std::size_t connects_at_once = 128;
constexpr std::size_t spare_descriptors = 32;
constexpr std::size_t usual_events_of_a_run = 4;  // submitted, accepted, received, completed

std::string text_of(asio::ip::tcp::endpoint const& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

std::uint64_t unix_ms_at(TimePoint when, Clock const& clock) {
  auto const ahead = std::chrono::duration_cast<milliseconds>(when - clock.now());
  return clock.unix_ms() + static_cast<std::uint64_t>(ahead.count());
}

LoadProfile profile_of(FleetPlan const& plan) {
  return {plan.load.profile, plan.runs_per_second, plan.warm_up, plan.measure};
}

std::size_t backlog_of(FleetPlan const& plan) { return static_cast<std::size_t>(plan.load.backlog.value_or(0)); }

ArrivalSchedule schedule_of(FleetPlan const& plan) {
  return {profile_of(plan), {plan.load.arrivals, Random::stream(plan.seed, "arrivals")}};
}

ClosedLoop::Options callers_of(FleetPlan const& plan, Clock const& clock) {
  ClosedLoop::Options options{.callers = plan.load.concurrency.value_or(0), .share = plan.share};
  options.wait = plan.load.wait;
  options.answer_timeout = plan.answer_timeout;
  options.backoff_base = plan.fleet.backoff_base;
  options.backoff_limit = plan.fleet.backoff_limit;
  options.seed = plan.seed;
  options.start = plan.start;
  options.end = plan.start + plan.warm_up + plan.measure;
  options.unix_ms_at_start = unix_ms_at(plan.start, clock);
  return options;
}

asio::ip::tcp::endpoint first_coordinator(FleetPlan const& plan) {
  return plan.coordinators.empty() ? asio::ip::tcp::endpoint{} : plan.coordinators.front();
}

}  // namespace

std::unique_ptr<Transport> transport_for(asio::io_context& context, Clock const& clock, FleetPlan const& plan) {
  bool const plain = !plan.push && plan.load.retry.tries == 1;
  if (plain) return std::make_unique<HttpClient>(context, clock, plan.coordinators);
  int const slots = plan.push ? plan.fleet.slots : 0;
  return std::make_unique<GatewayClient>(context, clock, plan.coordinators, slots, plan.load.retry,
                                         plan.seed + plan.share.index);
}

std::size_t connections_of(FleetPlan const& plan) {
  std::size_t const submitters =
      plan.load.concurrency ? static_cast<std::size_t>(*plan.load.concurrency) : plan.submit_connections;
  // An orchestrator has one to poll, and one for each run that it works. A submitter that tries again has one to each.
  auto const& orchestrator = plan.fleet.orchestrator;
  auto const runner_has = orchestrator ? 1 + static_cast<std::size_t>(orchestrator->max_concurrent) : 1;
  auto const submitter_has = plan.load.retry.tries > 1 ? std::max<std::size_t>(1, plan.coordinators.size()) : 1;
  return static_cast<std::size_t>(plan.runners) * runner_has + submitters * submitter_has + plan.heartbeat_connections;
}

Result<void> ensure_descriptors(FleetPlan const& plan) {
  std::error_code error;
  std::filesystem::directory_iterator open_now{"/proc/self/fd", error};
  auto const in_use = error ? 0 : static_cast<std::size_t>(std::distance(begin(open_now), end(open_now)));
  std::size_t const needed = connections_of(plan) + in_use + spare_descriptors;
  std::size_t const allowed = raise_descriptor_limit();
  if (needed <= allowed) return {};
  return Error{ErrorKind::misconfigured,
               fmt::format("{} runners need {} file descriptors (one each, {} for submissions, {} for heartbeats, the "
                           "rest for the program itself), but this process may open {}; raise the limit (ulimit -n {}) "
                           "or take fewer runners",
                           plan.runners, needed, plan.submit_connections, plan.heartbeat_connections, allowed, needed)};
}

struct Fleet::Parts {
  Parts(std::unique_ptr<Transport> own, Transport* given, FleetPlan fleet_plan, Recorder& observations)
      : plan{std::move(fleet_plan)},
        recorder{observations},
        own_transport{std::move(own)},
        transport{own_transport ? *own_transport : *given},
        tasks{transport.executor},
        writer{first_coordinator(plan)},
        journal{recorder, plan.max_attempts},
        commons{transport, writer, RunnerRules{plan.fleet, plan.time_compression}, journal, recorder},
        submitter{plan.load,       schedule_of(plan),
                  plan.share,      plan.seed,
                  plan.start,      unix_ms_at(plan.start, transport.clock),
                  writer,          plan.submitter_token,
                  transport.clock, journal,
                  recorder},
        callers{transport,
                tasks,
                callers_of(plan, transport.clock),
                {plan.load, plan.seed, writer, plan.submitter_token, plan.load.wait},
                journal,
                recorder},
        backlog{plan.load,  plan.share.part_of(backlog_of(plan)),
                plan.share, plan.seed,
                writer,     plan.submitter_token,
                transport,  journal,
                recorder},
        heartbeats{commons, members, plan.fleet.heartbeat},
        submissions{transport, tasks, submitter, plan.share.part_of(plan.submit_connections), plan.answer_timeout},
        heartbeating{transport, tasks, heartbeats, plan.share.part_of(plan.heartbeat_connections), plan.answer_timeout},
        door{transport.make_shared_channel(0)},
        phase_end{transport.executor},
        progress{transport.executor} {
    BOOST_ASSERT(plan.identities.size() == static_cast<std::size_t>(plan.runners));
    auto const runs = static_cast<std::size_t>(profile_of(plan).total() * 1.1) + backlog_of(plan);
    recorder.expect_events(plan.share.part_of(runs) * usual_events_of_a_run);
    if (plan.share.of > 1) journal.keep_foreign();
    commons.runs_per_poll = plan.fleet.runs_per_poll;
    commons.answer_timeout = plan.answer_timeout;
    if (plan.fleet.orchestrator) orchestrator_rules.emplace(*plan.fleet.orchestrator, plan.time_compression);
    for (std::uint32_t i = plan.share.index; i < plan.identities.size(); i += plan.share.of) {
      auto random = Random::stream(plan.seed, "runner", i);
      if (orchestrator_rules) {
        members.push_back(&orchestrators.emplace_back(commons, *orchestrator_rules, plan.identities[i], i + 1, random));
        continue;
      }
      // Polls and heartbeats are spread over their interval from the start, as those of a fleet that has run for long.
      auto const first_hold = std::max<Duration>(milliseconds{1}, plan.fleet.hold * (i + 1) / plan.runners);
      auto const whole_ms = std::chrono::duration_cast<milliseconds>(first_hold);
      std::size_t const first = runners.size();
      for (int lane = 0; lane < plan.fleet.slots; ++lane) {
        auto const stream = i + static_cast<std::uint64_t>(lane) * plan.identities.size();
        members.push_back(&runners.emplace_back(commons, plan.identities[i], i + 1,
                                                Random::stream(plan.seed, "runner", stream), whole_ms));
      }
      if (plan.push) introduce_lanes(i, first);
    }
  }

  // The lanes of one runner work beside each other, and its connection says how many of them hold a run.
  void introduce_lanes(std::uint32_t identity, std::size_t first) {
    auto const at_work = [this, first] {
      std::size_t count = 0;
      for (std::size_t i = first; i < first + static_cast<std::size_t>(plan.fleet.slots); ++i) {
        count += runners[i].holds_runs();
      }
      return count;
    };
    for (std::size_t i = first; i < runners.size(); ++i) {
      runners[i].work_beside([at_work] { return at_work() - 1; });  // itself has its run already
    }
    auto* const gateways = dynamic_cast<GatewayClient*>(&transport);
    if (gateways != nullptr) gateways->socket_of(plan.identities[identity].token)->held = at_work;
  }

  Awaitable<void> disturb_one(std::size_t first, FaultSpec fault, TimePoint when) {
    while (!commons.stopping && transport.clock.now() < when) {
      co_await sleep_until(std::min(when, transport.clock.now() + milliseconds{100}));
    }
    if (commons.stopping) co_return;
    for (std::size_t i = first; i < first + static_cast<std::size_t>(plan.fleet.slots); ++i) {
      members[i]->disturb(fault.what, when + fault.lasting);
    }
  }

  bool quiet() const { return recorder.books().in_flight == 0 && journal.outstanding() == 0 && journal.held() == 0; }

  // One heartbeat ahead of the fleet, in no record: says in words what thousands of runners would only repeat.
  Awaitable<Result<void>> knock(Duration timeout);

  FleetPlan plan;
  Recorder& recorder;
  std::unique_ptr<Transport> const own_transport;  // none: it was given
  Transport& transport;
  TaskGroup tasks;
  RequestWriter writer;
  RunJournal journal;
  RunnerCommons commons;
  std::optional<OrchestratorRules> orchestrator_rules;  // none: plain runners
  std::deque<Runner> runners;
  std::deque<Orchestrator> orchestrators;
  std::vector<FleetMember*> members;  // these, or those
  Submitter submitter;
  ClosedLoop callers;
  Backlog backlog;
  Heartbeats heartbeats;
  OpenLoop<Submitter> submissions;
  OpenLoop<Heartbeats> heartbeating;
  std::unique_ptr<Channel> door;  // of knock()
  Timer phase_end;
  Signal progress;  // of drain()
};

Awaitable<Result<void>> Fleet::Parts::knock(Duration timeout) {
  std::string const where = plan.coordinators.empty() ? "in this process" : "at " + text_of(plan.coordinators.front());
  auto const error = co_await door->open(timeout);
  if (error) {
    auto const kind = error == asio::error::timed_out ? ErrorKind::timed_out : ErrorKind::unavailable;
    co_return Error(kind, fmt::format("the coordinator {} can't be reached: {}", where, error.message()));
  }
  std::string request;
  std::vector<ClaimRef> const nothing;
  writer.heartbeat(request, plan.identities.front().token, nothing);
  Exchange const answer = co_await door->exchange(request, timeout);
  std::string told{answer.body};
  if (answer.status >= 400) told = protocol::decode_error(answer.body).detail;
  door->abandon();
  if (answer.fate == Fate::ok) co_return Result<void>{};
  if (answer.status != 0) {
    co_return Error(answer.fate == Fate::refused ? ErrorKind::rejected : ErrorKind::unavailable,
                    fmt::format("the coordinator {} answers {}'s heartbeat with {}: {}", where,
                                plan.identities.front().name, answer.status, told));
  }
  if (answer.problem != nullptr) {
    co_return Error(ErrorKind::broken_protocol,
                    fmt::format("what answers {} is no coordinator: {}", where, answer.problem));
  }
  co_return Error(answer.fate == Fate::timed_out ? ErrorKind::timed_out : ErrorKind::unavailable,
                  fmt::format("the coordinator {} didn't answer a heartbeat within {}", where, humanize(timeout)));
}

Fleet::Fleet(asio::io_context& context, Clock const& clock, FleetPlan plan, Recorder& recorder)
    : parts_{std::make_unique<Parts>(transport_for(context, clock, plan), nullptr, std::move(plan), recorder)} {}

Fleet::Fleet(Transport& transport, FleetPlan plan, Recorder& recorder)
    : parts_{std::make_unique<Parts>(nullptr, &transport, std::move(plan), recorder)} {}

Fleet::~Fleet() = default;

Awaitable<Result<void>> Fleet::prepare(TimePoint deadline) {
  auto& parts = *parts_;
  auto opened = co_await parts.transport.open();
  if (!opened) co_return opened;
  auto filled = co_await parts.backlog.submit(parts.plan.answer_timeout, deadline);
  co_return filled;
}

void Fleet::begin_at(TimePoint start) {
  Duration const later = start - parts_->plan.start;
  parts_->submitter.shift(later);
  parts_->callers.shift(later);
  parts_->plan.start = start;
}

Awaitable<Result<void>> Fleet::connect(TimePoint deadline) {
  auto& parts = *parts_;
  auto& commons = parts.commons;
  if (parts.own_transport && parts.plan.share.of == 1) {
    if (auto enough = ensure_descriptors(parts.plan); !enough) co_return enough;
  }
  if (parts.members.empty()) co_return Result<void>{};
  commons.open_by = deadline;
  auto admitted = co_await parts.knock(std::min(deadline - parts.transport.clock.now(), parts.plan.answer_timeout));
  if (!admitted && !commons.stopping) co_return admitted;

  for (auto* member : parts.members) {
    while (commons.opening >= connects_at_once) co_await commons.opened.wait_until();
    if (commons.open_error || commons.stopping) break;
    ++commons.opening;
    parts.tasks.spawn(member->run());
  }
  while (commons.opening > 0) co_await commons.opened.wait_until();
  if (commons.stopping) co_return Error(ErrorKind::unavailable, "stopped while the runners were connecting");
  if (commons.open_error) {
    bool const late = commons.open_error == asio::error::timed_out;
    co_return Error(
        late ? ErrorKind::timed_out : ErrorKind::unavailable,
        fmt::format("{} of {} runners reached the coordinator at {}, the next one: {}", commons.connected,
                    parts.members.size(), text_of(first_coordinator(parts.plan)), commons.open_error.message()));
  }
  // Shares beat in turn, as the runners of one fleet do.
  auto const before = parts.plan.fleet.heartbeat * parts.plan.share.index / parts.plan.runners;
  parts.heartbeats.begin(parts.transport.clock.now() + before);
  parts.tasks.spawn(parts.heartbeating.run());
  co_return Result<void>{};
}

Awaitable<void> Fleet::run() {
  auto& parts = *parts_;
  if (parts.commons.stopping) co_return;
  parts.tasks.spawn(parts.submissions.run());
  parts.callers.begin();
  parts.phase_end.expires_at(parts.plan.start + parts.plan.warm_up + parts.plan.measure);
  [[maybe_unused]] auto [interrupted] = co_await parts.phase_end.async_wait(as_result);
  // What came due in the last moment has been handed to a worker that runs before this does; what still waits found
  // none.
  co_await asio::post(parts.transport.executor, use_awaitable);
  parts.submissions.shed_waiting();
}

void Fleet::end_phase() { parts_->phase_end.cancel(); }

Awaitable<bool> Fleet::drain(TimePoint deadline) {
  auto& parts = *parts_;
  parts.journal.notify(&parts.progress);
  while (!parts.quiet() && !parts.commons.stopping && parts.transport.clock.now() < deadline) {
    co_await parts.progress.wait_until(deadline);
  }
  parts.journal.notify(nullptr);
  bool const done = parts.quiet() && !parts.commons.stopping;
  if (!done) co_await stop();
  co_return done;
}

Awaitable<void> Fleet::stop() {
  interrupt();
  co_await parts_->tasks.wait();
}

void Fleet::interrupt() {
  auto& parts = *parts_;
  if (std::exchange(parts.commons.stopping, true)) return;
  parts.backlog.stop();
  parts.submissions.stop();
  parts.callers.stop();
  parts.heartbeating.stop();
  for (auto* member : parts.members) member->stop();
  parts.door->abandon();
  parts.phase_end.cancel();
  parts.progress.notify();
}

void Fleet::disturb(FaultSpec const& fault) {
  auto& parts = *parts_;
  TimePoint const now = parts.transport.clock.now();
  auto const lanes = static_cast<std::size_t>(parts.plan.fleet.slots);
  for (std::size_t first = 0; first < parts.members.size(); first += lanes) {
    std::size_t const number = parts.plan.share.index + first / lanes * parts.plan.share.of;
    bool const spared = fault.number > 0 && number >= static_cast<std::size_t>(fault.number);
    if (!spared) parts.tasks.spawn(parts.disturb_one(first, fault, now + fault.every * number));
  }
}

FleetLive Fleet::live() const {
  auto const& parts = *parts_;
  auto const& books = parts.recorder.books();
  FleetLive live;
  live.parked = parts.commons.present[RunnerCommons::parked];
  live.working = parts.commons.present[RunnerCommons::working];
  live.backing_off = parts.commons.present[RunnerCommons::backing_off];
  live.offered = books.offered;
  live.started = books.started;
  live.shed = books.shed;
  live.completed = parts.journal.completed();
  live.outstanding = parts.journal.outstanding();
  live.held = parts.journal.held();
  live.connections_opened = parts.transport.connections_opened;
  live.source_addresses = parts.transport.source_addresses;
  live.requests_repeated = parts.transport.requests_repeated;
  live.submissions_repeated = parts.transport.submissions_repeated;
  return live;
}

Transport& Fleet::transport() { return parts_->transport; }

std::vector<RunEvent> Fleet::take_foreign() { return parts_->journal.take_foreign(); }

void Fleet::settle(std::vector<RunEvent> const& foreign) { parts_->journal.settle(foreign); }

}  // namespace assay
