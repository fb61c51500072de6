#include "harness/scenario/plan.hpp"

#include "harness/assess/figure.hpp"
#include "harness/assess/intervals.hpp"
#include "harness/base/text.hpp"
#include "harness/scenario/parse.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace assay {

namespace {

// Two slow claims may be forgiven in a comfortable plan: one outlier must not decide a trial.
constexpr std::uint64_t comfortable_over = 2;
// compare_halves() of a per-second series asks for as many (trend.hpp).
constexpr Duration shortest_for_halves = seconds{20};

// Trials that the same scenario is measured by, whatever the backend.
struct Subject {
  Scenario scenario;
  int runners = 0;
  std::string name;  // "500 runners", "4 runners, queued-2000"
};

std::vector<Subject> subjects_of(Scenario const& scenario) {
  std::vector<Subject> subjects;
  for (auto const& level : scenario.levels) {
    auto name = fmt::format("{} runners{}{}", level.runners, level.variant.empty() ? "" : ", ", level.variant);
    auto const known = [&](Subject const& subject) { return subject.name == name; };
    if (std::none_of(subjects.begin(), subjects.end(), known))
      subjects.push_back({scenario_for(scenario, level), level.runners, std::move(name)});
  }
  std::stable_sort(subjects.begin(), subjects.end(),
                   [](auto const& a, auto const& b) { return a.runners < b.runners; });
  return subjects;
}

struct Question {
  std::string text;  // "claim_latency: p99 < 5s"
  std::string metric, statistic;
  double quantile = 0;
};

// What bounds a quantile, asked by an objective or a trigger; each once.
std::vector<Question> questions_of(Scenario const& scenario, Policy const& policy) {
  std::vector<Question> questions;
  auto const ask = [&](std::string const& text, std::string const& metric, std::string const& statistic) {
    auto const quantile = quantile_named(statistic);
    auto const known = std::any_of(questions.begin(), questions.end(),
                                   [&](auto const& q) { return q.metric == metric && q.statistic == statistic; });
    if (quantile && !known) questions.push_back({text, metric, statistic, *quantile});
  };
  for (auto const& objective : scenario.objectives) ask(objective.text, objective.metric, objective.statistic);
  for (auto const& trigger : policy.triggers) {
    ask(fmt::format("{}: {}", trigger.metric, trigger.statistic), trigger.metric, trigger.statistic);
  }
  return questions;
}

// Expected values of a latency in one measured phase. Nothing where it depends on how the coordinator batches.
std::optional<double> samples_of(Scenario const& scenario, std::string const& metric, int runners) {
  if (metric == "heartbeat_latency") {
    return runners * to_seconds(scenario.phases.measure) / to_seconds(scenario.fleet.heartbeat);
  }
  if (metric.starts_with("store_") || metric == "claim_commit" || scenario.load.concurrency) return std::nullopt;
  return expected_runs(scenario, runners);
}

double counted_on(double expected, Scenario const& scenario, std::string const& metric) {
  bool const random = scenario.load.arrivals == LoadSpec::Arrivals::poisson && metric != "heartbeat_latency";
  return random ? std::max(0.0, expected - 2 * std::sqrt(expected)) : expected;
}

// How many of n values may be over; nothing when n is too small for any statement.
std::optional<std::uint64_t> may_be_over(double q, double n) {
  auto const count = static_cast<std::uint64_t>(n);
  if (count < samples_needed(q)) return std::nullopt;
  auto const rank = quantile_ranks(q, count).high;
  return rank ? std::optional{count - *rank} : std::nullopt;
}

// How long the measured phase has to be to count on that many values.
Duration measure_for(std::uint64_t needed, double expected, Scenario const& scenario) {
  double const n = static_cast<double>(needed);
  double const values = scenario.load.arrivals == LoadSpec::Arrivals::poisson ? n + 2 * std::sqrt(n) + 2 : n;
  double const exact_s = to_seconds(scenario.phases.measure) * values / expected;
  double const step_s = exact_s > 600 ? 60 : exact_s > 120 ? 10 : 1;  // rounded up to what people would write
  return seconds{std::llround(std::ceil(exact_s / step_s) * step_s)};
}

std::string enough(Question const& question, Subject const& subject, double counted, std::uint64_t over) {
  return fmt::format("{}, `{}`: {:.0f} values or more, of which {} may be over the bound", subject.name, question.text,
                     counted, over);
}

std::string too_few(Question const& question, Subject const& subject, double expected,
                    std::optional<std::uint64_t> over) {
  auto const& scenario = subject.scenario;
  double const per_minute = expected * 60 / to_seconds(scenario.phases.measure);
  return fmt::format(
      "{}: `{}` at 95 % confidence needs {} values with none over the bound, {} with one, {} with two, {} with "
      "three, which takes {} to {} at {:.3g} a minute; yours yields about {:.0f} in {}, {}. Measure {} or longer",
      subject.name, question.text, samples_needed(question.quantile, 0), samples_needed(question.quantile, 1),
      samples_needed(question.quantile, 2), samples_needed(question.quantile, 3),
      format_duration(measure_for(samples_needed(question.quantile, 0), expected, scenario)),
      format_duration(measure_for(samples_needed(question.quantile, 3), expected, scenario)), per_minute, expected,
      format_duration(scenario.phases.measure),
      !over        ? "and shows nothing"
      : *over == 0 ? "and shows nothing as soon as one is over"
                   : "and shows nothing as soon as two are over",
      format_duration(measure_for(samples_needed(question.quantile, comfortable_over), expected, scenario)));
}

PlannedLevel planned(Scenario const& scenario, Level const& level) {
  PlannedLevel planned{.runners = level.runners, .backend = series_of(level.backend, level.variant)};
  planned.callers = scenario.load.concurrency;
  planned.backlog = scenario.load.backlog;
  planned.runs_per_minute = offered_rate(scenario, level.runners) * mean_factor(scenario.load.profile) * 60;
  planned.claims = expected_runs(scenario, level.runners);
  planned.claims_at_least = counted_on(planned.claims, scenario, "claim_latency");
  planned.busy_share = offered_busy_share(scenario, level.runners);
  for (auto const* name : {"p50", "p95", "p99", "p99.9"}) {
    double const q = quantile_named(name).value();
    planned.quantiles.push_back({name, samples_needed(q), may_be_over(q, planned.claims_at_least)});
  }
  return planned;
}

void ask(PlanStatement& statement, Question const& question, Subject const& subject) {
  auto const expected = samples_of(subject.scenario, question.metric, subject.runners);
  if (!expected) {
    statement.limits.push_back(
        fmt::format("{}, `{}`: how many values there will be depends on how {}.", subject.name, question.text,
                    subject.scenario.load.concurrency ? "fast the callers are answered" : "the coordinator batches"));
    return;
  }
  double const counted = counted_on(*expected, subject.scenario, question.metric);
  auto const over = may_be_over(question.quantile, counted);
  if (over && *over >= comfortable_over) {
    statement.shows.push_back(enough(question, subject, counted, *over));
  } else {
    statement.warnings.push_back(too_few(question, subject, *expected, over));
  }
}

void check_policy(PlanStatement& statement, Scenario const& scenario, Policy const& policy,
                  std::set<int> const& measured) {
  std::vector<int> missing;
  for (int const required : policy.required_runners) {
    if (!measured.contains(required)) missing.push_back(required);
  }
  if (!missing.empty()) {
    statement.warnings.push_back(fmt::format(
        "the policy {} asks for {} runners too, and this plan doesn't measure them: the verdict will be inconclusive",
        policy.name, fmt::join(missing, ", ")));
  }
  if (policy.queue_backends.empty()) return;
  bool const has_queue = std::any_of(scenario.levels.begin(), scenario.levels.end(), [&](auto const& level) {
    return std::ranges::find(policy.queue_backends, level.backend) != policy.queue_backends.end();
  });
  if (!has_queue) {
    statement.limits.push_back(
        fmt::format("No message queue among the backends ({} would count): the verdict can't become \"needed\" or "
                    "\"consider\", whatever is measured.",
                    fmt::join(policy.queue_backends, ", ")));
  }
}

}  // namespace

