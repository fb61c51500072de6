// The claim store: what a queue technology has to do for the coordinator, said once for all backends. docs/contract.md
// has the clauses; tests/conformance runs them over every registered backend. Verbs take batches, because batches are
// what make a claim path fast; each answers item by item, in the order of its input. A store does not time itself
// (MeasuredStore does) and knows no HTTP and no runner. Easy to get wrong: an operation cut off after sending is
// `in_doubt`, never a guess.
//
// To add a backend: a folder under backends/, an `open_…` function, one add_backend() line (backends/CMakeLists.txt).
#pragma once

#include "harness/base/async.hpp"
#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/ids.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

inline constexpr int lowest_priority = -100;
inline constexpr int highest_priority = 100;
inline constexpr std::size_t max_payload_bytes = 256 * 1024;

struct RunSpec {
  RunId id;
  TagSet required;
  int priority = 0;  // higher first, lowest_priority … highest_priority; equal priorities are first in, first out
  std::string payload;
  int max_attempts = 3;  // ≥ 1; the attempt after the last one is a dead letter
  Duration delay{};      // not ready before now + delay on the store's clock
};

// Whether a store may take it; everything else is `rejected`.
bool is_acceptable(RunSpec const& run);

// "Up to `count` runs for a runner that offers `offered`." The order of demands is the order of who waits longest.
struct Demand {
  TagSet offered;
  std::string runner;  // who holds the claim, for lookups and logs; not part of the fence
  std::uint32_t count = 1;
};

struct Claim {
  std::uint32_t demand = 0;  // index into the demands
  RunId run;
  int attempt = 1;  // 1, 2, …; a release gives the attempt back
  ClaimToken token;
  TagSet required;
  int priority = 0;
  std::string payload;
};

struct ClaimRef {
  RunId run;
  ClaimToken token;
};

struct Completion {
  RunId run;
  ClaimToken token;
  std::string result;
};

struct FailedAttempt {
  RunId run;
  ClaimToken token;
  std::string cause;
};

enum class Outcome : std::uint8_t {
  ok,
  already_done,  // the same token said the same before (or the same submission id was accepted before)
  stale_token,   // the claim is not current any more: somebody else holds the run, or it is done
  unknown_run,
  rejected,     // against a rule, e.g. a contradictory second report
  unavailable,  // nothing happened
  in_doubt      // it may have happened
};

std::string_view to_string(Outcome outcome);

enum class RunState : std::uint8_t { delayed, ready, claimed, completed, dead };

std::string_view to_string(RunState state);

struct RunView {  // what a lookup shows
  RunId id;
  RunState state = RunState::ready;
  TagSet required;
  int priority = 0;
  int attempts = 0;
  std::string runner;  // the holder while claimed, the last holder afterwards
  std::string result;  // after completion: the runner's result; of a dead letter: the cause
};

struct SweepResult {
  std::vector<RunId> requeued;  // leases that ran out, ready again
  std::vector<RunId> dead;      // leases that ran out on the last attempt
  std::size_t released = 0;     // delayed runs that became ready
};

struct Depth {
  std::uint64_t delayed = 0, ready = 0, claimed = 0, completed = 0, dead = 0;
  Duration oldest_ready_age{};

  std::uint64_t total() const { return delayed + ready + claimed + completed + dead; }
};

// Attempt n that failed is ready again after base·2^(n−1), at most `limit`. A lost lease waits for nothing but the
// sweep.
struct RetryPolicy {
  Duration base = milliseconds{200};
  Duration limit = seconds{30};

  Duration delay_after(int attempt) const;
};

struct Submitted {
  std::vector<Outcome> outcomes;  // by run
  std::vector<Claim> claims;      // of the demands that came with them
};

// Claims that lost a race and other events a store counts itself, because they can't be seen from outside.
struct StoreCounters {
  std::uint64_t claim_attempts = 0;   // tries to take a run; one that found none to take counts as one
  std::uint64_t claim_conflicts = 0;  // tries that found a run and lost it to somebody else
  std::uint64_t reconnects = 0;
};

// What only some stores have to tell, for the report: keys, bytes, replies. Of the whole store: all coordinators tell
// the same, or the largest counts; of a coordinator: they add up.
struct StoreFigure {
  enum class Of : std::uint8_t { store, coordinator };
  std::string name;  // "memory_bytes"
  double value = 0;
  Of of = Of::store;
};

class ClaimStore {
 public:
  virtual ~ClaimStore() = default;

  // Durable when answered `ok`, to the extent of the declared durability. A known id is `already_done` and changes
  // nothing.
  virtual Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) = 0;

  // The same, and in the same commit claim() for `demands`: "sync match", one commit between a submission and the
  // runner that waits for it. A store may leave a demand without, for whatever reason, so an empty answer says nothing
  // about what is ready; but what it gives is what claim() might have given. Here: no claims.
  virtual Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                        Duration lease);

  // Takes ready runs for the demands, highest priority first, then first in first out; never more than count each. An
  // empty answer means that nothing fitted when the store looked.
  virtual Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) = 0;

  // The lease is `lease` from now on the store's clock. stale_token after expiry *and* sweep.
  virtual Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) = 0;

  virtual Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) = 0;

  // The attempt is burnt: ready again after RetryPolicy's delay, or a dead letter with its cause.
  virtual Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) = 0;

  // Given back untouched: same attempt number next time, and its old place in the order.
  virtual Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) = 0;

  // Expired leases (at most `max`) back to ready or to the dead letters, and delayed runs whose time has come to ready.
  virtual Awaitable<Result<SweepResult>> sweep(std::size_t max) = 0;

  virtual Awaitable<Result<Depth>> depth() = 0;
  virtual Awaitable<Result<std::optional<RunView>>> find(RunId id) = 0;

  virtual StoreCounters counters() const = 0;
  // As of the last depth(), where they are the server's.
  virtual std::vector<StoreFigure> figures() const { return {}; }
  // Batches or statements that were handed over and are not answered yet, plus those waiting for a free connection.
  virtual std::size_t pending_writes() const = 0;

  // Waits for what is in flight, then closes connections. Nothing may be called afterwards.
  virtual Awaitable<void> close() = 0;
};

}  // namespace assay
