// What stands in the place of "claim latency by number of runners" where trials differ in more than runners and
// backend: one row per trial, because there is no axis on which the variants have an order.
#include "reports/charts/chart.hpp"
#include "reports/charts/latency_rows.hpp"
#include "reports/charts/option.hpp"
#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

using namespace option;

std::optional<Chart> claim_latency_by_trial_chart(Assessment const& assessment) {
  LatencyRows rows;
  json::array dispatch;
  auto const bound = latency_bound(assessment);
  if (bound) rows.reach(bound->ms);
  for (auto const& cell : cells_of(assessment)) {
    auto const& trial = cell.worst();
    if (!has_percentiles(trial)) continue;
    double const own = std::max(trial.dispatch_latency.p99.value, indiscernible_ms);
    rows.add(judged_row_name_of(assessment, cell), std::max(trial.claim_latency.p50.value, indiscernible_ms),
             std::max(trial.claim_latency.p99.value, indiscernible_ms));
    rows.reach(own);
    dispatch.push_back(named_point(rows.last_name(), {own, rows.last_row()}));
  }
  if (rows.size() == 0) return std::nullopt;

  auto base = rows.option(44, fixed(R"({
    "legend": ["Claim latency p50", "Claim latency p99", "Dispatch latency p99"],
    "dots": [
      {"type": "scatter", "name": "Claim latency p50", "symbolSize": 9, "color": "color:soft", "itemStyle": {"opacity": 1}},
      {"type": "scatter", "name": "Claim latency p99", "symbolSize": 12, "color": "color:strong", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "right", "formatter": "fn:first_duration", "color": "color:ink"}},
      {"type": "scatter", "name": "Dispatch latency p99", "symbol": "diamond", "symbolSize": 8, "color": "color:second",
       "itemStyle": {"opacity": 1}}]})"));
  auto& series = base["series"].as_array();
  series[3].as_object()["data"] = std::move(dispatch);
  if (bound) series[2].as_object()["markLine"] = limit_line("xAxis", bound->ms, bound_text(bound->ms) + " limit");

  Chart chart;
  chart.id = "claim-latency";
  chart.title = "Claim latency by trial";
  chart.height = rows_height(rows.size(), 38, 96);
  std::vector<Cell> shown;
  for (auto const& cell : cells_of(assessment))
    if (has_percentiles(cell.worst())) shown.push_back(cell);
  auto const p99 = [](Cell const& cell) { return cell.worst().claim_latency.p99.value; };
  auto const [fastest, slowest] = std::ranges::minmax(shown, {}, p99);
  chart.takeaway = fmt::format("99 of 100 runs reach a runner within {} ({})", duration_text(p99(fastest)),
                               name_of(assessment, fastest));
  chart.takeaway +=
      shown.size() == 1 ? "." : fmt::format(" to {} ({}).", duration_text(p99(slowest)), name_of(assessment, slowest));
  chart.alternative =
      "One row per trial on a logarithmic time axis: a bar from claim latency p50 to p99, and a diamond for dispatch "
      "latency p99. The figures are in the latency table.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 56, "top": 96},
    "legend": {"orient": "vertical", "itemGap": 6}})"));
  return chart;
}

std::optional<Chart> throughput_chart(Assessment const& assessment) {
  if (!has_variants(assessment)) return std::nullopt;
  std::vector<std::string> names;
  json::array bars;
  double highest = 0;
  double lowest = 1e300;
  TrialResult const* fastest = nullptr;
  for (auto const& cell : cells_of(assessment)) {
    auto const& trial = cell.worst();
    if (!(trial.completed_per_s > 0)) continue;
    names.push_back(judged_row_name_of(assessment, cell));
    bars.push_back(named_point(names.back(), {trial.completed_per_s, static_cast<std::int64_t>(names.size() - 1)}));
    highest = std::max(highest, trial.completed_per_s);
    lowest = std::min(lowest, trial.completed_per_s);
    if (!fastest || trial.completed_per_s > fastest->completed_per_s) fastest = &trial;
  }
  if (names.empty()) return std::nullopt;

  auto base = fixed(R"({
    "grid": {"left": 16, "right": 64, "top": 12, "bottom": 8, "containLabel": true},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:first_count"},
    "xAxis": {"type": "value", "axisLabel": {"formatter": "fn:count"}},
    "series": [
      {"type": "scatter", "name": "Completed runs per second", "symbolSize": 12, "color": "color:third", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "right", "formatter": "fn:first_count", "color": "color:ink"}}]})");
  constexpr double decade = 10;  // a linear axis would leave the small ones on its edge
  auto& x = base["xAxis"].as_object();
  if (highest > 2 * decade * lowest) {
    x["type"] = "log";
    x["min"] = decade_below(lowest);
    x["max"] = decade_above(highest * 1.2);
  } else {
    x["min"] = 0;
  }
  base["yAxis"] = rows_axis(names);
  base["series"].as_array()[0].as_object()["data"] = std::move(bars);

  Chart chart;
  chart.id = "throughput";
  chart.title = "Completed runs per second by trial";
  chart.height = rows_height(names.size(), 34, 60);
  chart.takeaway = fmt::format("Between {} and {} runs a second; most with {}.", number_text(lowest),
                               number_text(highest), name_of(assessment, *fastest));
  chart.alternative =
      "One row per trial, a dot at its completed runs per second. The figures are in the latency table.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 56}})"));
  return chart;
}

}  // namespace assay
