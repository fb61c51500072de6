#include "harness/cli/plan_text.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace assay {

namespace {

std::string show(PlannedLevel::Quantile const& quantile) {
  return quantile.over ? fmt::format("{} over", *quantile.over) : fmt::format("needs {}", quantile.needed);
}

std::string list(std::string_view heading, std::vector<std::string> const& sentences) {
  if (sentences.empty()) return {};
  std::string text = fmt::format("\n{}\n", heading);
  for (auto const& sentence : sentences) text += fmt::format("  - {}\n", sentence);
  return text;
}

boost::json::array to_json(std::vector<std::string> const& sentences) {
  boost::json::array array;
  for (auto const& sentence : sentences) array.emplace_back(sentence);
  return array;
}

}  // namespace

std::string printed_plan(Scenario const& scenario, PlanStatement const& plan) {
  std::string text = fmt::format("{}: {} trials that measure {} each, about {} altogether\n\n", scenario.title,
                                 plan.trials, humanize(plan.measure), humanize(plan.duration));
  std::size_t width = std::string_view{"postgres-skip-locked"}.size() + 2;
  for (auto const& level : plan.levels) width = std::max(width, columns_of(level.backend));
  text += fmt::format("{:>7}  {:<{}} {:>9} {:>8} {:>6}", "runners", "backend", width, "runs/min", "claims", "busy");
  if (!plan.levels.empty()) {
    for (auto const& quantile : plan.levels.front().quantiles) text += fmt::format(" {:>12}", quantile.name);
  }
  text += '\n';
  for (auto const& level : plan.levels) {
    text += fmt::format("{:>7}  {:<{}} ", level.runners, level.backend, width);
    if (level.callers || level.backlog) {
      text += level.callers ? fmt::format("closed loop, {} callers: as many as are answered\n", *level.callers)
                            : fmt::format("a backlog of {} runs: as fast as they are worked\n", *level.backlog);
      continue;
    }
    text += fmt::format("{:>9.6g} {:>8.0f} {:>4.0f} %", level.runs_per_minute, level.claims, 100 * level.busy_share);
    for (auto const& quantile : level.quantiles) text += fmt::format(" {:>12}", show(quantile));
    text += '\n';
  }
  bool const quantiles =
      std::ranges::any_of(plan.levels, [](auto const& level) { return !level.callers && !level.backlog; });
  if (quantiles) {
    text +=
        "\n(how many of a trial's claims may be over a bound that its quantile is still below with 95 % confidence;\n"
        "or how many claims it would take when none is over)\n";
  }
  text += list("It can show:", plan.shows);
  text += list("It cannot show:", plan.warnings);
  text += list("Whatever comes out:", plan.limits);
  text.pop_back();
  return text;
}

std::string plan_json(Scenario const& scenario, PlanStatement const& plan) {
  boost::json::array levels;
  for (auto const& level : plan.levels) {
    boost::json::object quantiles;
    for (auto const& quantile : level.quantiles) {
      boost::json::object entry{{"needed", quantile.needed}};
      if (quantile.over) entry["over"] = *quantile.over;
      quantiles[quantile.name] = std::move(entry);
    }
    boost::json::object entry{{"runners", level.runners},
                              {"backend", level.backend},
                              {"runs_per_minute", level.runs_per_minute},
                              {"claims", level.claims},
                              {"claims_at_least", level.claims_at_least},
                              {"busy_share", level.busy_share},
                              {"quantiles", std::move(quantiles)}};
    if (level.callers) entry["callers"] = *level.callers;
    if (level.backlog) entry["backlog"] = *level.backlog;
    levels.push_back(std::move(entry));
  }
  return boost::json::serialize(boost::json::object{{"scenario", scenario.name},
                                                    {"trials", plan.trials},
                                                    {"repeat", plan.repeat},
                                                    {"measure_s", to_seconds(plan.measure)},
                                                    {"duration_s", to_seconds(plan.duration)},
                                                    {"levels", std::move(levels)},
                                                    {"shows", to_json(plan.shows)},
                                                    {"warnings", to_json(plan.warnings)},
                                                    {"limits", to_json(plan.limits)}});
}

}  // namespace assay
