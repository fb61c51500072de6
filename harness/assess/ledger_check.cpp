#include "harness/assess/ledger_check.hpp"

#include "reference_coordinator/claim_core/tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace assay {
namespace {

constexpr std::size_t breaches_kept = 20;
constexpr TimePoint never = TimePoint::max();

// Both sides' events in one order, smallest form that the checks need.
struct Row {
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
    abandoned,  // the runner's
    created,
    delivered,
    completed,
    failed,
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
};
using What = Row::What;

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
  }
  return What::no_matter;
}

What what_of(CoordinatorEvent::Kind kind) {
  switch (kind) {
    case CoordinatorEvent::Kind::submitted: return What::created;
    case CoordinatorEvent::Kind::delivered: return What::delivered;
    case CoordinatorEvent::Kind::completed: return What::completed;
    case CoordinatorEvent::Kind::failed: return What::failed;
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

std::vector<Row> merged(LedgerInput const& input) {
  std::vector<Row> rows;
  rows.reserve(input.runners.size() + input.coordinator.size());
  for (auto const& e : input.runners)
    rows.push_back({e.run, e.time, e.token, e.actor, e.run_class, e.attempt, what_of(e.kind)});
  for (auto const& e : input.coordinator) rows.push_back({e.run, e.time, e.token, 0, 0, e.attempt, what_of(e.kind)});
  std::stable_sort(rows.begin(), rows.end(),
                   [](Row const& a, Row const& b) { return a.run != b.run ? a.run < b.run : a.time < b.time; });
  return rows;
}

struct ClaimOfRun {
  ClaimToken token;
  std::int32_t attempt = 0;
  TimePoint since;                  // first heard of
  TimePoint failed_at = never;      // accepted report
  TimePoint given_back_at = never;  // untouched
  TimePoint lost_at = never;        // lease
  TimePoint doubted_at = never;     // first report whose answer was cut off
  bool overlapped = false;          // by the next claim: a breach of I3, and no reason to call this token stale
  TimePoint ended_at() const { return std::min({failed_at, given_back_at, lost_at}); }
};

struct CompletionOfRun {
  ClaimToken token;
  TimePoint time;
};

struct TokenUse {
  ClaimToken token;
  RunId run;
};

class Checker {
 public:
  explicit Checker(LedgerInput const& input) : input_{input} {
    if (input.classes.empty() || input.kinds.empty()) return;
    for (auto const& run_class : input.classes)
      for (auto const& kind : input.kinds) fits_.push_back(TagSet{kind.tags}.includes(TagSet{run_class.tags}));
  }

  LedgerFigures check() {
    auto const rows = merged(input_);
    for (auto begin = rows.begin(); begin != rows.end();) {
      auto const end = std::find_if(begin, rows.end(), [&](Row const& row) { return row.run != begin->run; });
      check_run({begin, end});
      begin = end;
    }
    check_tokens();
    check_counts();
    return std::move(figures_);
  }

 private:
  void breach(char const* invariant, std::string what) {
    if (figures_.breaches.size() < breaches_kept) figures_.breaches.push_back({invariant, std::move(what)});
  }

  // What one run's rows say, gathered before anything is judged; members, so that a million runs reuse the memory.
  void gather(std::span<Row const> rows) {
    claims_.clear();
    completions_.clear();
    losses_.clear();
    for (auto const& row : rows) {
      if (row.what == What::received || row.what == What::delivered) see_claim(row);
      if (row.what == What::completed) completions_.push_back({row.token, row.time});
      if (row.what == What::lease_lost || row.what == What::dead) losses_.push_back(row.time);
    }
    for (auto const& row : rows) {
      if (row.what == What::told_completed &&
          std::none_of(completions_.begin(), completions_.end(), [&](auto const& c) { return c.token == row.token; }))
        completions_.push_back({row.token, row.time});
      auto* const claim = find(row.token);
      if (!claim) continue;
      if (row.what == What::failed || row.what == What::told_failed)
        claim->failed_at = std::min(claim->failed_at, row.time);
      if (row.what == What::given_back) claim->given_back_at = std::min(claim->given_back_at, row.time);
      if (row.what == What::report_in_doubt || row.what == What::doubted)
        claim->doubted_at = std::min(claim->doubted_at, row.time);
    }
    // A lost lease names no token: it is that of the newest claim that was known by then.
    for (auto const lost : losses_)
      for (auto claim = claims_.rbegin(); claim != claims_.rend(); ++claim)
        if (claim->since + hearing_delay < lost) {
          claim->lost_at = std::min(claim->lost_at, lost);
          break;
        }
  }

  void see_claim(Row const& row) {
    if (auto* const known = find(row.token)) {
      if (row.attempt != 0 && known->attempt != 0 && row.attempt != known->attempt) {
        ++figures_.doubled;
        breach("I3", fmt::format("run {}: token {} was used for attempt {} and again for attempt {}",
                                 to_string(row.run), to_string(row.token), known->attempt, row.attempt));
      }
      return;
    }
    claims_.push_back({.token = row.token, .attempt = row.attempt, .since = row.time});
    tokens_.push_back({row.token, row.run});
  }

  ClaimOfRun* find(ClaimToken token) {
    auto const found = std::find_if(claims_.begin(), claims_.end(), [&](auto const& c) { return c.token == token; });
    return found == claims_.end() ? nullptr : &*found;
  }

  void check_run(std::span<Row const> rows) {
    gather(rows);
    RunId const run = rows.front().run;
    check_completions(run);
    check_overlap(run);
    check_currency(run);
    check_tags(rows);
    check_attempts(run);
    count(rows);
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
            input_.lease > Duration{0} && claim.since + hearing_delay >= before.since + input_.lease;
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
      auto const* const claim = find(completion.token);
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
    known_dead_ += dead;
    std::uint64_t const doubtful_reports = completed ? 0 : unsettled_reports(rows);
    // Whoever gave up without an answer may have had one on its way.
    maybe_reported_ += !completed && (doubtful_reports > 0 || any(What::abandoned, What::doubted));
    figures_.in_doubt += doubtful_reports + (maybe_submitted ? 1 : 0);
    if (exists && !completed && !dead && (!suspect_ || (suspect_claimed_ && claims_.empty()))) {
      suspect_ = rows.front().run;
      suspect_claimed_ = !claims_.empty();
    }
  }

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

  LedgerInput const& input_;
  LedgerFigures figures_;
  std::vector<bool> fits_;  // class × kind
  std::vector<ClaimOfRun> claims_;
  std::vector<CompletionOfRun> completions_;
  std::vector<TimePoint> losses_;
  std::vector<TokenUse> tokens_;
  std::uint64_t existing_ = 0, maybe_existing_ = 0, with_completion_ = 0, known_dead_ = 0, maybe_reported_ = 0;
  std::optional<RunId> suspect_;  // a run that may be the lost one, rather one that was never given out
  bool suspect_claimed_ = false;
};

}  // namespace

LedgerFigures check_ledger(LedgerInput const& input) { return Checker{input}.check(); }

}  // namespace assay
