// Was anything lost or doubled? Merges what the runners and the coordinators wrote down about every run, and what they
// count at the end, and checks the contract's invariants I1–I12 on them (docs/contract.md), after every trial.
//
// What the ledgers can't settle is counted as in doubt, never guessed: a submission that was cut off may exist, so it
// is neither lost when it isn't there nor wrong when it is. Easy to get wrong: the two sides write an event down when
// they hear of it. A claim is `delivered` after the answer was written, a lease `expired` when the sweep's answer is
// back, so neighbouring events of one run may be a little out of order (`hearing_delay`); and a coordinator that is
// killed takes up to a second of its ledger with it.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/ledger_life.hpp"
#include "harness/scenario/scenario.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace assay {

struct LedgerInput {
  std::span<RunEvent const> runners;              // of submitters and runners, whole trial, any order
  std::span<CoordinatorEvent const> coordinator;  // of all coordinators, any order
  std::optional<Depth>
      final_depth;  // of the store when nothing was in flight any more; without it I1 and I10 can't be checked
  int max_attempts = 3;
  // A claim older than the shortest may have lost its lease without anybody writing it down: a sweep whose answer was
  // cut off, a coordinator that was killed. 0: every lost lease was written down. The longest is for I9. They differ
  // where a lease is shorter until the runner has been heard of.
  Duration shortest_lease{}, longest_lease{};
  // For I5; empty: every run fits every runner. kind_of_actor as in split_claims(): entry 0 is the submitters'.
  std::span<RunClass const> classes;
  std::span<RunnerKind const> kinds;
  std::span<std::uint32_t const> kind_of_actor;

  // For I6 and I7: what the backend declares, and how many batches may pass a run that waits: none when all batches
  // come one after the other (one coordinator), otherwise as many as may be out at once.
  struct Order {
    bool fifo = false, priority = false;
    std::uint64_t tolerated_batches = 0;
  } order;
  // For I9: how long after its end a lease may be unswept, delays of the coordinator's own included; and when the store
  // was looked at last. Nothing: not checked.
  std::optional<Duration> sweep_within;
  TimePoint observed_until = never;
  // For I12: what the coordinators had left when nothing moved any more. Nothing: not checked.
  struct Leftover {
    std::string_view what;  // "parked polls"
    std::uint64_t count = 0, allowed = 0;
  };
  std::optional<std::vector<Leftover>> at_rest;
  bool all_claims_known = false;  // no claim or release was cut off: leases that no ledger knows are leaks
};

// `completed` counts runs with exactly one accepted completion, `in_doubt` submissions and reports that nothing
// settled, `doubled` every claim or completion that breaks I2–I4. A million events take well under a second.
LedgerFigures check_ledger(LedgerInput const& input);

// False when there are as many as are kept already.
bool add_breach(LedgerFigures& figures, char const* invariant, std::string what);
bool keeps_breaches(LedgerFigures const& figures);

}  // namespace assay
