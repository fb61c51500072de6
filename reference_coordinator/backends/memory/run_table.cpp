#include "reference_coordinator/backends/memory/run_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace assay {

namespace {

// The first two cache lines of a record: all that a claim touches.
template <class Record>
void prefetch(Record const& record) {
  auto const* const bytes = reinterpret_cast<char const*>(&record);
  __builtin_prefetch(bytes, 1);
  __builtin_prefetch(bytes + 64, 1);
}

}  // namespace

Outcome RunTable::submit(RunSpec spec, TimePoint now) {
  if (!is_acceptable(spec)) return Outcome::rejected;
  auto const [entry, fresh] = by_id_.try_emplace(spec.id);
  if (!fresh) return Outcome::already_done;
  RunIndex const index = entry->second = new_slot();
  Run& run = runs_[index];
  run.id = spec.id;
  run.payload = std::move(spec.payload);
  run.place = next_place_++;
  run.required = ready_.intern(spec.required);
  run.priority = spec.priority;
  run.max_attempts = spec.max_attempts;
  if (spec.delay > Duration::zero()) {
    make_delayed(index, now + spec.delay);
  } else {
    make_ready(index, now);
  }
  return Outcome::ok;
}

void RunTable::claim(Demand const& demand, std::uint32_t demand_index, Duration lease, TimePoint now,
                     std::vector<Claim>& claims) {
  for (std::uint32_t i = 0; i < demand.count; ++i) {
    auto const taken = ready_.take_best(demand.offered);
    if (!taken) break;
    if (taken->next) prefetch(runs_[*taken->next]);
    Run& run = runs_[taken->run];
    --depth_.ready;
    ++depth_.claimed;
    run.state = RunState::claimed;
    run.token = ++last_token_;
    run.last_report = Report::none;
    run.when = now + lease;
    run.runner = demand.runner;
    ++run.attempts;
    leases_.push(run.when, {taken->run, run.token});
    claims.push_back({demand_index, run.id, run.attempts, ClaimToken{options_.epoch, run.token},
                      ready_.tags_of(run.required), run.priority, run.payload});
  }
  leases_.compact(depth_.claimed, [this](Timed timed) { return lease_end(timed); });
}

Outcome RunTable::renew(ClaimRef claim, Duration lease, TimePoint now) {
  Run* const run = lookup(claim.run);
  if (run == nullptr || !is_current(*run, claim.token)) return refusal(run, claim.token, Report::none);
  run->when = now + lease;
  return Outcome::ok;
}

Outcome RunTable::complete(Completion completion) {
  Run* const run = lookup(completion.run);
  if (run == nullptr || !is_current(*run, completion.token)) {
    return refusal(run, completion.token, Report::completed);
  }
  run->last_report = Report::completed;
  finish(index_of(completion.run), RunState::completed, std::move(completion.result));
  return Outcome::ok;
}

Outcome RunTable::fail(FailedAttempt failure, TimePoint now) {
  Run* const run = lookup(failure.run);
  if (run == nullptr || !is_current(*run, failure.token)) return refusal(run, failure.token, Report::failed);
  run->last_report = Report::failed;
  RunIndex const index = index_of(failure.run);
  if (run->attempts >= run->max_attempts) {
    finish(index, RunState::dead, std::move(failure.cause));
  } else {
    --depth_.claimed;
    make_delayed(index, now + options_.retry.delay_after(run->attempts));
  }
  return Outcome::ok;
}

Outcome RunTable::release(ClaimRef claim, TimePoint now) {
  Run* const run = lookup(claim.run);
  if (run == nullptr || !is_current(*run, claim.token)) return refusal(run, claim.token, Report::none);
  --run->attempts;
  --depth_.claimed;
  make_ready(index_of(claim.run), now);
  return Outcome::ok;
}

