#include "simulated_runners/closed_loop.hpp"

#include <algorithm>
#include <cmath>

namespace assay {

namespace {

// What a caller got. The wait may be over before the run is: that is no result, though the run has been accepted.
Fate fate_of(Exchange const& exchange, RunId const& id) {
  if (exchange.fate != Fate::ok) return exchange.fate;
  auto const answer = protocol::decode_submission_answer(exchange.body);
  if (!answer || answer->id != id) return Fate::in_doubt;
  bool const finished = answer->state == RunState::completed || answer->state == RunState::dead;
  return finished ? Fate::ok : Fate::timed_out;
}

}  // namespace

ClosedLoop::ClosedLoop(Transport& transport, TaskGroup& tasks, Options const& options, SubmissionKinds kinds,
                       RunJournal& journal, Recorder& recorder)
    : transport_{transport},
      tasks_{tasks},
      options_{options},
      kinds_{std::move(kinds)},
      journal_{journal},
      recorder_{recorder} {
  for (auto i = options_.share.index; i < static_cast<std::uint32_t>(options_.callers); i += options_.share.of) {
    callers_.emplace_back(transport_, i, Random::stream(options_.seed, "caller", i));
  }
}

void ClosedLoop::shift(Duration by) {
  options_.start += by;
  options_.end += by;
}

void ClosedLoop::begin() {
  for (auto& caller : callers_) tasks_.spawn(run(caller));
}

void ClosedLoop::stop() {
  stopping_ = true;
  for (auto& caller : callers_) {
    caller.channel->abandon();
    caller.pause.cancel();
  }
}

Awaitable<void> ClosedLoop::run(Caller& self) {
  TimePoint due = options_.start;
  while (!stopping_ && due < options_.end) {
    if (due > transport_.clock.now()) {
      self.pause.expires_at(due);
      [[maybe_unused]] auto [cancelled] = co_await self.pause.async_wait(as_result);
      continue;
    }
    Call const call = next(self, due);
    Exchange const exchange = co_await self.channel->exchange(self.request, options_.wait + options_.answer_timeout);
    settle(self, call, exchange);
    due = due_after(self, exchange.finished);
  }
}

ClosedLoop::Call ClosedLoop::next(Caller& self, TimePoint intended) {
  TimePoint const now = transport_.clock.now();
  auto const since_start = std::chrono::duration_cast<milliseconds>(intended - options_.start);
  Call call;
  call.intended = intended;
  call.run_class = kinds_.draw(self.random);
  call.id = make_run_id(options_.unix_ms_at_start + static_cast<std::uint64_t>(since_start.count()), self.random);
  recorder_.offer(intended);
  recorder_.begin(Operation::call);
  tell(RunEvent::Kind::submitted, call, now);
  kinds_.write(self.request, call.run_class, call.id);
  return call;
}

void ClosedLoop::settle(Caller& self, Call const& call, Exchange const& exchange) {
  Observation observation;
  observation.operation = Operation::call;
  observation.fate = fate_of(exchange, call.id);
  observation.intended = call.intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  recorder_.record(observation);
  bool const answered = exchange.fate == Fate::ok;
  bool const accepted = answered && (observation.fate == Fate::ok || observation.fate == Fate::timed_out);
  tell(accepted ? RunEvent::Kind::accepted : event_of_submission(observation.fate), call, exchange.finished);
  self.errors = accepted ? 0 : self.errors + 1;
}

void ClosedLoop::tell(RunEvent::Kind kind, Call const& call, TimePoint now) {
  RunEvent event;
  event.time = now;
  event.kind = kind;
  event.run = call.id;
  event.run_class = call.run_class;
  event.since = call.intended;
  journal_.record(event);
}

TimePoint ClosedLoop::due_after(Caller& self, TimePoint now) {
  if (self.errors == 0) return now;
  double const longest = to_seconds(options_.backoff_base) * std::exp2(std::min(self.errors - 1, 30));
  return now + from_seconds(self.random.uniform() * std::min(longest, to_seconds(options_.backoff_limit)));
}

}  // namespace assay
