#include "harness/assess/criterion_evidence.hpp"

#include "harness/assess/guards.hpp"
#include "harness/assess/intervals.hpp"
#include "harness/assess/objectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace assay {
namespace {

using Finding = Reason::Finding;

std::string why_open(Criterion const& criterion, Figure const& figure) {
  auto const quantile = quantile_named(criterion.statistic);
  if (quantile && !figure.estimate.high && figure.n < samples_needed(*quantile))
    return fmt::format("n = {} is too few for {}: at least {} are needed", figure.n, criterion.statistic,
                       samples_needed(*quantile));
  if (!figure.estimate.low && !figure.estimate.high)
    return fmt::format("{} has no bounds: too few samples", name_of(criterion));
  return fmt::format("{} is {}, which does not settle whether it is above {}", name_of(criterion), show(figure),
                     show(criterion.above, figure.unit));
}

Finding finding_of(Criterion const& criterion, Figure const& figure) {
  if (figure.at_least() > criterion.above) return Finding::met;
  if (figure.at_most() <= criterion.above) return Finding::refuted;
  return Finding::undecided;
}

}  // namespace

std::string why_not_usable(TrialResult const& trial) {
  if (auto reason = why_not_judged(trial); !reason.empty()) return reason;
  if (trial.guards.empty()) return "the trial's instrument was not checked";
  for (auto const& guard : trial.guards)
    if (guard.state == Guard::State::not_available && is_essential(guard.name))
      return fmt::format("the trial's instrument was not checked: {} could not be measured", guard.name);
  return {};
}

std::string ledger_problem(TrialResult const& trial) {
  auto const& ledger = trial.ledger;
  if (ledger.lost == 0 && ledger.doubled == 0 && ledger.breaches.empty()) return {};
  std::string text = fmt::format("{} lost, {} doubled", ledger.lost, ledger.doubled);
  if (!ledger.breaches.empty())
    text += fmt::format("; {} broken: {}", ledger.breaches.front().invariant, ledger.breaches.front().what);
  return text;
}

LevelEvidence examine(Criterion const& criterion, int runners, Trials trials) {
  LevelEvidence level;
  level.runners = runners;
  level.trials = std::move(trials);
  bool all_met = !level.trials.empty(), all_refuted = all_met;
  std::vector<double> values;
  for (auto const* trial : level.trials) {
    auto const found = figure(*trial, criterion.metric, criterion.statistic);
    if (!found) {
      all_met = all_refuted = false;
      level.problem = fmt::format("{} was not measured in {}", name_of(criterion), trial->id);
      continue;
    }
    values.push_back(found->estimate.value);
    auto const finding = finding_of(criterion, *found);
    all_met = all_met && finding == Finding::met;
    all_refuted = all_refuted && finding == Finding::refuted;
    if (finding == Finding::undecided && level.problem.empty()) level.problem = why_open(criterion, *found);
    if (!level.figure || found->estimate.value > level.figure->estimate.value) {
      level.figure = found;
      level.worst = trial;
    }
  }
  level.finding = all_met ? Finding::met : all_refuted ? Finding::refuted : Finding::undecided;
  if (auto const mean = values.size() == level.trials.size() ? across_repeats(values) : std::nullopt) {
    level.across = Figure{.estimate = *mean, .n = values.size(), .unit = level.figure->unit};
    if (level.finding != Finding::undecided && finding_of(criterion, *level.across) != level.finding) {
      level.finding = Finding::undecided;
      level.problem = fmt::format("the repeats differ too much: {} is {} on average over {} of them",
                                  name_of(criterion), show(*level.across), values.size());
    }
  }
  if (level.finding == Finding::undecided && level.problem.empty())
    level.problem = level.trials.empty() ? "there is no usable trial"
                                         : fmt::format("the repeats disagree about {}", name_of(criterion));
  return level;
}

CriterionEvidence combine(Criterion const& criterion, std::vector<LevelEvidence> levels) {
  CriterionEvidence evidence{.criterion = &criterion, .levels = std::move(levels), .finding = Finding::undecided};
  auto const found = [](Finding finding) {
    return [finding](LevelEvidence const& level) { return level.finding == finding; };
  };
  if (std::any_of(evidence.levels.begin(), evidence.levels.end(), found(Finding::met)))
    evidence.finding = Finding::met;
  else if (!evidence.levels.empty() &&
           std::all_of(evidence.levels.begin(), evidence.levels.end(), found(Finding::refuted)))
    evidence.finding = Finding::refuted;
  return evidence;
}

LevelEvidence const* CriterionEvidence::worst() const {
  LevelEvidence const* worst = nullptr;
  for (auto const& level : levels) {
    if (!level.figure || (finding == Finding::met && level.finding != Finding::met)) continue;
    if (!worst || level.figure->estimate.value >= worst->figure->estimate.value)
      worst = &level;  // of equals the larger level
  }
  return worst;
}

std::string name_of(Criterion const& criterion) {
  std::string metric = criterion.metric;
  std::replace(metric.begin(), metric.end(), '_', ' ');
  if (metric.ends_with(" cpu")) metric.replace(metric.size() - 3, 3, "CPU");
  return metric + ' ' + criterion.statistic;
}

std::string what_dominates(TrialResult const& trial, Criterion const& criterion) {
  if (criterion.metric == "claim_latency")
    if (auto text = shortage_in_words(trial); !text.empty()) return text;
  if (criterion.metric == "claim_latency" || criterion.metric == "dispatch_latency") {
    struct Part {
      char const* name;
      LatencyFigures const& latency;
    };
    std::array const parts{Part{"waiting for the matcher", trial.dispatcher_wait},
                           Part{"the store's claim", trial.claim_commit},
                           Part{"writing the answer", trial.response_write}};
    auto const largest = std::max_element(parts.begin(), parts.end(), [](Part const& a, Part const& b) {
      return (a.latency.n ? a.latency.mean : 0) < (b.latency.n ? b.latency.mean : 0);
    });
    if (largest->latency.n > 0 && trial.dispatch_latency.n > 0 && trial.dispatch_latency.mean > 0)
      return fmt::format("{} takes the most, {} on average of a mean dispatch latency of {}", largest->name,
                         show(largest->latency.mean, "ms"), show(trial.dispatch_latency.mean, "ms"));
  }
  if (trial.coordinator.available && trial.database.available)
    return fmt::format("the coordinator keeps {} busy, the database {}",
                       show(trial.coordinator.cpu_cores_mean, "cores"), show(trial.database.cpu_cores_mean, "cores"));
  return {};
}

}  // namespace assay
