#include "harness/assess/ledger_check.hpp"

#include "harness/assess/ledger_leases.hpp"
#include "harness/assess/ledger_order.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace assay {
namespace {

constexpr std::size_t breaches_kept = 20;
using What = LedgerRow::What;
using Row = LedgerRow;

struct TokenUse {
  ClaimToken token;
  RunId run;
};

class Checker {
 public:
  explicit Checker(LedgerInput const& input) : input_{input}, order_{input} {
    if (input.classes.empty() || input.kinds.empty()) return;
    for (auto const& run_class : input.classes)
      for (auto const& kind : input.kinds) fits_.push_back(TagSet{kind.tags}.includes(TagSet{run_class.tags}));
  }

  LedgerFigures check() {
    auto const rows = merge_ledgers(input_.runners, input_.coordinator);
    for (auto begin = rows.begin(); begin != rows.end();) {
      auto const end = std::find_if(begin, rows.end(), [&](Row const& row) { return row.run != begin->run; });
      check_run({begin, end});
      begin = end;
    }
    check_tokens();
    check_counts();
    order_.finish(figures_);
    check_rest();
    return std::move(figures_);
  }

 private:
  void breach(char const* invariant, std::string what) { add_breach(figures_, invariant, std::move(what)); }

  void check_run(std::span<Row const> rows) {
    life_.gather(rows);
    RunId const run = rows.front().run;
    check_leases(run, life_, input_, figures_);
    order_.see(rows, life_);
    see_tokens(run);
    check_completions(run);
    check_overlap(run);
    check_currency(run);
    check_tags(rows);
    check_attempts(run);
    count(rows);
  }

  void see_tokens(RunId run) {
    for (auto const& claim : claims_) {
      tokens_.push_back({claim.token, run});
      if (claim.reused_for == 0) continue;
      ++figures_.doubled;
      breach("I3", fmt::format("run {}: token {} was used for attempt {} and again for attempt {}", to_string(run),
                               to_string(claim.token), claim.attempt, claim.reused_for));
    }
  }

  void check_completions(RunId run) {  // I2
    if (completions_.size() < 2) return;
    figures_.doubled += completions_.size() - 1;
    breach("I2", fmt::format("run {}: {} completions accepted, by tokens {} and {}", to_string(run),
                             completions_.size(), to_string(completions_[0].token), to_string(completions_[1].token)));
  }

  void check_overlap(RunId run) {  // I3
    for (std::size_t i = 1; i < claims_.size(); ++i) {
      auto &before = claims_[i - 1], &claim = claims_[i];
      auto const completed = std::find_if(completions_.begin(), completions_.end(), [&](auto const& c) {
        return c.token == before.token && c.time + hearing_delay < claim.since;
      });
      if (before.ended_at() <= claim.since + hearing_delay && completed == completions_.end()) continue;
      if (completed == completions_.end()) {
        // A report that was cut off may have been a failure that counted, and the run is given out again before its
        // runner has asked what became of it.
        if (before.doubted_at <= claim.since + hearing_delay) continue;
        bool const lease_over =
            input_.shortest_lease > Duration{0} && claim.since + hearing_delay >= before.since + input_.shortest_lease;
        if (lease_over) {
          before.lost_at = claim.since;
          continue;
        }
      }
      before.overlapped = true;
      ++figures_.doubled;
      breach("I3",
             fmt::format("run {}: given out under token {} {} token {}", to_string(run), to_string(claim.token),
                         completed == completions_.end() ? "while it was held under" : "after it was completed under",
                         to_string(before.token)));
    }
  }

  void check_currency(RunId run) {  // I4
    for (auto const& completion : completions_) {
      auto const* const claim = life_.find(completion.token);
      std::string why;
      if (!claim) {
        why = "nobody was ever given this token for this run";
      } else if (claim->failed_at < completion.time) {
        why = "the same token had reported a failure";
      } else if (claim->lost_at < completion.time) {
        why = "its lease had been swept";
      } else if (claim->given_back_at < completion.time && claim != &claims_.back() && !claim->overlapped &&
                 (claim + 1)->since < completion.time) {
        why = fmt::format("the run had been given back and out again, under token {}", to_string((claim + 1)->token));
      }
      if (why.empty()) continue;
      ++figures_.doubled;
      breach("I4", fmt::format("run {}: completion accepted by token {}, but {}", to_string(run),
                               to_string(completion.token), why));
    }
  }

