#include "simulated_runners/orchestrator_machine.hpp"

#include <algorithm>

namespace assay {

namespace {

Duration compressed(Duration d, double by) { return std::chrono::round<Duration>(d / by); }

}  // namespace

OrchestratorRules::OrchestratorRules(OrchestratorSpec const& spec, double time_compression)
    : poll_interval{std::max<Duration>(microseconds{1}, compressed(spec.poll_interval, time_compression))},
      batch{static_cast<std::size_t>(spec.batch)},
      max_concurrent{static_cast<std::size_t>(spec.max_concurrent)},
      clamp{spec.clamp},
      cold_start_from{compressed(spec.cold_start.from, time_compression)},
      cold_start_to{compressed(spec.cold_start.to, time_compression)},
      warm_pool_size{spec.warm_pool.size},
      warm_pool_refill{std::max<Duration>(microseconds{1}, compressed(spec.warm_pool.refill, time_compression))} {}

OrchestratorMachine::OrchestratorMachine(OrchestratorRules const& rules, RunnerRules const& runner_rules,
                                         RunJournal& journal, Recorder& recorder, std::uint32_t number, Random random)
    : rules_{rules},
      runner_rules_{runner_rules},
      journal_{journal},
      recorder_{recorder},
      number_{number},
      random_{random},
      pool_{rules.warm_pool_size, rules.warm_pool_refill},
      places_(rules.max_concurrent) {
  for (std::size_t place = 0; place < places_.size(); ++place) free_.push_back(place);
}

OrchestratorMachine::Poll OrchestratorMachine::next_poll(TimePoint now) {
  if (!awake_) {
    awake_ = true;
    tick_ = now + from_seconds(to_seconds(rules_.poll_interval) * random_.uniform());
    for (auto& place : places_) place.free_since = now;
  }
  for (; tick_ <= now && held() >= rules_.max_concurrent; tick_ += rules_.poll_interval) {
    if (auto* record = recorder_.orchestrators_at(tick_)) ++record->polls_skipped;
  }
  std::size_t const most = rules_.clamp ? std::min(rules_.batch, rules_.max_concurrent - busy_) : rules_.batch;
  return {.now = tick_ <= now, .intended = tick_, .most = static_cast<int>(most)};
}

void OrchestratorMachine::polled(Fate fate, std::vector<protocol::AssignedRun> const& runs, TimePoint now) {
  TimePoint const asked = tick_;
  // The next tick; of several that passed meanwhile, the last one.
  tick_ += rules_.poll_interval * std::max<std::int64_t>(1, (now - tick_) / rules_.poll_interval);
  auto* const record = recorder_.orchestrators_at(asked);
  if (record != nullptr) ++record->polls;
  if (fate != Fate::ok) return;
  for (auto const& run : runs) {
    Held held{.claim = {run.run, run.token}, .attempt = run.attempt, .received = now};
    held.fails = runner_rules_.failure_rate > 0 && random_.uniform() < runner_rules_.failure_rate;
    bool const has_place = !free_.empty();
    if (record != nullptr) {
      ++record->received;
      if (!has_place) ++record->without_place;
    }
    tell(RunEvent::Kind::received, held, now, has_place ? places_[free_.front()].free_since : now, asked);
    if (has_place) {
      std::size_t const place = free_.front();
      free_.pop_front();
      begin(place, held, now);
    } else {
      waiting_.push_back(held);
    }
  }
  if (record != nullptr) record->most_held = std::max<std::uint64_t>(record->most_held, held());
}

OrchestratorMachine::Step OrchestratorMachine::next(std::size_t number, TimePoint now) {
  Place& place = places_[number];
  Step step;
  if (!place.held) {
    step.intended = TimePoint::max();
    return step;
  }
  step.claim = place.held->claim;
  step.failed = place.held->fails;
  if (now < place.pause_until) {
    step.action = Step::Action::back_off;
    step.intended = place.pause_until;
    return step;
  }
  if (now >= place.due) place.reporting = true;
  step.action = place.reporting ? Step::Action::report : Step::Action::work;
  step.intended = std::max(place.due, place.pause_until);
  return step;
}

void OrchestratorMachine::reported(std::size_t number, Fate fate, TimePoint now) {
  Place& place = places_[number];
  switch (fate) {
    case Fate::ok:
    case Fate::empty: leave(number, place.held->fails ? RunEvent::Kind::failed : RunEvent::Kind::completed, now); break;
    case Fate::conflict:
    case Fate::refused: leave(number, RunEvent::Kind::report_refused, now); break;
    case Fate::abandoned: break;
    case Fate::in_doubt:
    case Fate::timed_out:
      // Told once; the report is idempotent by token, and asking again settles it.
      if (!place.held->doubted) tell(RunEvent::Kind::report_in_doubt, *place.held, now);
      place.held->doubted = true;
      ask_again(number, now);
      break;
    case Fate::unavailable: ask_again(number, now); break;
  }
}

std::optional<std::size_t> OrchestratorMachine::lease_lost(ClaimRef const& claim, TimePoint now) {
  auto const is_it = [&](Held const& held) { return held.claim.run == claim.run && held.claim.token == claim.token; };
  auto const waits = std::find_if(waiting_.begin(), waiting_.end(), is_it);
  if (waits != waiting_.end()) {
    tell(RunEvent::Kind::abandoned, *waits, now);
    waiting_.erase(waits);
    return std::nullopt;
  }
  for (std::size_t number = 0; number < places_.size(); ++number) {
    Place const& place = places_[number];
    if (!place.held || place.reporting || !is_it(*place.held)) continue;
    leave(number, RunEvent::Kind::abandoned, now);
    return number;
  }
  return std::nullopt;
}

void OrchestratorMachine::give_up(TimePoint now) {
  for (auto const& held : waiting_) tell(RunEvent::Kind::abandoned, held, now);
  waiting_.clear();
  for (std::size_t number = 0; number < places_.size(); ++number) {
    auto const& held = places_[number].held;
    if (held) leave(number, held->orphan ? RunEvent::Kind::died : RunEvent::Kind::abandoned, now);
  }
}

void OrchestratorMachine::die(TimePoint now, std::vector<std::size_t> const& reporting) {
  for (auto const& held : waiting_) tell(RunEvent::Kind::died, held, now);
  waiting_.clear();
  for (std::size_t number = 0; number < places_.size(); ++number) {
    auto& held = places_[number].held;
    if (!held) continue;
    held->orphan = std::find(reporting.begin(), reporting.end(), number) != reporting.end();
    if (!held->orphan) leave(number, RunEvent::Kind::died, now);
  }
}

std::vector<ClaimRef> OrchestratorMachine::claims() const {
  std::vector<ClaimRef> claims;
  claims.reserve(held());
  for (auto const& place : places_) {
    if (place.held && !place.held->orphan) claims.push_back(place.held->claim);
  }
  for (auto const& held : waiting_) claims.push_back(held.claim);
  return claims;
}

void OrchestratorMachine::begin(std::size_t number, Held held, TimePoint now) {
  Place& place = places_[number];
  bool const warm = pool_.take(now);
  Duration const preparation =
      warm ? Duration{0}
           : rules_.cold_start_from +
                 from_seconds(to_seconds(rules_.cold_start_to - rules_.cold_start_from) * random_.uniform());
  if (auto* record = recorder_.orchestrators_at(now)) {
    ++(warm ? record->warm_starts : record->cold_starts);
    record->start_delay.record((now - held.received + preparation).count());
  }
  ++busy_;
  place.due = now + preparation + runner_rules_.run_length.draw(random_);
  place.held = std::move(held);
}

// The place goes to the run that waits longest, if one does.
void OrchestratorMachine::leave(std::size_t number, RunEvent::Kind why, TimePoint now) {
  Place& place = places_[number];
  tell(why, *place.held, now);
  place = Place{.free_since = now};
  --busy_;
  if (waiting_.empty()) {
    free_.push_back(number);
    return;
  }
  Held const next = waiting_.front();
  waiting_.pop_front();
  begin(number, next, now);
}

void OrchestratorMachine::ask_again(std::size_t number, TimePoint now) {
  if (places_[number].held->orphan) {
    leave(number, RunEvent::Kind::died, now);
  } else {
    back_off(places_[number], now);
  }
}

// As RunnerMachine's: full jitter.
void OrchestratorMachine::back_off(Place& place, TimePoint now) {
  Duration limit = runner_rules_.backoff_base;
  for (int i = 0; i < place.errors && limit < runner_rules_.backoff_limit; ++i) limit *= 2;
  limit = std::min(limit, runner_rules_.backoff_limit);
  ++place.errors;
  place.pause_until = now + from_seconds(to_seconds(limit) * random_.uniform());
}

void OrchestratorMachine::tell(RunEvent::Kind kind, Held const& held, TimePoint now, TimePoint free_since,
                               TimePoint asked) {
  RunEvent event;
  event.time = now;
  event.kind = kind;
  event.run = held.claim.run;
  event.actor = number_;
  event.attempt = held.attempt;
  event.token = held.claim.token;
  event.since = free_since;
  event.asked = asked;
  journal_.record(event);
}

}  // namespace assay
