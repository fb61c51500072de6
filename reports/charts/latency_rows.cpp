#include "reports/charts/latency_rows.hpp"

#include <algorithm>

namespace assay {

using namespace option;

void LatencyRows::add(std::string name, double p50_ms, double p99_ms) {
  names_.push_back(std::move(name));
  spans_.push_back(named_point(last_name(), {p50_ms, p99_ms, last_row()}));
  medians_.push_back(named_point(last_name(), {p50_ms, last_row()}));
  tails_.push_back(named_point(last_name(), {p99_ms, last_row()}));
  reach(p50_ms);
  reach(p99_ms);
}

void LatencyRows::reach(double ms) {
  lowest_ = std::min(lowest_, ms);
  highest_ = std::max(highest_, ms);
}

json::object LatencyRows::option(int top, json::object own) {
  auto base = fixed(R"({
    "grid": {"left": 16, "right": 64, "top": 0, "bottom": 8, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 18},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:first_duration"},
    "xAxis": {"type": "log", "axisLabel": {"formatter": "fn:duration"}},
    "series": [
      {"type": "custom", "name": "p50 to p99", "renderItem": "fn:span", "color": "color:soft", "silent": true, "tooltip": {"show": false},
       "encode": {"x": [0, 1], "y": 2}}]})");
  base["grid"].as_object()["top"] = top;
  base["legend"].as_object()["data"] = std::move(own.at("legend"));
  base["xAxis"].as_object()["min"] = decade_below(lowest_);
  base["xAxis"].as_object()["max"] = decade_above(highest_ * 1.2);
  base["yAxis"] = rows_axis(names_);
  auto& series = base["series"].as_array();
  for (auto& dots : own.at("dots").as_array()) series.push_back(std::move(dots));
  series.at(0).as_object()["data"] = std::move(spans_);
  series.at(1).as_object()["data"] = std::move(medians_);
  series.at(2).as_object()["data"] = std::move(tails_);
  return base;
}

}  // namespace assay
