#include "harness/assess/objectives.hpp"

#include "harness/assess/figure.hpp"
#include "harness/assess/intervals.hpp"

#include <fmt/format.h>

namespace assay {
namespace {

using State = ObjectiveResult::State;
using Comparison = Objective::Comparison;

State compare(Figure const& figure, Comparison comparison, double bound) {
  double const low = figure.at_least(), high = figure.at_most();
  switch (comparison) {
    case Comparison::less: return high < bound ? State::met : low >= bound ? State::missed : State::undecided;
    case Comparison::less_equal: return high <= bound ? State::met : low > bound ? State::missed : State::undecided;
    case Comparison::greater: return low > bound ? State::met : high <= bound ? State::missed : State::undecided;
    case Comparison::greater_equal: return low >= bound ? State::met : high < bound ? State::missed : State::undecided;
  }
  return State::undecided;
}

bool wants_small(Comparison comparison) {
  return comparison == Comparison::less || comparison == Comparison::less_equal;
}

std::string why_undecided(Objective const& objective, Figure const& figure) {
  auto const quantile = quantile_named(objective.statistic);
  if (quantile && wants_small(objective.comparison) && !figure.estimate.high) {
    if (auto const needed = samples_needed(*quantile); figure.n < needed)
      return fmt::format("{} samples are too few: {} needs at least {} at 95 % confidence, with none over the bound",
                         figure.n, objective.statistic, needed);
    return fmt::format("{} of {} samples are beyond what the histogram can hold", objective.statistic, figure.n);
  }
  if (!figure.estimate.low && !figure.estimate.high) return "too few samples for any bound";
  return fmt::format("{}; the bound {} lies between what is certain on either side; n = {}", show(figure),
                     show(objective.bound, figure.unit), figure.n);
}

std::string why_missed(Objective const& objective, TrialResult const& trial, Figure const& figure) {
  if (objective.metric != "claim_latency") return fmt::format("{}, n = {}", show(figure), figure.n);
  auto const shortage = shortage_in_words(trial);
  if (shortage.empty()) return fmt::format("{}, n = {}", show(figure), figure.n);
  auto const dispatch = assay::figure(trial, "dispatch_latency", objective.statistic);
  bool const alone = dispatch && compare(*dispatch, objective.comparison, objective.bound) == State::met;
  return fmt::format("missed by runner shortage{}: {}", alone ? " alone" : " for the greater part", shortage);
}

}  // namespace

std::string shortage_in_words(TrialResult const& trial) {
  if (trial.shortage_share < 0.5 || trial.claim_latency.n == 0) return {};
  std::string text = fmt::format("{:.0f} % of claim latency is waiting for a free runner", 100 * trial.shortage_share);
  if (trial.dispatch_latency.n > 0)
    text += fmt::format("; dispatch latency p99 is {}", show(trial.dispatch_latency.p99.value, "ms"));
  return text + ". More runners would help, a queue would not.";
}

std::string why_not_judged(TrialResult const& trial) {
  if (trial.partial) return "the trial was interrupted";
  if (!trial.failure.empty()) return fmt::format("the trial failed: {}", trial.failure);
  if (!trial.books.balance) return "the trial is invalid: its books do not balance";
  for (auto const& guard : trial.guards)
    if (guard.state == Guard::State::failed)
      return fmt::format("the trial is invalid: {} is {:.3g}, the rule is {}", guard.name, guard.measured, guard.rule);
  if (!trial.stable)
    return fmt::format("unstable at this rate: the backlog grew by {} throughout",
                       show(trial.backlog_slope_per_s.value, "1/s"));
  return {};
}

ObjectiveResult judge(Objective const& objective, TrialResult const& trial) {
  ObjectiveResult result;
  result.text = objective.text;
  result.bound = objective.bound;
  auto const found = figure(trial, objective.metric, objective.statistic);
  if (found) {
    result.measured = found->estimate;
    result.n = found->n;
  }
  if (auto reason = why_not_judged(trial); !reason.empty()) {
    bool const promise = objective.metric == "lost" || objective.metric == "doubled";
    if (promise && found && compare(*found, objective.comparison, objective.bound) == State::missed) {
      result.state = State::missed;
      result.reason = fmt::format("{} {}, whatever else happened", show(*found), objective.metric);
      return result;
    }
    result.reason = std::move(reason);
    return result;
  }
  if (!found) {
    result.reason = fmt::format("{} was not measured in this trial", objective.metric);
    return result;
  }
  result.state = compare(*found, objective.comparison, objective.bound);
  switch (result.state) {
    case State::met: result.reason = fmt::format("{}, n = {}", show(*found), found->n); break;
    case State::missed: result.reason = why_missed(objective, trial, *found); break;
    case State::undecided: result.reason = why_undecided(objective, *found); break;
  }
  return result;
}

}  // namespace assay