PlanStatement plan_statement(Scenario const& scenario, Policy const& policy) {
  PlanStatement statement;
  statement.repeat = scenario.repeat;
  statement.trials = scenario.levels.size() * static_cast<std::size_t>(scenario.repeat);
  statement.measure = scenario.phases.measure;
  statement.duration = estimated_duration(scenario);
  std::set<int> sizes;
  for (auto const& level : scenario.levels) {
    statement.levels.push_back(planned(scenario_for(scenario, level), level));
    sizes.insert(level.runners);
  }
  auto const subjects = subjects_of(scenario);
  for (auto const& question : questions_of(scenario, policy)) {
    for (auto const& subject : subjects) ask(statement, question, subject);
  }
  for (auto const& subject : subjects) {
    double const busy = offered_busy_share(subject.scenario, subject.runners);
    if (busy < 1) continue;
    statement.warnings.push_back(fmt::format(
        "{}: the load needs {:.2f} times as many; the backlog grows for certain, and no queue can mend that",
        subject.name, busy));
  }
  check_policy(statement, scenario, policy, sizes);
  if (scenario.repeat == 1) {
    statement.limits.emplace_back(
        "One trial of each level: its intervals speak for that trial, and say nothing of how much another one would "
        "differ (--repeat 3 would).");
  }
  if (scenario.phases.measure < shortest_for_halves) {
    statement.limits.push_back(fmt::format("Less than {} are measured: whether the trial had settled can't be tested.",
                                           humanize(shortest_for_halves)));
  }
  return statement;
}

}  // namespace assay
