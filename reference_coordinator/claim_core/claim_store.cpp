#include "reference_coordinator/claim_core/claim_store.hpp"

#include <algorithm>

namespace assay {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::already_done: return "already_done";
    case Outcome::stale_token: return "stale_token";
    case Outcome::unknown_run: return "unknown_run";
    case Outcome::rejected: return "rejected";
    case Outcome::unavailable: return "unavailable";
    case Outcome::in_doubt: return "in_doubt";
  }
  return "unknown";
}

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::delayed: return "delayed";
    case RunState::ready: return "ready";
    case RunState::claimed: return "claimed";
    case RunState::completed: return "completed";
    case RunState::dead: return "dead";
  }
  return "unknown";
}

bool is_acceptable(RunSpec const& run) {
  return run.payload.size() <= max_payload_bytes && run.priority >= lowest_priority &&
         run.priority <= highest_priority && run.max_attempts >= 1 && run.delay >= Duration::zero();
}

Awaitable<Result<Submitted>> ClaimStore::submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand>, Duration) {
  auto outcomes = co_await submit(std::move(runs));
  if (!outcomes) co_return outcomes.error();
  Submitted submitted;
  submitted.outcomes = *std::move(outcomes);
  co_return submitted;
}

Duration RetryPolicy::delay_after(int attempt) const {
  int const doublings = std::clamp(attempt - 1, 0, 30);
  return base > limit / (std::int64_t{1} << doublings) ? limit : base * (std::int64_t{1} << doublings);
}

}  // namespace assay