SweepResult RunTable::sweep(std::size_t max, TimePoint now) {
  SweepResult result;
  while (result.requeued.size() + result.dead.size() < max) {
    auto const lost = leases_.pop_due(now, [this](Timed timed) { return lease_end(timed); });
    if (!lost) break;
    Run& run = runs_[lost->run];
    if (run.attempts >= run.max_attempts) {
      result.dead.push_back(run.id);
      finish(lost->run, RunState::dead, "the lease of the last attempt ran out");
    } else {
      result.requeued.push_back(run.id);
      --depth_.claimed;
      make_ready(lost->run, now);
    }
  }
  while (result.released < max) {
    auto const due = delays_.pop_due(now, [this](Timed timed) { return delay_end(timed); });
    if (!due) break;
    --depth_.delayed;
    make_ready(due->run, now);
    ++result.released;
  }
  return result;
}

Depth RunTable::depth(TimePoint now) const {
  Depth depth = depth_;
  for (RunIndex const head : ready_.heads()) {
    depth.oldest_ready_age = std::max(depth.oldest_ready_age, now - runs_[head].when);
  }
  return depth;
}

std::optional<RunView> RunTable::find(RunId id) const {
  auto const entry = by_id_.find(id);
  if (entry == by_id_.end()) return std::nullopt;
  Run const& run = runs_[entry->second];
  return RunView{id, run.state, ready_.tags_of(run.required), run.priority, run.attempts, run.runner, run.report};
}

RunTable::Run* RunTable::lookup(RunId id) {
  auto const entry = by_id_.find(id);
  return entry == by_id_.end() ? nullptr : &runs_[entry->second];
}

bool RunTable::holds(Run const& run, ClaimToken token) const {
  return token.epoch == options_.epoch && token.counter == run.token && run.token != 0;
}

bool RunTable::is_current(Run const& run, ClaimToken token) const {
  return run.state == RunState::claimed && holds(run, token);
}

// Why a token that is not current is refused; docs/contract.md, "What each report answers".
Outcome RunTable::refusal(Run const* run, ClaimToken token, Report repeated) const {
  if (run == nullptr) return Outcome::unknown_run;
  if (repeated == Report::none || run->last_report == Report::none || !holds(*run, token)) return Outcome::stale_token;
  return run->last_report == repeated ? Outcome::already_done : Outcome::rejected;
}

void RunTable::make_ready(RunIndex index, TimePoint now) {
  Run& run = runs_[index];
  run.state = RunState::ready;
  run.when = now;
  ++depth_.ready;
  ready_.put(run.required, run.priority, run.place, index);
}

void RunTable::make_delayed(RunIndex index, TimePoint until) {
  Run& run = runs_[index];
  run.state = RunState::delayed;
  run.when = until;
  ++depth_.delayed;
  delays_.push(until, {index, run.place});
}

void RunTable::finish(RunIndex index, RunState state, std::string report) {
  Run& run = runs_[index];
  run.state = state;
  run.report = std::move(report);
  run.payload = std::string{};  // clear() would keep its memory
  --depth_.claimed;
  ++(state == RunState::completed ? depth_.completed : depth_.dead);
  finished_.push_back(index);
  if (finished_.size() > options_.remembered) {
    by_id_.erase(runs_[finished_.front()].id);
    runs_[finished_.front()] = Run{};
    free_.push_back(finished_.front());
    finished_.pop_front();
  }
}

RunTable::RunIndex RunTable::new_slot() {
  if (free_.empty()) {
    runs_.emplace_back();
    return static_cast<RunIndex>(runs_.size() - 1);
  }
  RunIndex const index = free_.back();
  free_.pop_back();
  return index;
}

std::optional<TimePoint> RunTable::lease_end(Timed timed) const {
  Run const& run = runs_[timed.run];
  return run.state == RunState::claimed && run.token == timed.mark ? std::optional{run.when} : std::nullopt;
}

std::optional<TimePoint> RunTable::delay_end(Timed timed) const {
  Run const& run = runs_[timed.run];
  return run.state == RunState::delayed && run.place == timed.mark ? std::optional{run.when} : std::nullopt;
}

}  // namespace assay
