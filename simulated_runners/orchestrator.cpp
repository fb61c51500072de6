#include "simulated_runners/orchestrator.hpp"

namespace assay {

Orchestrator::Orchestrator(RunnerCommons& commons, OrchestratorRules const& rules, RunnerIdentity const& identity,
                           std::uint32_t number, Random random)
    : commons_{commons},
      identity_{identity},
      machine_{rules, commons.rules, commons.journal, commons.recorder, number, random},
      poller_{commons.transport, number},
      tasks_{commons.transport.executor} {
  for (std::size_t i = 0; i < machine_.places(); ++i) places_.emplace_back(commons.transport, number);
  commons_.present[RunnerCommons::parked] += places_.size();
}

Awaitable<void> Orchestrator::run() {
  auto const error = co_await poller_.channel->open(commons_.open_by - commons_.transport.clock.now());
  --commons_.opening;
  if (!error) ++commons_.connected;
  if (error && !commons_.open_error) commons_.open_error = error;
  commons_.opened.notify();
  if (error) co_return;

  for (std::size_t number = 0; number < places_.size(); ++number) tasks_.spawn(work(number));
  tasks_.spawn(poll());
  co_await tasks_.wait();
  machine_.give_up(commons_.transport.clock.now());
  count_places();
}

void Orchestrator::stop() {
  poller_.channel->abandon();
  poller_.timer.cancel();
  for (auto& place : places_) {
    place.channel->abandon();
    place.timer.cancel();
  }
}

void Orchestrator::disturb(FaultSpec::What what, TimePoint back_at) {
  bool const cuts = what == FaultSpec::What::kill || what == FaultSpec::What::drop;
  if (cuts) {
    poller_.channel->cut();
    for (auto& place : places_) place.channel->cut();
  }
  if (what == FaultSpec::What::kill) {
    ++deaths_;
    die();
  }
  if (what == FaultSpec::What::kill || what == FaultSpec::What::restart) {
    back_at_ = back_at;
    poller_.timer.cancel();
  }
  count_places();
}

void Orchestrator::lease_lost(ClaimRef const& claim) {
  auto const place = machine_.lease_lost(claim, commons_.transport.clock.now());
  if (place) places_[*place].timer.cancel();
  count_places();
}

Awaitable<void> Orchestrator::poll() {
  while (!commons_.stopping) {
    if (commons_.transport.clock.now() < back_at_) {
      machine_.go_away();
      poller_.timer.expires_at(back_at_);
      [[maybe_unused]] auto [cancelled] = co_await poller_.timer.async_wait(as_result);
      count_places();
      continue;
    }
    auto const poll = machine_.next_poll(commons_.transport.clock.now());
    if (!poll.now) {
      poller_.timer.expires_at(poll.intended);
      [[maybe_unused]] auto [cancelled] = co_await poller_.timer.async_wait(as_result);
      continue;
    }
    commons_.recorder.begin(Operation::poll);
    commons_.writer.poll(poller_.request, identity_.token, Duration{0}, poll.most);
    std::uint64_t const deaths = deaths_;
    Exchange const exchange = co_await poller_.channel->exchange(poller_.request, commons_.answer_timeout);
    settle_poll(poll.intended, exchange);
    // Claimed by somebody who is not there any more.
    if (deaths != deaths_) die();
    count_places();
  }
}

Awaitable<void> Orchestrator::work(std::size_t number) {
  Place& self = places_[number];
  while (!commons_.stopping) {
    auto const step = machine_.next(number, commons_.transport.clock.now());
    if (step.action != OrchestratorMachine::Step::Action::report) {
      self.timer.expires_at(step.intended);
      [[maybe_unused]] auto [cancelled] = co_await self.timer.async_wait(as_result);
      continue;
    }
    commons_.recorder.begin(Operation::report);
    commons_.writer.report(self.request, identity_.token, step.claim, step.failed);
    self.asking = true;
    Exchange const exchange = co_await self.channel->exchange(self.request, commons_.answer_timeout);
    self.asking = false;
    settle_report(number, step.intended, exchange);
  }
}

void Orchestrator::settle_poll(TimePoint intended, Exchange const& exchange) {
  std::vector<protocol::AssignedRun> runs;
  Fate const fate = read_poll(exchange, runs);
  machine_.polled(fate, runs, exchange.finished);
  if (fate == Fate::ok) {
    for (auto& place : places_) place.timer.cancel();  // each looks whether it has something to work now
  }
  Observation observation;
  observation.operation = Operation::poll;
  observation.fate = fate == Fate::abandoned ? Fate::empty : fate;
  observation.intended = intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  commons_.recorder.record(observation);
}

void Orchestrator::settle_report(std::size_t number, TimePoint intended, Exchange const& exchange) {
  Observation observation;
  observation.operation = Operation::report;
  observation.fate = read_outcome(exchange);
  observation.intended = intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  machine_.reported(number, observation.fate, exchange.finished);
  count_places();
  commons_.recorder.record(observation);
}

void Orchestrator::die() {
  std::vector<std::size_t> reporting;
  for (std::size_t number = 0; number < places_.size(); ++number) {
    if (places_[number].asking) reporting.push_back(number);
  }
  machine_.die(commons_.transport.clock.now(), reporting);
  for (auto& place : places_) place.timer.cancel();
}

void Orchestrator::count_places() {
  auto& present = commons_.present;
  present[counted_idle_] -= places_.size() - counted_busy_;
  present[RunnerCommons::working] -= counted_busy_;
  counted_busy_ = machine_.busy();
  counted_idle_ = commons_.transport.clock.now() < back_at_ ? RunnerCommons::absent : RunnerCommons::parked;
  present[counted_idle_] += places_.size() - counted_busy_;
  present[RunnerCommons::working] += counted_busy_;
}

}  // namespace assay
