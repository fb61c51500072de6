// What callers of a closed loop wait for: from submission to result, by trial. There a reader that holds up everybody
// shows, which claim latency, the way to the runner, knows nothing of.
#include "reports/charts/chart.hpp"
#include "reports/charts/latency_rows.hpp"
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

  LatencyRows rows;
  for (auto const& cell : shown) {
    auto const& calls = cell.worst().call_latency;
    rows.add(judged_row_name_of(assessment, cell), std::max(calls.p50.value, indiscernible_ms),
             std::max(calls.p99.value, indiscernible_ms));
  }
  auto base = rows.option(44, fixed(R"({
    "legend": ["Half of all calls", "99 of 100 calls"],
    "dots": [
      {"type": "scatter", "name": "Half of all calls", "symbolSize": 9, "color": "color:soft", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "left", "formatter": "fn:first_duration", "color": "color:ink"}},
      {"type": "scatter", "name": "99 of 100 calls", "symbolSize": 12, "color": "color:strong", "itemStyle": {"opacity": 1},
       "label": {"show": true, "position": "right", "formatter": "fn:first_duration", "color": "color:ink"}}]})"));

  Chart chart;
  chart.id = "call-latency";
  chart.title = "Submission to result by trial";
  chart.height = rows_height(rows.size(), 38, 96);
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
