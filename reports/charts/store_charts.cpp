// What the backend took: the latency of each store operation, writes that waited, and claims that failed.
#include "reports/charts/chart.hpp"
#include "reports/charts/latency_rows.hpp"
#include "reports/charts/option.hpp"
#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace assay {

using namespace option;

std::optional<Chart> store_latency_chart(Assessment const& assessment) {
  auto const* main = main_trial(assessment);
  if (!main) return std::nullopt;
  LatencyRows rows;
  StoreOperationFigures const* slowest = nullptr;
  for (auto const& operation : main->store) {
    for (auto const& cell : cells_of(assessment)) {
      if (cell.runners != main->runners) continue;
      for (auto const& each : cell.worst().store) {
        if (each.operation != operation.operation || each.latency.n == 0) continue;
        auto const& variant = cell.worst().variant;
        auto const first = variant.empty() ? each.operation : each.operation + " · " + variant;
        auto const name = all_series(assessment).size() > 1 ? first + "\n" + backend_of(cell.series) : each.operation;
        rows.add(name, std::max(each.latency.p50.value, 1e-3), std::max(each.latency.p99.value, 1e-3));
        if (&cell.worst() == main && (!slowest || each.latency.p99.value > slowest->latency.p99.value)) slowest = &each;
      }
    }
  }
  if (rows.size() == 0) return std::nullopt;

  auto base = rows.option(40, fixed(R"({
    "legend": ["p50", "p99"],
    "dots": [
      {"type": "scatter", "name": "p50", "symbolSize": 9, "color": "color:soft", "itemStyle": {"opacity": 1}},
      {"type": "scatter", "name": "p99", "symbolSize": 11, "color": "color:strong", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "right", "formatter": "fn:first_duration", "color": "color:ink"}}]})"));

  Chart chart;
  chart.id = "store-latency";
  chart.title = fmt::format("Store write latency by operation, with {} runners", main->runners);
  chart.height = rows_height(rows.size(), 36, 90);
  if (slowest)
    chart.takeaway =
        fmt::format("The slowest operation is “{}”: half of its {} calls take up to {}, 99 of 100 up to {}.",
                    slowest->operation, count_text(slowest->calls), duration_text(slowest->latency.p50.value),
                    duration_text(slowest->latency.p99.value));
  else
    chart.takeaway = "The assessed backend was asked for nothing at this level.";
  chart.alternative =
      "One row per store operation on a logarithmic time axis, a bar from p50 to p99. The figures are in the "
      "table below.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 56}})"));
  return chart;
}

std::optional<Chart> pending_writes_chart(Assessment const& assessment) {
  auto const* main = main_trial(assessment);
  if (!main) return std::nullopt;
  constexpr std::array<std::string_view, 4> colors{"color:strong", "color:second", "color:third", "color:fourth"};
  json::array series;
  double last = 0;
  std::size_t next = 0;
  for (auto const& cell : cells_of(assessment)) {
    if (cell.runners != main->runners || cell.worst().timeline.empty()) continue;
    json::array data;
    for (auto const& sample : cell.worst().timeline) {
      data.push_back(point(sample.second, sample.pending_writes));
      last = std::max(last, sample.second);
    }
    auto line = fixed(R"({"type": "line", "symbol": "none", "lineStyle": {"width": 1.5}})");
    line["name"] = cell.series;
    line["color"] = colors[next++ % colors.size()];
    line["data"] = std::move(data);
    series.push_back(std::move(line));
  }
  if (series.empty()) return std::nullopt;

  auto base = fixed(R"({
    "grid": {"left": 56, "right": 20, "top": 40, "bottom": 44},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "itemWidth": 14, "itemHeight": 3, "icon": "roundRect"},
    "tooltip": {"trigger": "axis", "valueFormatter": "fn:count"},
    "xAxis": {"type": "value", "min": 0, "splitLine": {"show": false}, "axisLabel": {"formatter": "fn:seconds", "showMaxLabel": false},
              "axisPointer": {"label": {"formatter": "fn:seconds"}},
              "name": "since the trial's start", "nameLocation": "middle", "nameGap": 28},
    "yAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "fn:count"}}})");
  base["xAxis"].as_object()["max"] = last;
  base["series"] = std::move(series);

  Chart chart;
  chart.id = "pending-writes";
  chart.title = fmt::format("Writes waiting for the store, with {} runners", main->runners);
  chart.height = 280;
  auto const& slope = main->pending_writes_slope_per_s;
  bool const growing = slope.low && *slope.low > 0;
  chart.takeaway = growing
                       ? fmt::format("Writes are backing up: {} more waiting each second.", number_text(slope.value))
                       : fmt::format("Writes do not back up: on average {} wait, at most {}.",
                                     number_text(main->pending_writes_mean), number_text(main->pending_writes_max));
  chart.alternative =
      "Line chart over the seconds of the trial: number of writes sent to the store and not yet answered, a "
      "line per backend.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 44, "right": 8}})"));
  return chart;
}

