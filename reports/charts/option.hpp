// Pieces of ECharts options that several charts share. Fixed parts of an option are written as JSON text, which reads
// like ECharts' own documentation; only what depends on data is built in C++.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace assay::option {

namespace json = boost::json;

// `text` is a constant of the program; a mistake in it is a bug and throws.
json::object fixed(std::string_view text);

json::array point(double x, double y);
// ECharts draws nothing for null; a log axis has no place for 0 or below.
json::value positive(double value);

// {"name": name, "value": [values...]}: the name is what a tooltip says.
json::object named_point(std::string_view name, std::initializer_list<json::value> values);

// A dashed line at `at` on the axis "xAxis" or "yAxis", with its label.
json::object limit_line(std::string_view axis, double at, std::string_view label);

// The decade at or below / above `value` > 0.
double decade_below(double value);
double decade_above(double value);

// A category axis of row names read from the top down, and the height in px that this many rows need.
json::object rows_axis(std::vector<std::string> const& names);
int rows_height(std::size_t rows, int row_px, int around_px);

// Thinner margins and a scrolling legend on a phone: wraps `base` for ECharts' media queries.
json::value responsive(json::object base, json::object narrow);

}  // namespace assay::option
