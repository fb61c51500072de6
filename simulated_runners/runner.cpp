#include "simulated_runners/runner.hpp"

namespace assay {

namespace {

constexpr std::string_view no_runs = R"({"runs":[]})";
constexpr std::string_view outcome_ok = R"({"outcome":"ok"})";

// What a 200 to a start or report says. Anything that is no outcome leaves open what happened.
Fate fate_of_outcome(std::string_view body) {
  if (body == outcome_ok) return Fate::ok;
  auto const outcome = protocol::decode_outcome(body);
  if (!outcome) return Fate::in_doubt;
  switch (*outcome) {
    case Outcome::ok:
    case Outcome::already_done: return Fate::ok;
    case Outcome::stale_token: return Fate::conflict;
    case Outcome::unknown_run:
    case Outcome::rejected: return Fate::refused;
    case Outcome::unavailable: return Fate::unavailable;
    case Outcome::in_doubt: break;
  }
  return Fate::in_doubt;
}

Operation operation_of(RunnerMachine::Action action) {
  switch (action) {
    case RunnerMachine::Action::start: return Operation::start;
    case RunnerMachine::Action::report: return Operation::report;
    default: return Operation::poll;
  }
}

}  // namespace

Fate read_poll(Exchange const& exchange, std::vector<protocol::AssignedRun>& runs) {
  if (exchange.fate != Fate::ok) return exchange.fate;
  if (exchange.body == no_runs) return Fate::empty;
  auto decoded = protocol::decode_assigned_runs(exchange.body);
  if (!decoded) return Fate::in_doubt;  // there may have been a run in it
  runs = std::move(*decoded);
  return runs.empty() ? Fate::empty : Fate::ok;
}

Fate read_outcome(Exchange const& exchange) {
  return exchange.fate == Fate::ok ? fate_of_outcome(exchange.body) : exchange.fate;
}

Runner::Runner(RunnerCommons& commons, RunnerIdentity const& identity, std::uint32_t number, Random random,
               Duration first_hold)
    : commons_{commons},
      identity_{identity},
      machine_{commons.rules, commons.journal, number, random, first_hold},
      channel_{commons.transport.make_runner_channel(number, identity.token)},
      timer_{commons.transport.executor} {
  ++commons_.present[RunnerCommons::absent];
}

Awaitable<void> Runner::run() {
  auto const error = co_await channel_->open(commons_.open_by - commons_.transport.clock.now());
  --commons_.opening;
  if (!error) ++commons_.connected;
  if (error && !commons_.open_error) commons_.open_error = error;
  commons_.opened.notify();
  if (error) co_return;

  while (!commons_.stopping) {
    if (std::exchange(killed_, false)) machine_.die(commons_.transport.clock.now());
    if (commons_.transport.clock.now() < back_at_ && !machine_.holds_runs()) {
      channel_->leave();
      enter(RunnerCommons::absent);
      timer_.expires_at(back_at_);
      [[maybe_unused]] auto [cancelled] = co_await timer_.async_wait(as_result);
      continue;
    }
    Step const step = machine_.next(commons_.transport.clock.now());
    if (step.action == RunnerMachine::Action::work || step.action == RunnerMachine::Action::back_off) {
      enter(step.action == RunnerMachine::Action::work ? RunnerCommons::working : RunnerCommons::backing_off);
      timer_.expires_at(step.intended);
      [[maybe_unused]] auto [cancelled] = co_await timer_.async_wait(as_result);
    } else {
      enter(step.action == RunnerMachine::Action::poll ? RunnerCommons::parked : RunnerCommons::working);
      Duration const timeout = prepare(step);
      Exchange const exchange = co_await channel_->exchange(request_, timeout);
      settle(step, exchange);
    }
  }
  machine_.give_up(commons_.transport.clock.now());
  enter(RunnerCommons::absent);
}

void Runner::stop() {
  channel_->abandon();
  timer_.cancel();
}

void Runner::disturb(FaultSpec::What what, TimePoint back_at) {
  switch (what) {
    case FaultSpec::What::restart:
      back_at_ = back_at;
      channel_->drain();
      break;
    case FaultSpec::What::kill:
      back_at_ = back_at;
      killed_ = true;
      channel_->cut();
      timer_.cancel();
      break;
    case FaultSpec::What::drop: channel_->cut(); break;
    case FaultSpec::What::stop: break;  // no fault of runners (rules.cpp)
  }
}

void Runner::lease_lost(ClaimRef const& claim) {
  if (machine_.lease_lost(claim, commons_.transport.clock.now())) timer_.cancel();
}

Duration Runner::prepare(Step const& step) {
  commons_.recorder.begin(operation_of(step.action));
  switch (step.action) {
    case RunnerMachine::Action::start: commons_.writer.start(request_, identity_.token, step.claim); break;
    case RunnerMachine::Action::report:
      commons_.writer.report(request_, identity_.token, step.claim, step.failed);
      break;
    default:
      commons_.writer.poll(request_, identity_.token, step.hold, commons_.runs_per_poll);
      return step.hold + commons_.answer_timeout;
  }
  return commons_.answer_timeout;
}

void Runner::settle(Step const& step, Exchange const& exchange) {
  Observation observation;
  observation.operation = operation_of(step.action);
  observation.intended = step.intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  if (step.action == RunnerMachine::Action::poll) {
    observation.fate = settle_poll(exchange);
  } else {
    observation.fate = read_outcome(exchange);
    if (step.action == RunnerMachine::Action::start) {
      machine_.started(observation.fate, exchange.finished);
    } else {
      machine_.reported(observation.fate, exchange.finished);
    }
  }
  commons_.recorder.record(observation);
}

Fate Runner::settle_poll(Exchange const& exchange) {
  std::vector<protocol::AssignedRun> runs;
  Fate const fate = read_poll(exchange, runs);
  machine_.polled(fate, runs, exchange.finished);
  return fate == Fate::abandoned ? Fate::empty : fate;
}

void Runner::enter(RunnerCommons::Presence presence) {
  --commons_.present[presence_];
  ++commons_.present[presence];
  presence_ = presence;
}

}  // namespace assay
