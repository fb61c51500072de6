#include "simulated_runners/runner_machine.hpp"

#include <algorithm>

namespace assay {

RunnerRules::RunnerRules(FleetSpec const& fleet, double time_compression)
    : hold{fleet.hold},
      run_length{fleet.run_length, time_compression},
      failure_rate{fleet.failure_rate},
      confirm_start{fleet.confirm_start},
      backoff_base{fleet.backoff_base},
      backoff_limit{fleet.backoff_limit},
      slowdown{fleet.slowdown} {}

RunnerMachine::RunnerMachine(RunnerRules const& rules, RunJournal& journal, std::uint32_t number, Random random,
                             Duration first_hold)
    : rules_{rules}, journal_{journal}, random_{random}, number_{number}, first_hold_{first_hold} {}

RunnerMachine::Step RunnerMachine::next(TimePoint now) {
  if (stage_ == Stage::asleep) {
    due_ = free_since_ = now;
    stage_ = Stage::none;
  }
  Step step;
  if (now < pause_until_) {
    step.action = Action::back_off;
    step.intended = pause_until_;
    return step;
  }
  if (stage_ == Stage::working && now >= due_) stage_ = Stage::reporting;
  step.intended = std::max(due_, pause_until_);
  if (!held_.empty()) {
    step.claim = held_.front().claim;
    step.failed = held_.front().fails;
  }
  switch (stage_) {
    case Stage::asleep:
    case Stage::none:
      step.action = Action::poll;
      step.hold = polled_before_ ? rules_.hold : first_hold_;
      break;
    case Stage::starting: step.action = Action::start; break;
    case Stage::working: step.action = Action::work; break;
    case Stage::reporting: step.action = Action::report; break;
  }
  return step;
}

void RunnerMachine::polled(Fate fate, std::vector<protocol::AssignedRun> const& runs, TimePoint now) {
  polled_before_ = true;
  due_ = now;
  if (fate == Fate::abandoned) return;
  if (fate != Fate::ok && fate != Fate::empty) return back_off(now);
  succeeded();
  for (auto const& run : runs) {
    Held held;
    held.claim = ClaimRef{run.run, run.token};
    held.attempt = run.attempt;
    held.fails = rules_.failure_rate > 0 && random_.uniform() < rules_.failure_rate;
    held_.push_back(held);
    tell(RunEvent::Kind::received, held, now);
  }
  begin_next_run(now);
}

void RunnerMachine::started(Fate fate, TimePoint now) {
  switch (fate) {
    case Fate::ok:
    case Fate::empty:
      succeeded();
      begin_work(now);
      break;
    case Fate::conflict:
    case Fate::refused:
      succeeded();
      drop_current(RunEvent::Kind::abandoned, now);
      break;
    case Fate::abandoned: break;
    default: back_off(now); break;
  }
}

void RunnerMachine::reported(Fate fate, TimePoint now) {
  auto& held = held_.front();
  switch (fate) {
    case Fate::ok:
    case Fate::empty:
      succeeded();
      drop_current(held.fails ? RunEvent::Kind::failed : RunEvent::Kind::completed, now);
      break;
    case Fate::conflict:
    case Fate::refused:
      succeeded();
      drop_current(RunEvent::Kind::report_refused, now);
      break;
    case Fate::abandoned: break;
    case Fate::in_doubt:
    case Fate::timed_out:
      // Told once; the report is idempotent by token, and asking again settles it.
      if (!held.doubted) tell(RunEvent::Kind::report_in_doubt, held, now);
      held.doubted = true;
      back_off(now);
      break;
    case Fate::unavailable: back_off(now); break;
  }
}

bool RunnerMachine::lease_lost(ClaimRef const& claim, TimePoint now) {
  auto const found = std::find_if(held_.begin(), held_.end(), [&](Held const& held) {
    return held.claim.run == claim.run && held.claim.token == claim.token;
  });
  if (found == held_.end()) return false;
  if (found != held_.begin()) {
    tell(RunEvent::Kind::abandoned, *found, now);
    held_.erase(found);
    return true;
  }
  if (stage_ != Stage::working) return false;
  drop_current(RunEvent::Kind::abandoned, now);
  return true;
}

void RunnerMachine::give_up(TimePoint now) { drop_all(RunEvent::Kind::abandoned, now); }

void RunnerMachine::die(TimePoint now) { drop_all(RunEvent::Kind::died, now); }

std::vector<ClaimRef> RunnerMachine::claims() const {
  std::vector<ClaimRef> claims;
  claims.reserve(held_.size());
  for (auto const& held : held_) claims.push_back(held.claim);
  return claims;
}

void RunnerMachine::begin_next_run(TimePoint now) {
  due_ = now;
  if (held_.empty()) {
    stage_ = Stage::none;
  } else if (rules_.confirm_start) {
    stage_ = Stage::starting;
  } else {
    begin_work(now);
  }
}

void RunnerMachine::begin_work(TimePoint now) {
  stage_ = Stage::working;
  Duration const alone = rules_.run_length.draw(random_);
  double const beside = others_ ? static_cast<double>(others_()) : 0;
  due_ = now + from_seconds(to_seconds(alone) * (1 + rules_.slowdown * beside));
}

void RunnerMachine::drop_current(RunEvent::Kind why, TimePoint now) {
  tell(why, held_.front(), now);
  held_.erase(held_.begin());
  free_since_ = now;
  begin_next_run(now);
}

void RunnerMachine::drop_all(RunEvent::Kind why, TimePoint now) {
  for (auto const& held : held_) tell(why, held, now);
  held_.clear();
  stage_ = Stage::none;
}

// "Full jitter" (Brooker 2015, "Exponential Backoff and Jitter"): anywhere between now and the doubled limit.
void RunnerMachine::back_off(TimePoint now) {
  Duration limit = rules_.backoff_base;
  for (int i = 0; i < errors_ && limit < rules_.backoff_limit; ++i) limit *= 2;
  limit = std::min(limit, rules_.backoff_limit);
  ++errors_;
  pause_until_ = now + from_seconds(to_seconds(limit) * random_.uniform());
}

void RunnerMachine::succeeded() {
  errors_ = 0;
  pause_until_ = TimePoint{};
}

void RunnerMachine::tell(RunEvent::Kind kind, Held const& held, TimePoint now) const {
  RunEvent event;
  event.time = now;
  event.kind = kind;
  event.run = held.claim.run;
  event.actor = number_;
  event.attempt = held.attempt;
  event.token = held.claim.token;
  if (kind == RunEvent::Kind::received) event.since = free_since_;
  journal_.record(event);
}

}  // namespace assay
