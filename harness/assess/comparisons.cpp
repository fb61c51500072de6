#include "harness/assess/comparisons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace assay {
namespace {

template <class T>
bool contains(std::vector<T> const& values, T const& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::optional<Figure> worst_dispatch(Trials const& trials) {
  std::optional<Figure> worst;
  for (auto const* trial : trials) {
    auto const found = figure(*trial, "dispatch_latency", "p99");
    if (found && (!worst || found->estimate.value > worst->estimate.value)) worst = found;
  }
  return worst;
}

// What compares trials of a backlog, of which nothing was due while it was measured.
std::optional<Figure> least_throughput(Trials const& trials) {
  std::optional<Figure> least;
  for (auto const* trial : trials) {
    auto const found = figure(*trial, "throughput", "mean");
    if (found && (!least || found->estimate.value < least->estimate.value)) least = found;
  }
  return least && least->estimate.value > 0 ? least : std::nullopt;
}

}  // namespace

Comparisons::Comparisons(Assessment const& assessment, Policy const& policy)
    : assessment_{assessment}, policy_{policy}, assessed_{assessed_series(assessment)} {
  for (auto const& trial : assessment.trials) {
    if (trial.series() == assessed_ || contains(others_, trial.series())) continue;
    others_.push_back(trial.series());
    if (is_queue(trial.backend)) queues_.push_back(trial.series());
  }
}

bool Comparisons::is_queue(std::string const& backend) const { return contains(policy_.queue_backends, backend); }

int Comparisons::largest_level() const {
  int largest = 0;
  for (auto const& trial : assessment_.trials)
    if (trial.series() == assessed_) largest = std::max(largest, trial.runners);
  return largest;
}

Trials Comparisons::usable(int runners, std::string const& series) const {
  Trials trials;
  for (auto const* trial : trials_of(assessment_, runners, series))
    if (why_not_usable(*trial).empty() && ledger_problem(*trial).empty()) trials.push_back(trial);
  return trials;
}

Trials Comparisons::all_usable(int runners, std::string const& series) const {
  auto trials = usable(runners, series);
  return trials.size() == trials_of(assessment_, runners, series).size() ? trials : Trials{};
}

std::optional<LevelEvidence> Comparisons::removed_by(CriterionEvidence const& met, std::string const& series) const {
  std::optional<LevelEvidence> last;
  for (auto const& level : met.levels) {
    if (level.finding != Reason::Finding::met) continue;
    auto found = examine(*met.criterion, level.runners, all_usable(level.runners, series));
    if (found.finding != Reason::Finding::refuted) return std::nullopt;
    last = std::move(found);
  }
  return last;
}

std::optional<BetterQueue> Comparisons::better_queue() const {
  int const runners = largest_level();
  auto const ours = all_usable(runners, assessed_);
  if (ours.empty()) return std::nullopt;
  double at_least = std::numeric_limits<double>::infinity();
  for (auto const* trial : ours) {
    auto const found = figure(*trial, "dispatch_latency", "p99");
    at_least = std::min(at_least, found ? found->at_least() : 0);
  }
  std::optional<BetterQueue> best;
  for (auto const& series : queues_) {
    auto theirs = all_usable(runners, series);
    if (theirs.empty()) continue;
    double at_most = 0;
    for (auto const* trial : theirs) {
      auto const found = figure(*trial, "dispatch_latency", "p99");
      at_most = std::max(at_most, found ? found->at_most() : std::numeric_limits<double>::infinity());
    }
    if (at_most <= policy_.better_by_at_least * at_least && (!best || at_most < best->at_most_ms))
      best = BetterQueue{series, runners, at_most, at_least, std::move(theirs)};
  }
  return best;
}

std::string Comparisons::durability_of(std::string const& series) const {
  for (auto const& facts : assessment_.backends)
    if (facts.name == backend_of(series)) return facts.durability;
  return {};
}

std::string Comparisons::durability_words(std::string const& series) const {
  auto const ours = durability_of(assessed_), theirs = durability_of(series);
  if (ours == theirs || theirs.empty()) return {};
  return fmt::format(" (but its durability is \"{}\", {}'s is \"{}\")", theirs, assessed_, ours);
}

std::vector<Reason> Comparisons::notes() const {
  std::vector<Reason> notes;
  for (auto const& series : others_) {
    std::set<int> levels;
    for (auto const& trial : assessment_.trials)
      if (trial.series() == series) levels.insert(trial.runners);
    for (int const runners : levels) notes.push_back(note(runners, series));
  }
  return notes;
}

Reason Comparisons::note(int runners, std::string const& series) const {
  Reason note;
  note.criterion = "comparison";
  note.finding = Reason::Finding::note;
  auto const trials = trials_of(assessment_, runners, series);
  std::string why;
  for (auto const* trial : trials) {
    note.trials.push_back(trial->id);
    if (why.empty()) why = why_not_usable(*trial);
  }
  auto const where = fmt::format("{} at {} runners", series, runners);
  auto theirs = worst_dispatch(trials);
  bool const by_throughput = !theirs;
  if (by_throughput) theirs = least_throughput(trials);
  if (why.empty() && !theirs) why = "neither dispatch latency nor throughput was measured";
  if (!why.empty()) {
    note.text = fmt::format("{}: no comparison, {}.", where, why);
    return note;
  }
  note.text = fmt::format("{}: {} {}", where, by_throughput ? "completed runs" : "dispatch latency p99", show(*theirs));
  auto const of_ours = all_usable(runners, assessed_);
  if (auto const ours = by_throughput ? least_throughput(of_ours) : worst_dispatch(of_ours))
    note.text += fmt::format(", against {} of {}", show(*ours), assessed_);
  note.text += durability_words(series) + '.';
  note.n = theirs->n;
  note.figure = theirs->estimate;
  note.unit = theirs->unit;
  return note;
}

}  // namespace assay
