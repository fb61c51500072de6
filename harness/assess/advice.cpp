#include "harness/assess/advice.hpp"

#include "harness/assess/intervals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

std::string run(Assessment const& assessment, std::string_view options) {
  return fmt::format("`{} {}`", base_command(assessment), options);
}

// Rounded up to what a person would type.
std::string long_enough(double seconds) { return fmt::format("{:.0f}s", std::ceil(std::max(seconds, 10.0) / 10) * 10); }

bool has_failed(TrialResult const& trial, std::string_view name) {
  return std::any_of(trial.guards.begin(), trial.guards.end(),
                     [&](Guard const& g) { return g.name == name && g.state == Guard::State::failed; });
}

std::string times(double factor) {
  return factor >= 10 ? fmt::format("{:.0f}-fold", factor) : fmt::format("{:.1f}-fold", factor);
}

// From the largest level measured, where what the program does when idle weighs least.
std::string cpu_headroom(CriterionEvidence const& refuted, int largest_level) {
  auto const level = std::max_element(refuted.levels.begin(), refuted.levels.end(), [](auto const& a, auto const& b) {
    return (a.figure ? a.runners : 0) < (b.figure ? b.runners : 0);
  });
  if (level == refuted.levels.end() || !level->figure || level->figure->at_most() <= 0) return {};
  double const linear = level->runners * refuted.criterion->above / level->figure->at_most();
  double const limit = 2.0 * largest_level;
  auto text =
      fmt::format("At {} runners and {} it is {}: if it grows linearly, one is enough up to about {:.0f} runners",
                  level->runners, show(level->worst->accepted_per_s, "1/s"),
                  show(level->figure->estimate.value, level->figure->unit), std::min(linear, limit));
  if (linear > limit) text += " and probably more, but nothing is foretold beyond twice the largest level measured";
  return text;
}

}  // namespace

std::string base_command(Assessment const& assessment) {
  // "assay run FILE", whatever the options were and wherever the program is.
  auto const verb = assessment.command.find(" run ");
  if (verb != std::string::npos) {
    auto const file = verb + 5;
    auto const end = assessment.command.find(' ', file);
    if (file < assessment.command.size() && assessment.command[file] != '-') return assessment.command.substr(0, end);
  }
  return fmt::format("assay run scenarios/{}.yaml", assessment.scenario_name);
}

std::string measure_levels(Assessment const& assessment, std::vector<int> const& runners) {
  return run(assessment, fmt::format("--runners {}", fmt::join(runners, ",")));
}

std::string mend_trial(Assessment const& assessment, TrialResult const& trial) {
  auto const level = fmt::format("--runners {} --backend {}{}{}", trial.runners, trial.backend,
                                 trial.variant.empty() ? "" : " --variant ", trial.variant);
  if (trial.partial) return fmt::format("let it run to its end: {}", run(assessment, level));
  if (!trial.failure.empty())
    return fmt::format("mend what ended {} ({}), then {}", trial.id, trial.failure, run(assessment, level));
  for (auto const* name : {"achieved_rate", "generator_cpu", "schedule_lag", "loop_stalls", "steal", "throttled"})
    if (has_failed(trial, name)) {
      if (assessment.time_compression <= 1)
        return fmt::format("on a quieter or larger machine: {}", run(assessment, level));
      return fmt::format("on a quieter or larger machine, or with less time compression: {}",
                         run(assessment, fmt::format("{} --set time_compression={:.3g}", level,
                                                     std::max(1.0, assessment.time_compression / 2))));
    }
  if (has_failed(trial, "stationary"))
    return fmt::format("with a longer warm-up and a longer phase: {}",
                       run(assessment, fmt::format("{} --set phases.warm_up=30s --set phases.measure={}", level,
                                                   long_enough(2 * trial.measured_s))));
  if (has_failed(trial, "descriptors") || has_failed(trial, "ports"))
    return fmt::format("with a higher limit on open files (ulimit -n): {}", run(assessment, level));
  if (!trial.stable && trial.busy_share >= 0.95)
    return fmt::format("the runners are busy {:.0f} % of the time: with more runners or shorter runs, then {}",
                       100 * trial.busy_share, run(assessment, level));
  if (!trial.stable)
    return fmt::format("find the rate that it can keep up with: {}",
                       run(assessment, level + " --set load.runs_per_minute_per_runner=1"));
  return run(assessment, level);
}

std::string settle(Assessment const& assessment, Criterion const& criterion, LevelEvidence const& level) {
  auto const options = fmt::format("--runners {}", level.runners);
  if (!level.figure || !level.worst) return run(assessment, options);
  auto const quantile = quantile_named(criterion.statistic);
  auto const n = level.figure->n;
  double const measured_s = std::max(1.0, level.worst->measured_s);
  if (quantile && !level.figure->estimate.high && n > 0) {
    // Room for two samples over the bound; with none to spare a single slow one would send the reader back once more.
    double const factor = static_cast<double>(samples_needed(*quantile, 2)) / static_cast<double>(n);
    if (factor > 1)
      return run(assessment, fmt::format("{} --set phases.measure={}", options, long_enough(measured_s * factor)));
  }
  return run(assessment, fmt::format("{} --repeat 3 --set phases.measure={}", options, long_enough(4 * measured_s)));
}

std::string headroom(CriterionEvidence const& refuted, int largest_level) {
  auto const& criterion = *refuted.criterion;
  auto const* const worst = refuted.worst();
  if (!worst) return {};
  auto const& unit = worst->figure->unit;
  double const now = worst->figure->at_most();
  std::string const is = worst->figure->exact ? show(now, unit) : fmt::format("at most {}", show(now, unit));
  std::string text = fmt::format("\"{}\": ", criterion.text.empty() ? criterion.id : criterion.text);
  if (now > 0 && criterion.above > 0 && unit != "1/s")
    text += fmt::format("{} would have to rise {}, from {} to {}", name_of(criterion), times(criterion.above / now), is,
                        show(criterion.above, unit));
  else
    text += fmt::format("{} is {}; it would have to be above {}", name_of(criterion), is, show(criterion.above, unit));
  if (criterion.metric.ends_with("_cpu"))
    if (auto const cpu = cpu_headroom(refuted, largest_level); !cpu.empty()) text += ". " + cpu;
  return text + '.';
}

}  // namespace assay
