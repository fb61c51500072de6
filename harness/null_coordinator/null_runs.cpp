#include "harness/null_coordinator/null_runs.hpp"

#include <algorithm>

namespace assay {

namespace {

bool contains(std::vector<ClaimToken> const& tokens, ClaimToken token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

bool is_due(std::uint64_t number, std::uint64_t every) { return every != 0 && number % every == 0; }

}  // namespace

NullRuns::NullRuns(PlantedFaults faults, std::uint64_t epoch, int max_attempts)
    : faults_{faults}, epoch_{epoch}, max_attempts_{max_attempts} {}

std::uint64_t& NullRuns::count(RunState state) {
  switch (state) {
    case RunState::delayed: return depth_.delayed;
    case RunState::ready: return depth_.ready;
    case RunState::claimed: return depth_.claimed;
    case RunState::completed: return depth_.completed;
    case RunState::dead: break;
  }
  return depth_.dead;
}

void NullRuns::move(Run& run, RunState to) {
  --count(run.state);
  run.state = to;
  ++count(to);
}

Outcome NullRuns::submit(RunId id, protocol::Submission submission, TimePoint now) {
  auto const [place, fresh] = runs_.try_emplace(id);
  if (!fresh) return Outcome::already_done;
  if (is_due(++accepted_, faults_.lose_every)) {
    ++planted_.lost;
    runs_.erase(place);
    return Outcome::ok;
  }
  place->second.submission = std::move(submission);
  ++depth_.ready;
  ready_.push_back({id, now});
  return Outcome::ok;
}

std::vector<protocol::AssignedRun> NullRuns::take(std::size_t most) {
  std::vector<protocol::AssignedRun> taken;
  std::vector<Ready> twice;
  while (taken.size() < most && !ready_.empty()) {
    Ready const next = ready_.front();
    ready_.pop_front();
    Run& run = runs_.at(next.run);
    if (!next.again) {
      ++run.attempts;
      move(run, RunState::claimed);
      if (is_due(++given_out_, faults_.double_claim_every)) {
        ++planted_.doubled;
        twice.push_back({next.run, next.since, true});
      }
    }
    auto& assigned = taken.emplace_back();
    assigned.run = next.run;
    assigned.attempt = run.attempts;
    assigned.token = {epoch_, ++tokens_};
    assigned.lease = std::chrono::hours{1};
    assigned.tags = run.submission.tags;
    assigned.priority = run.submission.priority;
    assigned.payload = run.submission.payload;
    run.holders.push_back(assigned.token);
  }
  ready_.insert(ready_.begin(), twice.begin(), twice.end());  // for somebody else: not within this answer
  return taken;
}

void NullRuns::give_back(protocol::AssignedRun const& assigned, TimePoint now) {
  Run& run = runs_.at(assigned.run);
  std::erase(run.holders, assigned.token);
  bool const again = !run.holders.empty() || run.state != RunState::claimed;
  if (!again) {
    --run.attempts;
    move(run, RunState::ready);
  }
  ready_.push_front({assigned.run, now, again});
}

Outcome NullRuns::refuse(Run const& run, ClaimRef const& claim, bool failure) const {
  if (contains(run.completed_by, claim.token)) return failure ? Outcome::rejected : Outcome::already_done;
  if (contains(run.failed_by, claim.token)) return failure ? Outcome::already_done : Outcome::rejected;
  return Outcome::stale_token;
}

Outcome NullRuns::renew(ClaimRef const& claim) const {
  auto const found = runs_.find(claim.run);
  if (found == runs_.end()) return Outcome::unknown_run;
  return contains(found->second.holders, claim.token) ? Outcome::ok : Outcome::stale_token;
}

Outcome NullRuns::complete(ClaimRef const& claim) {
  auto const found = runs_.find(claim.run);
  if (found == runs_.end()) return Outcome::unknown_run;
  Run& run = found->second;
  if (std::erase(run.holders, claim.token) == 0) return refuse(run, claim, false);
  run.completed_by.push_back(claim.token);
  run.submission.payload = {};
  move(run, RunState::completed);
  return Outcome::ok;
}

Outcome NullRuns::fail(ClaimRef const& claim, TimePoint now) {
  auto const found = runs_.find(claim.run);
  if (found == runs_.end()) return Outcome::unknown_run;
  Run& run = found->second;
  if (std::erase(run.holders, claim.token) == 0) return refuse(run, claim, true);
  run.failed_by.push_back(claim.token);
  if (!run.holders.empty() || run.state != RunState::claimed) return Outcome::ok;
  if (run.attempts >= run.submission.max_attempts.value_or(max_attempts_)) {
    move(run, RunState::dead);
  } else {
    move(run, RunState::ready);
    ready_.push_back({claim.run, now});
  }
  return Outcome::ok;
}

Depth NullRuns::depth(TimePoint now) const {
  Depth depth = depth_;
  if (!ready_.empty()) depth.oldest_ready_age = now - ready_.front().since;
  return depth;
}

}  // namespace assay
