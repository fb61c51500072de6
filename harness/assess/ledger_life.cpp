#include "harness/assess/ledger_life.hpp"

#include <algorithm>

namespace assay {

namespace {

using What = LedgerRow::What;

What what_of(RunEvent::Kind kind) {
  switch (kind) {
    case RunEvent::Kind::submitted: return What::submitted;
    case RunEvent::Kind::accepted: return What::accepted;
    case RunEvent::Kind::submit_in_doubt: return What::submit_in_doubt;
    case RunEvent::Kind::submit_failed: return What::submit_failed;
    case RunEvent::Kind::received: return What::received;
    case RunEvent::Kind::completed: return What::told_completed;
    case RunEvent::Kind::failed: return What::told_failed;
    case RunEvent::Kind::report_refused: return What::refused;
    case RunEvent::Kind::report_in_doubt: return What::report_in_doubt;
    case RunEvent::Kind::abandoned: return What::abandoned;
    case RunEvent::Kind::died: return What::died;
  }
  return What::no_matter;
}

What what_of(CoordinatorEvent::Kind kind) {
  switch (kind) {
    case CoordinatorEvent::Kind::submitted: return What::created;
    case CoordinatorEvent::Kind::delivered: return What::delivered;
    case CoordinatorEvent::Kind::completed: return What::completed;
    case CoordinatorEvent::Kind::failed: return What::failed;
    case CoordinatorEvent::Kind::renewed:
    case CoordinatorEvent::Kind::renewal_in_doubt: return What::renewed;
    case CoordinatorEvent::Kind::given_back: return What::given_back;
    case CoordinatorEvent::Kind::expired: return What::lease_lost;
    case CoordinatorEvent::Kind::dead: return What::dead;
    case CoordinatorEvent::Kind::in_doubt: return What::doubted;
    case CoordinatorEvent::Kind::completed_again:
    case CoordinatorEvent::Kind::failed_again:
    case CoordinatorEvent::Kind::stale:
    case CoordinatorEvent::Kind::contradicted:
    case CoordinatorEvent::Kind::unknown: break;
  }
  return What::no_matter;
}

void note_earliest(TimePoint& known, TimePoint time) { known = std::min(known, time); }

}  // namespace

std::vector<LedgerRow> merge_ledgers(std::span<RunEvent const> runners, std::span<CoordinatorEvent const> coordinator) {
  std::vector<LedgerRow> rows;
  rows.reserve(runners.size() + coordinator.size());
  for (auto const& e : runners)
    rows.push_back({e.run, e.time, e.token, e.actor, e.run_class, e.attempt, what_of(e.kind)});
  for (auto const& e : coordinator)
    rows.push_back({e.run, e.time, e.token, 0, 0, e.attempt, what_of(e.kind), e.asked, e.claimed});
  std::stable_sort(rows.begin(), rows.end(), [](LedgerRow const& a, LedgerRow const& b) {
    return a.run != b.run ? a.run < b.run : a.time < b.time;
  });
  return rows;
}

void RunLife::gather(std::span<LedgerRow const> rows) {
  claims.clear();
  completions.clear();
  losses.clear();
  for (auto const& row : rows) {
    if (row.what == What::received || row.what == What::delivered) see_claim(row);
    if (row.what == What::completed) completions.push_back({row.token, row.time});
    if (row.what == What::lease_lost || row.what == What::dead) losses.push_back(row.time);
  }
  for (auto const& row : rows) see_what_became_of_it(row);
  // A lost lease names no token: it is that of the newest claim that was known by then.
  for (auto const lost : losses)
    for (auto claim = claims.rbegin(); claim != claims.rend(); ++claim)
      if (claim->since + hearing_delay < lost) {
        note_earliest(claim->lost_at, lost);
        break;
      }
}

ClaimOfRun* RunLife::find(ClaimToken token) {
  auto const found = std::find_if(claims.begin(), claims.end(), [&](auto const& c) { return c.token == token; });
  return found == claims.end() ? nullptr : &*found;
}

void RunLife::see_claim(LedgerRow const& row) {
  auto* claim = find(row.token);
  if (!claim) {
    claim = &claims.emplace_back();
    claim->token = row.token;
    claim->attempt = row.attempt;
    claim->since = claim->alive_at = row.time;
  } else if (row.attempt != 0 && claim->attempt != 0 && row.attempt != claim->attempt) {
    claim->reused_for = row.attempt;
  }
  if (row.asked != TimePoint{} && claim->asked == TimePoint{}) {
    claim->asked = row.asked;
    claim->claimed = row.claimed;
  }
  if (row.what == What::received && claim->holder == 0) {
    claim->holder = row.actor;
    claim->received_at = row.time;
  }
}

void RunLife::see_what_became_of_it(LedgerRow const& row) {
  if (row.what == What::told_completed &&
      std::none_of(completions.begin(), completions.end(), [&](auto const& c) { return c.token == row.token; }))
    completions.push_back({row.token, row.time});
  auto* const claim = find(row.token);
  if (!claim) return;
  switch (row.what) {
    case What::failed: note_earliest(claim->failed_at, row.time); break;
    case What::told_failed:
      note_earliest(claim->failed_at, row.time);
      note_earliest(claim->let_go_at, row.time);
      break;
    case What::told_completed:
    case What::refused:
    case What::abandoned: note_earliest(claim->let_go_at, row.time); break;
    case What::died:
      note_earliest(claim->died_at, row.time);
      note_earliest(claim->let_go_at, row.time);
      break;
    case What::given_back: note_earliest(claim->given_back_at, row.time); break;
    case What::report_in_doubt:
    case What::doubted: note_earliest(claim->doubted_at, row.time); break;
    case What::renewed: claim->alive_at = std::max(claim->alive_at, row.time); break;
    default: break;
  }
}

}  // namespace assay
