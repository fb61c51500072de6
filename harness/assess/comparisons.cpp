#include "harness/assess/comparisons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace assay {
namespace {

template <class T>
bool contains(std::vector<T> const& values, T const& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

struct Measure {
  char const* metric;
  char const* statistic;
  bool more_is_worse;
};

constexpr std::array measures{Measure{"call_latency", "p99", true}, Measure{"dispatch_latency", "p99", true},
                              Measure{"throughput", "mean", false}};
constexpr Measure last_resort = measures.back();

// The figure of the worst repeat; nothing unless every one has it.
std::optional<Figure> worst(Measure const& measure, Trials const& trials) {
  std::optional<Figure> worst;
  for (auto const* trial : trials) {
    auto found = figure(*trial, measure.metric, measure.statistic);
    if (!found || (!measure.more_is_worse && !(found->estimate.value > 0))) return std::nullopt;
    bool const worse = !worst || (measure.more_is_worse ? found->estimate.value > worst->estimate.value
                                                        : found->estimate.value < worst->estimate.value);
    if (worse) worst = std::move(found);
  }
  return worst;
}

Measure first_of(Trials const& trials) {
  auto const found =
      std::ranges::find_if(measures, [&](auto const& measure) { return worst(measure, trials).has_value(); });
  return found == measures.end() ? last_resort : *found;
}

// What both have, or what is there.
Measure common_to(Trials const& ours, Trials const& theirs) {
  auto const found = std::ranges::find_if(
      measures, [&](auto const& measure) { return worst(measure, ours) && worst(measure, theirs); });
  return found == measures.end() ? first_of(theirs) : *found;
}

std::string why_not_compared(Trials const& trials) {
  for (auto const* trial : trials) {
    if (auto why = why_not_usable(*trial); !why.empty()) return why;
    if (auto const broken = ledger_problem(*trial); !broken.empty()) return "it breaks its promises: " + broken;
  }
  return {};
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

std::string Comparisons::differing_durability(std::string const& series) const {
  auto const ours = durability_of(assessed_), theirs = durability_of(series);
  if (ours == theirs || theirs.empty()) return {};
  return ours.empty() ? fmt::format("durability \"{}\"", theirs)
                      : fmt::format("durability \"{}\" instead of \"{}\"", theirs, ours);
}

std::string Comparisons::durability_words(std::string const& series) const {
  auto const ours = durability_of(assessed_), theirs = durability_of(series);
  if (ours == theirs || theirs.empty()) return {};
  return fmt::format(" (but its durability is \"{}\", {}'s is \"{}\")", theirs, assessed_, ours);
}

std::vector<SeriesComparison> Comparisons::list() const {
  std::vector<SeriesComparison> list;
  for (auto const& series : others_) {
    std::set<int> levels;
    for (auto const& trial : assessment_.trials)
      if (trial.series() == series) levels.insert(trial.runners);
    for (int const runners : levels) list.push_back(with(runners, series));
  }
  return list;
}

SeriesComparison Comparisons::with(int runners, std::string const& series) const {
  SeriesComparison comparison{.series = series, .runners = runners};
  comparison.durability = differing_durability(series);
  auto const theirs = trials_of(assessment_, runners, series), ours = all_usable(runners, assessed_);
  for (auto const* trial : theirs) comparison.trials.push_back(trial->id);
  comparison.why_not = why_not_compared(theirs);
  bool const judged = comparison.why_not.empty();
  auto const measure = judged ? common_to(ours, theirs) : first_of(ours.empty() ? theirs : ours);
  comparison.metric = measure.metric;
  comparison.statistic = measure.statistic;
  auto const our_figure = worst(measure, ours);
  auto const their_figure = judged ? worst(measure, theirs) : std::nullopt;
  if (auto const& either = their_figure ? their_figure : our_figure) comparison.unit = either->unit;
  if (our_figure) comparison.ours = our_figure->estimate;
  if (their_figure) {
    comparison.theirs = their_figure->estimate;
    comparison.n = their_figure->n;
  }
  if (our_figure && their_figure && our_figure->estimate.value > 0)
    comparison.times = their_figure->estimate.value / our_figure->estimate.value;
  if (judged && !their_figure)
    comparison.why_not = "it has neither a latency nor a throughput";
  else if (judged && !our_figure)
    comparison.why_not = fmt::format("{}: {}", assessed_, why_ours_missing(runners));
  return comparison;
}

std::string Comparisons::why_ours_missing(int runners) const {
  auto const trials = trials_of(assessment_, runners, assessed_);
  if (trials.empty()) return fmt::format("not measured at {} runners", runners);
  auto const why = why_not_compared(trials);
  return why.empty() ? "nothing was measured that both have" : why;
}

}  // namespace assay
