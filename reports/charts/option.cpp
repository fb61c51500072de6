#include "reports/charts/option.hpp"

#include <cmath>

namespace assay::option {

json::object fixed(std::string_view text) { return json::parse({text.data(), text.size()}).as_object(); }

json::array point(double x, double y) {
  json::array result;
  result.push_back(x);
  result.push_back(y);
  return result;
}

json::value positive(double value) { return value > 0 && std::isfinite(value) ? json::value(value) : json::value{}; }

json::object named_point(std::string_view name, std::initializer_list<json::value> values) {
  json::object result;
  result["name"] = name;
  json::array list;
  for (auto const& value : values) list.push_back(value);
  result["value"] = std::move(list);
  return result;
}

json::object limit_line(std::string_view axis, double at, std::string_view label) {
  auto line = fixed(R"({"silent": true, "symbol": "none", "animation": false,
    "lineStyle": {"color": "color:limit", "type": [6, 4], "width": 1.5},
    "label": {"color": "color:limit", "fontSize": 12, "position": "end"}, "data": [{}]})");
  auto& datum = line["data"].as_array()[0].as_object();
  datum[axis] = at;
  line["label"].as_object()["formatter"] = label;
  // Rows are read from the top down (inverse axis), so that a vertical line starts at the top.
  if (axis == "xAxis") line["label"].as_object()["position"] = "start";
  return line;
}

double decade_below(double value) { return std::pow(10.0, std::floor(std::log10(value) + 1e-9)); }
double decade_above(double value) { return std::pow(10.0, std::ceil(std::log10(value) - 1e-9)); }

json::object rows_axis(std::vector<std::string> const& names) {
  auto axis = fixed(R"({"type": "category", "inverse": true, "axisTick": {"show": false},
    "axisLabel": {"color": "color:ink", "interval": 0, "lineHeight": 14, "width": 170, "overflow": "truncate"}, "splitLine": {"show": true}})");
  axis["data"] = json::array(names.begin(), names.end());
  return axis;
}

int rows_height(std::size_t rows, int row_px, int around_px) { return static_cast<int>(rows) * row_px + around_px; }

json::value responsive(json::object base, json::object narrow) {
  json::object rule;
  rule["query"] = fixed(R"({"maxWidth": 560})");
  rule["option"] = std::move(narrow);
  json::object result;
  result["baseOption"] = std::move(base);
  result["media"] = json::array{};
  result["media"].as_array().push_back(std::move(rule));
  return result;
}

}  // namespace assay::option