  void check_tags(std::span<Row const> rows) {  // I5
    if (fits_.empty()) return;
    auto const submitted =
        std::find_if(rows.begin(), rows.end(), [](Row const& r) { return r.what == What::submitted; });
    if (submitted == rows.end() || submitted->run_class >= input_.classes.size()) return;
    for (auto const& row : rows) {
      if (row.what != What::received || row.actor >= input_.kind_of_actor.size()) continue;
      auto const kind = input_.kind_of_actor[row.actor];
      if (kind >= input_.kinds.size() || fits_[submitted->run_class * input_.kinds.size() + kind]) continue;
      breach("I5", fmt::format("run {}: requires [{}], was given to runner {} that offers [{}], under token {}",
                               to_string(row.run), fmt::join(input_.classes[submitted->run_class].tags, ", "),
                               row.actor, fmt::join(input_.kinds[kind].tags, ", "), to_string(row.token)));
    }
  }

  void check_attempts(RunId run) {  // I8
    std::int32_t used = 0, highest = 0;
    for (auto const& claim : claims_) {
      used += claim.given_back_at == never && !claim.overlapped;
      highest = std::max(highest, claim.attempt);
    }
    if (std::max(used, highest) <= input_.max_attempts) return;
    breach("I8", fmt::format("run {}: attempt {} of at most {}, under token {}", to_string(run),
                             std::max(used, highest), input_.max_attempts, to_string(claims_.back().token)));
  }

  void count(std::span<Row const> rows) {
    auto const any = [&](auto... what) {
      return std::any_of(rows.begin(), rows.end(), [&](Row const& r) { return ((r.what == what) || ...); });
    };
    bool const accepted = any(What::accepted);
    bool const exists = accepted || any(What::created) || !claims_.empty() || !completions_.empty() || !losses_.empty();
    bool const completed = !completions_.empty();
    bool const dead = !completed && (any(What::dead) || std::any_of(claims_.begin(), claims_.end(), [&](auto const& c) {
                                       return c.failed_at != never && c.attempt >= input_.max_attempts;
                                     }));
    bool const maybe_submitted =
        !exists && (any(What::submit_in_doubt, What::doubted) || (any(What::submitted) && !any(What::submit_failed)));
    figures_.accepted += accepted;
    figures_.completed += completions_.size() == 1;
    figures_.reexecuted += std::any_of(claims_.begin(), claims_.end(),
                                       [&](auto const& c) { return &c != &claims_.back() && c.lost_at != never; });
    existing_ += exists;
    maybe_existing_ += maybe_submitted;
    with_completion_ += completed;
    maybe_held_ += !completed && (!claims_.empty() || maybe_submitted) && !known_to_have_ended();
    known_dead_ += dead;
    std::uint64_t const doubtful_reports = completed ? 0 : unsettled_reports(rows);
    // Whoever gave up without an answer may have had one on its way.
    maybe_reported_ += !completed && (doubtful_reports > 0 || any(What::abandoned, What::died, What::doubted));
    figures_.in_doubt += doubtful_reports + (maybe_submitted ? 1 : 0);
    if (any(What::died)) count_orphan(rows.front().run, completed, dead);
    if (exists && !completed && !dead && (!suspect_ || (suspect_claimed_ && claims_.empty()))) {
      suspect_ = rows.front().run;
      suspect_claimed_ = !claims_.empty();
    }
  }

  // A run whose runner died with it. It is stranded while that claim is the last thing that happened to it.
  void count_orphan(RunId run, bool completed, bool dead) {
    ++figures_.orphaned;
    figures_.recovered += completed;
    if (claims_.empty()) return;
    auto const& last = claims_.back();
    bool const held = last.died_at != never && last.ended_at() == never && last.doubted_at == never;
    if (completed || dead || !held) return;
    ++figures_.stranded;
    if (figures_.stranded_runs.size() >= breaches_kept) return;
    figures_.stranded_runs.push_back(fmt::format("run {}: claimed by runner {} under token {}, attempt {}",
                                                 to_string(run), last.holder, to_string(last.token), last.attempt));
  }

  bool known_to_have_ended() const { return !claims_.empty() && claims_.back().ended_at() != never; }

