#include "harness/assess/ledger_leases.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

void check_sweep(RunId run, RunLife const& life, LedgerInput const& input, LedgerFigures& figures) {  // I9
  for (auto const& claim : life.claims) {
    TimePoint const over = claim.alive_at + input.longest_lease;
    bool const swept = claim.lost_at != never;
    // Held to the end of the trial, as far as anybody knows.
    bool const held = &claim == &life.claims.back() && claim.ended_at() == never && claim.doubted_at == never &&
                      life.completions.empty() && input.observed_until != never;
    if (!swept && !held) continue;
    Duration const late = (swept ? claim.lost_at : input.observed_until) - over;
    if (late <= *input.sweep_within) continue;
    add_breach(figures, "I9",
               fmt::format("run {}: the lease under token {} was over and {} after {}, {} were allowed", to_string(run),
                           to_string(claim.token), swept ? "swept only" : "not swept even", humanize(late),
                           humanize(*input.sweep_within)));
  }
}

bool overlap(ClaimOfRun const& a, ClaimOfRun const& b) {
  return a.holder != b.holder && a.received_at < b.let_go_at && b.received_at < a.let_go_at;
}

bool any_overlap(RunLife const& life) {  // I11
  auto const& claims = life.claims;
  for (std::size_t i = 0; i < claims.size(); ++i)
    for (std::size_t j = i + 1; j < claims.size(); ++j)
      if (claims[i].holder != 0 && claims[j].holder != 0 && overlap(claims[i], claims[j])) return true;
  return false;
}

}  // namespace

void check_leases(RunId run, RunLife const& life, LedgerInput const& input, LedgerFigures& figures) {
  if (input.sweep_within && input.longest_lease > Duration{0}) check_sweep(run, life, input, figures);
  figures.overlapping += any_overlap(life);
}

}  // namespace assay