std::optional<Chart> failed_claims_chart(Assessment const& assessment) {
  std::set<std::string> causes;
  std::vector<std::string> names;
  std::vector<TrialResult const*> trials;
  for (auto const& cell : cells_of(assessment)) {
    trials.push_back(&cell.worst());
    names.push_back(row_name_of(assessment, cell));
    for (auto const& [cause, count] : cell.worst().failed_claims)
      if (count > 0) causes.insert(cause);
  }
  if (causes.empty()) return std::nullopt;

  constexpr std::array<std::string_view, 6> colors{"color:limit", "color:second", "color:fourth",
                                                   "color:third", "color:strong", "color:quiet"};
  json::array series;
  std::size_t next = 0;
  for (auto const& cause : causes) {
    json::array data;
    for (auto const* trial : trials) {
      auto const found = trial->failed_claims.find(cause);
      double const count = found == trial->failed_claims.end() ? 0 : static_cast<double>(found->second);
      data.push_back(trial->claim_attempts == 0
                         ? json::value{}
                         : json::value(1000 * count / static_cast<double>(trial->claim_attempts)));
    }
    auto bars = fixed(R"({"type": "bar", "stack": "total", "barWidth": 18})");
    bars["name"] = cause;
    bars["color"] = colors[next++ % colors.size()];
    bars["data"] = std::move(data);
    series.push_back(std::move(bars));
  }
  auto base = fixed(R"({
    "grid": {"left": 16, "right": 28, "top": 40, "bottom": 32, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "itemWidth": 14},
    "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "fn:count"},
    "xAxis": {"type": "value", "name": "failed claims per 1,000 attempts", "nameLocation": "middle", "nameGap": 28}})");
  base["yAxis"] = rows_axis(names);
  base["series"] = std::move(series);

  TrialResult const* worst = nullptr;
  double worst_share = -1;
  for (auto const* trial : trials) {
    if (trial->claim_attempts == 0) continue;
    auto const failed = std::accumulate(trial->failed_claims.begin(), trial->failed_claims.end(), std::uint64_t{0},
                                        [](auto total, auto const& each) { return total + each.second; });
    double const share = static_cast<double>(failed) / static_cast<double>(trial->claim_attempts);
    if (share > worst_share) {
      worst_share = share;
      worst = trial;
    }
  }
  Chart chart;
  chart.id = "failed-claims";
  chart.title = "Failed claims by cause";
  chart.height = rows_height(names.size(), 38, 110);
  chart.takeaway = worst
                       ? fmt::format("At worst, with {}, {} of {} claim attempts failed.", name_of(assessment, *worst),
                                     percent_text(worst_share), count_text(worst->claim_attempts))
                       : "Claims failed, and the number of attempts is not known.";
  chart.alternative =
      "Stacked horizontal bars, one per level: failed claims per 1,000 attempts by cause. The counts are in "
      "the table below.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 14}})"));
  return chart;
}

std::vector<Chart> charts_of(Assessment const& assessment) {
  std::vector<Chart> result;
  for (auto* make : {claim_latency_chart, call_latency_chart, throughput_chart, latency_parts_chart, cpu_chart,
                     store_latency_chart, pending_writes_chart, failed_claims_chart, requests_chart, timeline_chart})
    if (auto chart = make(assessment)) result.push_back(std::move(*chart));
  return result;
}

}  // namespace assay
