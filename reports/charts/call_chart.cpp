// What callers of a closed loop wait for: from submission to result, by trial. There a reader that holds up everybody
// shows, which claim latency, the way to the runner, knows nothing of.
#include "reports/charts/chart.hpp"
#include "reports/charts/option.hpp"
#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

using namespace option;

std::optional<Chart> call_latency_chart(Assessment const& assessment) {
  if (!has_variants(assessment)) return std::nullopt;
  std::vector<Cell> shown;
  for (auto const& cell : cells_of(assessment))
    if (cell.worst().call_latency.n > 0) shown.push_back(cell);
  if (shown.empty()) return std::nullopt;

  std::vector<std::string> names;
  json::array spans, medians, tails;
  double lowest = 1e300;
  double highest = 0;
  for (auto const& cell : shown) {
    auto const& trial = cell.worst();
    auto const row = static_cast<std::int64_t>(names.size());
    names.push_back(judged_row_name_of(assessment, cell));
    double const p50 = std::max(trial.call_latency.p50.value, indiscernible_ms);
    double const p99 = std::max(trial.call_latency.p99.value, indiscernible_ms);
    spans.push_back(named_point(names.back(), {p50, p99, row}));
    medians.push_back(named_point(names.back(), {p50, row}));
    tails.push_back(named_point(names.back(), {p99, row}));
    lowest = std::min(lowest, p50);
    highest = std::max(highest, p99);
  }

  auto base = fixed(R"({
    "grid": {"left": 16, "right": 64, "top": 44, "bottom": 8, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "data": ["Half of all calls", "99 of 100 calls"]},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:first_duration"},
    "xAxis": {"type": "log", "axisLabel": {"formatter": "fn:duration"}},
    "series": [
      {"type": "custom", "name": "p50 to p99", "renderItem": "fn:span", "color": "color:soft", "silent": true, "tooltip": {"show": false},
       "encode": {"x": [0, 1], "y": 2}},
      {"type": "scatter", "name": "Half of all calls", "symbolSize": 9, "color": "color:soft", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "left", "formatter": "fn:first_duration", "color": "color:ink"}},
      {"type": "scatter", "name": "99 of 100 calls", "symbolSize": 12, "color": "color:strong", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "right", "formatter": "fn:first_duration", "color": "color:ink"}}]})");
  base["xAxis"].as_object()["min"] = decade_below(lowest);
  base["xAxis"].as_object()["max"] = decade_above(highest * 1.2);
  base["yAxis"] = rows_axis(names);
  auto& series = base["series"].as_array();
  series[0].as_object()["data"] = std::move(spans);
  series[1].as_object()["data"] = std::move(medians);
  series[2].as_object()["data"] = std::move(tails);

  Chart chart;
  chart.id = "call-latency";
  chart.title = "Submission to result by trial";
  chart.height = rows_height(names.size(), 38, 96);
  auto const p50 = [](Cell const& cell) { return cell.worst().call_latency.p50.value; };
  auto const [fastest, slowest] = std::ranges::minmax(shown, {}, p50);
  chart.takeaway = fmt::format("Half of all callers have their result within {} ({})", duration_text(p50(fastest)),
                               name_of(assessment, fastest));
  chart.takeaway +=
      shown.size() == 1 ? "." : fmt::format(" to {} ({}).", duration_text(p50(slowest)), name_of(assessment, slowest));
  chart.alternative =
      "One row per trial on a logarithmic time axis: a bar from the 50th to the 99th percentile of the time from a "
      "submission to its result. The figures are in the table of response times.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 56, "top": 96},
    "legend": {"orient": "vertical", "itemGap": 6}})"));
  return chart;
}

}  // namespace assay
