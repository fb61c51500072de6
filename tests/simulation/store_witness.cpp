#include "tests/simulation/store_witness.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

namespace assay::simulation {

Awaitable<Result<std::vector<Outcome>>> StoreWitness::submit(std::vector<RunSpec> runs) {
  std::vector<RunSpec> const asked = runs;
  auto outcomes = co_await below_.submit(std::move(runs));
  if (outcomes) see_submission(asked, *outcomes);
  co_return outcomes;
}

Awaitable<Result<Submitted>> StoreWitness::submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                            Duration lease) {
  std::vector<RunSpec> const asked = runs;
  std::vector<Demand> const waiting = demands;
  auto submitted = co_await below_.submit_and_claim(std::move(runs), std::move(demands), lease);
  if (submitted) {
    see_submission(asked, submitted->outcomes);
    for (Claim const& claim : submitted->claims) see_claim(claim, waiting, lease);
  }
  co_return submitted;
}

void StoreWitness::see_submission(std::vector<RunSpec> const& runs, std::vector<Outcome> const& outcomes) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    RunSpec const& spec = runs[i];
    bool const known = runs_.contains(spec.id);
    if (outcomes[i] != (known ? Outcome::already_done : Outcome::ok)) {
      breach(fmt::format("submission of {} run {} answered {}", known ? "known" : "new", to_string(spec.id),
                         to_string(outcomes[i])));
    }
    if (known) continue;
    Run& run = runs_[spec.id];
    run.required = spec.required;
    run.priority = spec.priority;
    run.max_attempts = spec.max_attempts;
    run.place = next_place_++;
  }
}

Awaitable<Result<std::vector<Claim>>> StoreWitness::claim(std::vector<Demand> demands, Duration lease) {
  std::vector<Demand> const asked = demands;
  auto claims = co_await below_.claim(std::move(demands), lease);
  if (claims) {
    for (Claim const& claim : *claims) see_claim(claim, asked, lease);
    see_what_is_left(asked, *claims);
  }
  co_return claims;
}

void StoreWitness::see_claim(Claim const& claim, std::vector<Demand> const& demands, Duration lease) {
  auto const found = runs_.find(claim.run);
  if (found == runs_.end())
    return breach(fmt::format("I10: run {} was claimed and never submitted", to_string(claim.run)));
  Run& run = found->second;
  std::string const named = fmt::format("run {}, token {}", to_string(claim.run), to_string(claim.token));
  if (!tokens_.insert(claim.token).second) breach(fmt::format("I3: {}: this token was used before", named));
  if (run.state != RunState::ready) {
    breach(fmt::format("I3: {}: claimed while {}", named, to_string(run.state)));
  } else {
    for (auto const& [id, other] : runs_) {
      bool const fits = other.state == RunState::ready && demands[claim.demand].offered.includes(other.required);
      if (!fits || id == claim.run) continue;
      if (other.priority > run.priority)
        breach(fmt::format("I7: {}: run {} has a higher priority", named, to_string(id)));
      if (other.priority == run.priority && other.place < run.place) {
        breach(fmt::format("I6: {}: run {} was there before", named, to_string(id)));
      }
    }
  }
  if (!demands[claim.demand].offered.includes(run.required)) breach(fmt::format("I5: {}: its tags don't fit", named));
  if (claim.attempt != run.attempts + 1 || claim.attempt > run.max_attempts) {
    breach(fmt::format("I8: {}: attempt {} after {} of {}", named, claim.attempt, run.attempts, run.max_attempts));
  }
  run.state = RunState::claimed;
  run.attempts = claim.attempt;
  run.token = claim.token;
  run.last_report = Report::none;
  run.when = clock_.now() + lease;
}

void StoreWitness::see_what_is_left(std::vector<Demand> const& demands, std::vector<Claim> const& claims) {
  std::vector<std::uint32_t> given(demands.size());
  for (Claim const& claim : claims) ++given[claim.demand];
  for (std::size_t i = 0; i < demands.size(); ++i) {
    if (given[i] > demands[i].count) breach(fmt::format("a demand for {} was given {}", demands[i].count, given[i]));
    if (given[i] >= demands[i].count) continue;
    for (auto const& [id, run] : runs_) {
      if (run.state == RunState::ready && demands[i].offered.includes(run.required)) {
        breach(fmt::format("run {} was ready and was withheld from {}", to_string(id), demands[i].runner));
        break;
      }
    }
  }
}

