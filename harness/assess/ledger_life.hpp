// One run's life, as both sides' ledgers tell it, gathered before anything is judged: who claimed it when and until
// when, which completions were accepted, which leases were lost. Used by the checks (ledger_check.cpp,
// ledger_order.cpp). Easy to get wrong: a lost lease is written down without its token, and an actor writes an event
// down when it hears of it (hearing_delay).
#pragma once

#include "harness/assess/coordinator_ledger.hpp"
#include "harness/measure/observation.hpp"

#include <optional>
#include <span>
#include <vector>

namespace assay {

inline constexpr Duration hearing_delay = milliseconds{100};
inline constexpr TimePoint never = TimePoint::max();

// Both sides' events in one order, smallest form that the checks need.
struct LedgerRow {
  enum class What : std::uint8_t {
    submitted,
    accepted,
    submit_in_doubt,
    submit_failed,  // the submitter's
    received,
    told_completed,
    told_failed,
    refused,
    report_in_doubt,
    abandoned,
    died,  // the runner's
    created,
    delivered,
    completed,
    failed,
    renewed,  // or may have been
    given_back,
    lease_lost,
    dead,
    doubted,
    no_matter  // the coordinator's
  };
  RunId run;
  TimePoint time;
  ClaimToken token;
  std::uint32_t actor = 0, run_class = 0;
  std::int32_t attempt = 0;
  What what = What::no_matter;
  TimePoint asked{}, claimed{};  // of `delivered`; zero: not said
};

// By run, and of one run by time.
std::vector<LedgerRow> merge_ledgers(std::span<RunEvent const> runners, std::span<CoordinatorEvent const> coordinator);

struct ClaimOfRun {
  ClaimToken token;
  std::int32_t attempt = 0;
  TimePoint since;                                   // first heard of
  TimePoint asked{}, claimed{};                      // of the store; zero: not said
  TimePoint alive_at;                                // last time that the lease may have been made as long as ever
  TimePoint failed_at = never;                       // accepted report
  TimePoint given_back_at = never;                   // untouched
  TimePoint lost_at = never;                         // lease
  TimePoint doubted_at = never;                      // first report whose answer was cut off
  TimePoint died_at = never;                         // its holder, while it had it
  std::uint32_t holder = 0;                          // the runner that received it; 0: none did
  TimePoint received_at = never, let_go_at = never;  // by the holder
  bool overlapped = false;      // by the next claim: a breach of I3, and no reason to call this token stale
  std::int32_t reused_for = 0;  // another attempt that the same token was used for; 0: none

  TimePoint ended_at() const { return std::min({failed_at, given_back_at, lost_at}); }
};

struct CompletionOfRun {
  ClaimToken token;
  TimePoint time;
};

struct RunLife {
  std::vector<ClaimOfRun> claims;            // in the order in which they were heard of
  std::vector<CompletionOfRun> completions;  // accepted
  std::vector<TimePoint> losses;             // of leases

  // `rows` of one run. Forgets the run before, and reuses its memory.
  void gather(std::span<LedgerRow const> rows);
  ClaimOfRun* find(ClaimToken token);

 private:
  void see_claim(LedgerRow const& row);
  void see_what_became_of_it(LedgerRow const& row);
};

}  // namespace assay
