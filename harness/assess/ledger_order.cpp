#include "harness/assess/ledger_order.hpp"

#include "reference_coordinator/claim_core/tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace assay {

namespace {

using What = LedgerRow::What;

// How many of the values put in are below a bound (Fenwick 1994), over values known beforehand.
class CountBelow {
 public:
  explicit CountBelow(std::vector<TimePoint> values) : values_{std::move(values)} {
    std::sort(values_.begin(), values_.end());
    counts_.resize(values_.size() + 1);
  }
  void put(TimePoint value) {
    for (std::size_t i = rank(value) + 1; i < counts_.size(); i += i & (~i + 1)) ++counts_[i];
  }
  std::uint64_t below(TimePoint bound) const {
    std::uint64_t sum = 0;
    for (std::size_t i = rank(bound); i > 0; i &= i - 1) sum += counts_[i];
    return sum;
  }

 private:
  std::size_t rank(TimePoint value) const {
    return static_cast<std::size_t>(std::lower_bound(values_.begin(), values_.end(), value) - values_.begin());
  }
  std::vector<TimePoint> values_;
  std::vector<std::uint64_t> counts_;
};

// The answer to its submission: from then on the store has it.
TimePoint ready_since(std::span<LedgerRow const> rows) {
  TimePoint ready = never;
  for (auto const& row : rows)
    if (row.what == What::created || row.what == What::accepted) ready = std::min(ready, row.time);
  return ready;
}

// Whether something happened to it before it was first heard of as claimed: then it was claimed before.
bool was_claimed_unheard(std::span<LedgerRow const> rows) {
  for (auto const& row : rows) {
    if (row.what == What::received || row.what == What::delivered) return row.attempt != 1;
    if (row.what == What::lease_lost || row.what == What::dead || row.what == What::given_back ||
        row.what == What::failed || row.what == What::completed)
      return true;
  }
  return false;
}

}  // namespace

OrderCheck::OrderCheck(LedgerInput const& input) : input_{input} {
  std::map<std::pair<TagSet, int>, std::uint32_t> lines;
  for (auto const& run_class : input.classes) {
    TagSet const required{run_class.tags};
    auto const number = static_cast<std::uint32_t>(lines.size());
    line_of_.push_back(lines.try_emplace({required, run_class.priority}, number).first->second);
    auto& fits = fits_.emplace_back();
    for (auto const& kind : input.kinds) fits.push_back(TagSet{kind.tags}.includes(required));
  }
}

void OrderCheck::see(std::span<LedgerRow const> rows, RunLife const& life) {
  if (!input_.order.fifo && !input_.order.priority) return;
  auto const sent = std::find_if(rows.begin(), rows.end(), [](auto const& r) { return r.what == What::submitted; });
  if (sent == rows.end() || sent->run_class >= line_of_.size()) return;
  for (auto const& claim : life.claims) {
    if (claim.asked == TimePoint{}) continue;
    bool const known = claim.holder > 0 && claim.holder < input_.kind_of_actor.size();
    given_.push_back({sent->time, claim.asked, claim.claimed, sent->run, claim.token, sent->run_class,
                      known ? input_.kind_of_actor[claim.holder] : none});
  }
  TimePoint const ready = ready_since(rows);
  if (ready == never || was_claimed_unheard(rows)) return;
  TimePoint const asked = life.claims.empty() ? never : life.claims.front().asked;
  if (asked == TimePoint{}) return;
  waiting_.push_back({ready, asked, sent->run, sent->run_class});
}

void OrderCheck::finish(LedgerFigures& figures) {
  // Runs that were never given out are waiting only if the store still has them all as ready: one of them may be lost
  // (I1 says so), or be claimed without anybody knowing.
  auto const unclaimed =
      std::count_if(waiting_.begin(), waiting_.end(), [](auto const& run) { return run.asked == never; });
  if (!input_.final_depth || static_cast<std::uint64_t>(unclaimed) > input_.final_depth->ready)
    std::erase_if(waiting_, [](auto const& run) { return run.asked == never; });
  std::sort(waiting_.begin(), waiting_.end(), [](auto const& a, auto const& b) { return a.ready < b.ready; });
  std::sort(given_.begin(), given_.end(), [](auto const& a, auto const& b) { return a.claimed < b.claimed; });
  if (input_.order.fifo) check_fifo(figures);
  if (input_.order.priority) check_priority(figures);
}