Awaitable<Result<std::vector<Outcome>>> StoreWitness::renew(std::vector<ClaimRef> claims, Duration lease) {
  std::vector<ClaimRef> const asked = claims;
  auto outcomes = co_await below_.renew(std::move(claims), lease);
  for (std::size_t i = 0; outcomes && i < asked.size(); ++i) {
    auto const& [id, token] = asked[i];
    if (agrees("renewal", id, token, expected(id, token, Report::none), (*outcomes)[i])) {
      runs_[id].when = clock_.now() + lease;
    }
  }
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> StoreWitness::complete(std::vector<Completion> completions) {
  std::vector<Completion> const asked = completions;
  auto outcomes = co_await below_.complete(std::move(completions));
  for (std::size_t i = 0; outcomes && i < asked.size(); ++i) {
    auto const& [id, token, result] = asked[i];
    if (agrees("completion", id, token, expected(id, token, Report::completed), (*outcomes)[i])) {
      runs_[id].state = RunState::completed;
      runs_[id].last_report = Report::completed;
    }
  }
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> StoreWitness::fail(std::vector<FailedAttempt> failures) {
  std::vector<FailedAttempt> const asked = failures;
  auto outcomes = co_await below_.fail(std::move(failures));
  for (std::size_t i = 0; outcomes && i < asked.size(); ++i) {
    auto const& [id, token, cause] = asked[i];
    if (!agrees("failure", id, token, expected(id, token, Report::failed), (*outcomes)[i])) continue;
    Run& run = runs_[id];
    run.last_report = Report::failed;
    run.state = run.attempts >= run.max_attempts ? RunState::dead : RunState::delayed;
    run.when = clock_.now() + retry_.delay_after(run.attempts);
  }
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> StoreWitness::release(std::vector<ClaimRef> claims) {
  std::vector<ClaimRef> const asked = claims;
  auto outcomes = co_await below_.release(std::move(claims));
  for (std::size_t i = 0; outcomes && i < asked.size(); ++i) {
    auto const& [id, token] = asked[i];
    if (!agrees("release", id, token, expected(id, token, Report::none), (*outcomes)[i])) continue;
    runs_[id].state = RunState::ready;
    --runs_[id].attempts;
  }
  co_return outcomes;
}

Awaitable<Result<SweepResult>> StoreWitness::sweep(std::size_t max) {
  auto result = co_await below_.sweep(max);
  if (!result) co_return result;
  TimePoint const now = clock_.now();
  auto const ended = [&](RunId const& id, RunState state) {
    Run& run = runs_[id];
    bool const last = run.attempts >= run.max_attempts;
    if (run.state != RunState::claimed || run.when > now || last != (state == RunState::dead)) {
      breach(fmt::format("I3: run {} was swept to {} while {}, attempt {} of {}, {} before its lease ended",
                         to_string(id), to_string(state), to_string(run.state), run.attempts, run.max_attempts,
                         humanize(run.when - now)));
    }
    run.state = state;
  };
  for (RunId const& id : result->requeued) ended(id, RunState::ready);
  for (RunId const& id : result->dead) ended(id, RunState::dead);
  for (auto& [id, run] : runs_) {
    if (run.when > now) continue;
    if (run.state == RunState::claimed)
      breach(fmt::format("I9: run {}: its lease is over and was not swept", to_string(id)));
    if (run.state == RunState::delayed) run.state = RunState::ready;
  }
  co_return result;
}

Awaitable<Result<Depth>> StoreWitness::depth() {
  auto answered = co_await below_.depth();
  Depth counted;
  for (auto const& [id, run] : runs_) {
    switch (run.state) {
      case RunState::delayed: ++counted.delayed; break;
      case RunState::ready: ++counted.ready; break;
      case RunState::claimed: ++counted.claimed; break;
      case RunState::completed: ++counted.completed; break;
      case RunState::dead: ++counted.dead; break;
    }
  }
  auto const text = [](Depth const& d) {
    return fmt::format("{} delayed, {} ready, {} claimed, {} completed, {} dead", d.delayed, d.ready, d.claimed,
                       d.completed, d.dead);
  };
  if (answered && text(*answered) != text(counted)) {
    breach(fmt::format("I10: the store counts {}; by its answers it has {}", text(*answered), text(counted)));
  }
  co_return answered;
}

Outcome StoreWitness::expected(RunId const& id, ClaimToken token, Report report) const {
  auto const found = runs_.find(id);
  if (found == runs_.end()) return Outcome::unknown_run;
  Run const& run = found->second;
  bool const holds = run.token == token;
  if (holds && run.state == RunState::claimed) return Outcome::ok;
  if (!holds || report == Report::none || run.last_report == Report::none) return Outcome::stale_token;
  return run.last_report == report ? Outcome::already_done : Outcome::rejected;
}

bool StoreWitness::agrees(char const* verb, RunId const& id, ClaimToken token, Outcome wanted, Outcome answered) {
  if (wanted != answered) {
    breach(fmt::format("I4: {} of run {} by token {} answered {} instead of {}", verb, to_string(id), to_string(token),
                       to_string(answered), to_string(wanted)));
  }
  return wanted == Outcome::ok && answered == Outcome::ok;
}

void StoreWitness::breach(std::string what) {
  constexpr std::size_t kept = 20;
  if (breaches_.size() < kept) breaches_.push_back(std::move(what));
}

}  // namespace assay::simulation