  // Reports that were cut off and never settled by a later answer or by the coordinator's ledger.
  std::uint64_t unsettled_reports(std::span<Row const> rows) const {
    std::uint64_t unsettled = 0;
    for (auto const& row : rows) {
      if (row.what != What::report_in_doubt) continue;
      unsettled += std::none_of(rows.begin(), rows.end(), [&](Row const& r) {
        return r.token == row.token &&
               (r.what == What::told_failed || r.what == What::failed || r.what == What::refused);
      });
    }
    return unsettled;
  }

  void check_tokens() {  // I3, across runs
    std::sort(tokens_.begin(), tokens_.end(),
              [](auto const& a, auto const& b) { return a.token != b.token ? a.token < b.token : a.run < b.run; });
    for (std::size_t i = 1; i < tokens_.size(); ++i) {
      if (tokens_[i].token != tokens_[i - 1].token) continue;
      ++figures_.doubled;
      breach("I3", fmt::format("token {} was used for run {} and for run {}", to_string(tokens_[i].token),
                               to_string(tokens_[i - 1].run), to_string(tokens_[i].run)));
    }
  }

  void check_counts() {  // I1 and I10
    if (!input_.final_depth) {
      figures_.dead = known_dead_;
      figures_.queued = existing_ - with_completion_ - known_dead_;
      return;
    }
    auto const& depth = *input_.final_depth;
    figures_.dead = depth.dead;
    figures_.queued = depth.delayed + depth.ready + depth.claimed;
    if (depth.total() < existing_) {
      figures_.lost = existing_ - depth.total();
      std::string what = fmt::format("{} of {} runs are in no state any more: the store holds {}", figures_.lost,
                                     existing_, depth.total());
      if (suspect_)
        what += fmt::format("; run {} was {} and never ended", to_string(*suspect_),
                            suspect_claimed_ ? "given out" : "never given out");
      breach("I1", std::move(what));
    }
    if (depth.total() > existing_ + maybe_existing_)
      breach("I10", fmt::format("the store holds {} runs, {} more than were submitted", depth.total(),
                                depth.total() - existing_ - maybe_existing_));
    if (depth.completed + figures_.lost < with_completion_)
      breach("I10",
             fmt::format("{} completions were acknowledged, the store has {}", with_completion_, depth.completed));
    if (depth.completed > with_completion_ + maybe_reported_)
      breach("I10", fmt::format("the store has {} completed runs, {} more than were reported", depth.completed,
                                depth.completed - with_completion_ - maybe_reported_));
  }

  void check_rest() {  // I12
    if (!input_.at_rest) return;
    for (auto const& left : *input_.at_rest)
      if (left.count > left.allowed)
        breach("I12", fmt::format("when nothing moved any more there were {} {}, at most {} may be", left.count,
                                  left.what, left.allowed));
    // A store that lost runs or forgot completions has told its story above.
    bool const counts_are_right = std::none_of(figures_.breaches.begin(), figures_.breaches.end(), [](auto const& b) {
      return b.invariant == "I1" || b.invariant == "I10";
    });
    if (input_.final_depth && input_.all_claims_known && counts_are_right && input_.final_depth->claimed > maybe_held_)
      breach("I12",
             fmt::format("when nothing moved any more {} runs were claimed, and at most {} of them by a claim that "
                         "anybody knows of",
                         input_.final_depth->claimed, maybe_held_));
  }

  LedgerInput const& input_;
  LedgerFigures figures_;
  std::vector<bool> fits_;  // class × kind
  OrderCheck order_;
  RunLife life_;
  std::vector<ClaimOfRun>& claims_ = life_.claims;
  std::vector<CompletionOfRun>& completions_ = life_.completions;
  std::vector<TimePoint>& losses_ = life_.losses;
  std::vector<TokenUse> tokens_;
  std::uint64_t existing_ = 0, maybe_existing_ = 0, with_completion_ = 0, known_dead_ = 0, maybe_reported_ = 0,
                maybe_held_ = 0;
  std::optional<RunId> suspect_;  // a run that may be the lost one, rather one that was never given out
  bool suspect_claimed_ = false;
};

}  // namespace

bool keeps_breaches(LedgerFigures const& figures) { return figures.breaches.size() < breaches_kept; }

bool add_breach(LedgerFigures& figures, char const* invariant, std::string what) {
  if (!keeps_breaches(figures)) return false;
  figures.breaches.push_back({invariant, std::move(what)});
  return true;
}

LedgerFigures check_ledger(LedgerInput const& input) { return Checker{input}.check(); }

}  // namespace assay