void OrderCheck::check_fifo(LedgerFigures& figures) const {
  auto const lines = line_of_.empty() ? 0 : *std::max_element(line_of_.begin(), line_of_.end()) + 1;
  std::vector<std::vector<Waiting const*>> waiting(lines);
  std::vector<std::vector<Given const*>> given(lines);
  for (auto const& run : waiting_) waiting[line_of_[run.run_class]].push_back(&run);
  for (auto const& claim : given_) given[line_of_[claim.run_class]].push_back(&claim);
  for (std::size_t line = 0; line < lines; ++line)
    check(figures, "I6", std::move(waiting[line]), std::move(given[line]));
}

void OrderCheck::check_priority(LedgerFigures& figures) const {
  std::map<int, bool> priorities;
  for (auto const& run_class : input_.classes) priorities[run_class.priority];
  for (std::uint32_t kind = 0; kind < input_.kinds.size(); ++kind) {
    for (auto const& [priority, unused] : priorities) {
      std::vector<Waiting const*> waiting;
      std::vector<Given const*> given;
      for (auto const& run : waiting_)
        if (input_.classes[run.run_class].priority == priority && fits_[run.run_class][kind]) waiting.push_back(&run);
      if (waiting.empty()) continue;
      for (auto const& claim : given_)
        if (claim.kind == kind && input_.classes[claim.run_class].priority < priority) given.push_back(&claim);
      check(figures, "I7", std::move(waiting), std::move(given));
    }
  }
}

void OrderCheck::check(LedgerFigures& figures, char const* invariant, std::vector<Waiting const*> waiting,
                       std::vector<Given const*> given) const {
  if (waiting.empty() || given.empty()) return;
  bool const fifo = invariant == std::string_view{"I6"};
  // A run of a lower priority is passed by whatever its age.
  auto const begins = [fifo](Given const& claim) { return fifo ? std::min(claim.sent, claim.asked) : claim.asked; };

  // A batch counts once, by the run of it that began last.
  std::map<std::pair<TimePoint, TimePoint>, TimePoint> batches;
  for (auto const* claim : given) {
    auto& latest = batches[{claim->asked, claim->claimed}];
    latest = std::max(latest, begins(*claim));
  }
  struct Batch {
    TimePoint begins, claimed;
  };
  std::vector<Batch> by_begin;
  std::vector<TimePoint> ends;
  for (auto const& [batch, latest] : batches) {
    by_begin.push_back({latest, batch.second});
    ends.push_back(batch.second);
  }
  std::sort(by_begin.begin(), by_begin.end(), [](Batch const& a, Batch const& b) { return a.begins > b.begins; });

  CountBelow answered{std::move(ends)};
  auto batch = by_begin.begin();
  for (auto run = waiting.rbegin(); run != waiting.rend(); ++run) {  // from the last that became ready
    Waiting const& passed = **run;
    for (; batch != by_begin.end() && batch->begins > passed.ready; ++batch) answered.put(batch->claimed);
    auto const passes = answered.below(passed.asked);
    if (passes <= input_.order.tolerated_batches) continue;
    if (!keeps_breaches(figures)) return;
    auto const first = std::find_if(given.begin(), given.end(), [&](Given const* claim) {
      return begins(*claim) > passed.ready && claim->claimed < passed.asked;
    });
    add_breach(
        figures, invariant,
        fmt::format("run {} was ready, and {} gave out {} first, the first of them run {} under token {}{}",
                    to_string(passed.run), passes == 1 ? "a batch" : fmt::format("{} batches", passes),
                    fifo ? "younger runs of its tags and priority" : "runs of a lower priority to runners it fits",
                    to_string((*first)->run), to_string((*first)->token),
                    input_.order.tolerated_batches == 0
                        ? ""
                        : fmt::format(" (at most {} may)", input_.order.tolerated_batches)));
  }
}

}  // namespace assay
