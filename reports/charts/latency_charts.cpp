#include "reports/charts/chart.hpp"
#include "reports/charts/option.hpp"
#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace assay {
namespace {

using namespace option;

// Backends differ by mark and place, metrics by colour: colour alone would be lost in print and on some eyes.
constexpr std::array<std::string_view, 5> marks{"circle", "diamond", "triangle", "rect", "roundRect"};

struct Metric {
  std::string name;
  std::string_view color;
  int size;
  LatencyFigures TrialResult::*latency;
  Estimate LatencyFigures::*quantile;
  bool labelled;
};

// Trials at one level stand beside each other, on a log axis by a factor.
double shifted(Assessment const& assessment, TrialResult const& trial) {
  std::vector<std::string> here;
  for (auto const& cell : cells_of(assessment))
    if (cell.runners == trial.runners) here.push_back(cell.series);
  auto const index = std::find(here.begin(), here.end(), trial.series()) - here.begin();
  double const centre = static_cast<double>(here.size() - 1) / 2;
  return trial.runners * std::pow(1.12, static_cast<double>(index) - centre) * std::pow(1.025, trial.repeat - 1);
}

// "the limit of 5 s is 471 times as long"
std::string against(double ms, double bound_ms) {
  auto const limit = "the limit of " + bound_text(bound_ms);
  if (ms > bound_ms) return fmt::format("above {}", limit);
  double const times = bound_ms / ms;
  return times < 1.1 ? fmt::format("just under {}", limit)
                     : fmt::format("{} is {} times as long", limit, number_text(times));
}

json::object hollow(std::string_view color) {
  auto style = fixed(R"({"color": "color:paper", "borderWidth": 1.5})");
  style["borderColor"] = color;
  return style;
}

json::object ring(std::string_view color) {
  auto style = fixed(R"({"color": "transparent", "borderWidth": 2, "opacity": 1})");
  style["borderColor"] = color;
  return style;
}

// Written at the series' last point instead of a legend entry per metric and series. The slowest series' is put
// above its point and the fastest's below, so that two close ones don't hide each other.
void name_the_series(json::object& datum, std::string const& series, std::string_view vertical_align) {
  datum["label"] = fixed(R"({"show": true, "position": "right", "distance": 10, "lineHeight": 15,
    "align": "left", "formatter": "fn:named_duration"})");
  datum["label"].as_object()["verticalAlign"] = vertical_align;
  datum["note"] = series;
}

// Where the name goes, by the series' claim latency p99 at its last level among all.
std::string_view place_of_name(Assessment const& assessment, std::string const& series) {
  std::map<std::string, double> last;
  for (auto const& cell : cells_of(assessment)) last[cell.series] = cell.worst().claim_latency.p99.value;
  auto const slower = [&](auto const& other) { return other.second > last[series]; };
  auto const faster = [&](auto const& other) { return other.second < last[series]; };
  if (std::none_of(last.begin(), last.end(), slower)) return "bottom";
  return std::none_of(last.begin(), last.end(), faster) ? "top" : "middle";
}

}  // namespace

std::optional<Chart> claim_latency_chart(Assessment const& assessment) {
  if (has_variants(assessment)) return claim_latency_by_trial_chart(assessment);
  auto const series_names = all_series(assessment);
  auto const levels = levels_of(assessment);
  auto const bound = latency_bound(assessment);
  std::vector<Metric> const metrics{
      {"Claim latency p99", "color:strong", 11, &TrialResult::claim_latency, &LatencyFigures::p99, true},
      {"Claim latency p50", "color:soft", 8, &TrialResult::claim_latency, &LatencyFigures::p50, false},
      {"Dispatch latency p99", "color:second", 6, &TrialResult::dispatch_latency, &LatencyFigures::p99, false}};

  double lowest = bound ? bound->ms : 1e300;
  double highest = bound ? bound->ms : 0;
  json::array series;
  for (auto const& metric : metrics) {
    for (std::size_t b = 0; b < series_names.size(); ++b) {
      json::array points;
      json::array whiskers;
      for (auto const& cell : cells_of(assessment)) {
        if (cell.series != series_names[b]) continue;
        for (auto const* trial : cell.trials) {
          auto const& figure = trial->*metric.latency.*metric.quantile;
          if (!has_percentiles(*trial) || figure.value < indiscernible_ms) continue;
          double const x = shifted(assessment, *trial);
          auto name = name_of(assessment, *trial);
          if (!trial->valid()) name += " (invalid trial)";
          if (figure.low && figure.high) name += ", 95 % interval " + range_text(*figure.low, *figure.high);
          auto datum = named_point(name, {x, figure.value});
          if (!trial->valid()) datum["itemStyle"] = hollow(metric.color);
          if (trial != &cell.worst()) datum["label"] = fixed(R"({"show": false})");
          points.push_back(std::move(datum));
          double low = figure.value;
          double high = figure.value;
          if (figure.low && figure.high && *figure.low > 0) {
            low = *figure.low;
            high = *figure.high;
            whiskers.push_back(named_point("", {x, low, high}));
          }
          lowest = std::min(lowest, low);
          highest = std::max(highest, high);
        }
      }
      if (points.empty()) continue;
      if (metric.labelled && series_names.size() > 1)
        name_the_series(points.back().as_object(), series_names[b], place_of_name(assessment, series_names[b]));
      auto line = fixed(R"({"type": "line", "lineStyle": {"width": 1.5},
        "label": {"show": false, "position": "top", "distance": 9, "formatter": "fn:duration", "color": "color:ink",
                  "textBorderColor": "color:paper", "textBorderWidth": 3},
        "labelLayout": {"hideOverlap": true}})");
      line["name"] = metric.name;
      line["color"] = metric.color;
      line["symbol"] = marks[b % marks.size()];
      line["symbolSize"] = metric.size;
      if (b > 0) line["lineStyle"].as_object()["type"] = "dashed";
      line["label"].as_object()["show"] = metric.labelled;
      line["data"] = std::move(points);
      if (series.empty() && bound) line["markLine"] = limit_line("yAxis", bound->ms, bound_text(bound->ms) + " limit");
      series.push_back(std::move(line));
      if (!whiskers.empty()) {
        // Of the metric's name, so that the legend shows and hides both.
        auto bars = fixed(R"({"type": "custom", "renderItem": "fn:whisker", "z": 1, "silent": true,
          "encode": {"x": 0, "y": [1, 2]}, "tooltip": {"show": false}})");
        bars["name"] = metric.name;
        bars["color"] = metric.color;
        bars["data"] = std::move(whiskers);
        series.push_back(std::move(bars));
      }
    }
  }
  if (series.empty()) return std::nullopt;

  auto base = fixed(R"({
    "grid": {"left": 64, "right": 76, "top": 44, "bottom": 48},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "itemWidth": 22},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:duration"},
    "xAxis": {"type": "log", "name": "runners, on a log scale", "nameLocation": "middle", "nameGap": 30,
              "splitLine": {"show": false}},
    "yAxis": {"type": "log", "axisLabel": {"formatter": "fn:duration"}}})");
  auto& x = base["xAxis"].as_object();
  x["min"] = levels.front() / 1.5;
  x["max"] = levels.back() * 1.5;
  for (auto const* part : {"axisLabel", "axisTick"}) {
    x[part] = json::object{};
    x[part].as_object()["customValues"] = json::array(levels.begin(), levels.end());
  }
  auto& y = base["yAxis"].as_object();
  y["min"] = decade_below(lowest);
  y["max"] = decade_above(highest * 1.2);
  if (series_names.size() > 1) base["grid"].as_object()["right"] = 150;  // room for the names
  base["series"] = std::move(series);

  Chart chart;
  chart.id = "claim-latency";
  chart.title = "Claim latency by number of runners";
  chart.height = 460;
  auto const* main = main_trial(assessment);
  if (main && has_percentiles(*main)) {
    auto const& p99 = main->claim_latency.p99;
    chart.takeaway =
        fmt::format("With {} runners, 99 of 100 runs reach a runner within {}", main->runners, estimate_text(p99));
    if (bound && p99.value > 0) chart.takeaway += "; " + against(p99.value, bound->ms);
    chart.takeaway += fmt::format(". The coordinator's own share, dispatch latency, is {}.",
                                  estimate_text(main->dispatch_latency.p99));
    if (!main->valid()) chart.takeaway += " The trial is not valid, so that this is no evidence.";
  } else {
    chart.takeaway = "At the largest level the backlog grew throughout, so that no percentile of it can be given.";
  }
  std::vector<std::string> unstable;
  for (auto const& cell : cells_of(assessment))
    if (cell.worst().claim_latency.n > 0 && !cell.worst().stable && &cell.worst() != main)
      unstable.push_back(name_of(assessment, cell));
  if (!unstable.empty())
    chart.takeaway += fmt::format(" Not drawn, because the backlog grew throughout: {}.", fmt::join(unstable, ", "));
  chart.alternative =
      "Line chart with logarithmic axes: runners across, milliseconds upward; one line each for claim latency p99 and "
      "p50 and "
      "dispatch latency p99, with 95 % intervals as bars. The figures are in the latency table.";
  auto narrow =
      fixed(R"({"grid": {"left": 50, "right": 68, "top": 104}, "legend": {"orient": "vertical", "itemGap": 6}})");
  if (series_names.size() > 1) narrow["grid"].as_object()["right"] = 122;
  chart.option = responsive(std::move(base), std::move(narrow));
  return chart;
}

std::optional<Chart> latency_parts_chart(Assessment const& assessment) {
  struct Part {
    std::string name;
    std::string_view color, mark;
    int size;
    LatencyFigures TrialResult::*latency;
  };
  std::vector<Part> const parts{
      {"Waiting for a match", "color:second_soft", "triangle", 9, &TrialResult::dispatcher_wait},
      {"Claim commit", "color:third", "rect", 8, &TrialResult::claim_commit},
      {"Response write", "color:fourth", "diamond", 10, &TrialResult::response_write},
      {"Dispatch latency", "color:second", "circle", 9, &TrialResult::dispatch_latency},
      {"Runner shortage", "color:quiet", "circle", 9, &TrialResult::runner_shortage},
      {"Claim latency", "color:strong", "circle", 17, &TrialResult::claim_latency}};

  std::vector<Cell> cells;
  for (auto& cell : cells_of(assessment))
    if (has_percentiles(cell.worst())) cells.push_back(cell);
  if (cells.empty()) return std::nullopt;

  double lowest = 1e300;
  double highest = 0;
  std::vector<std::string> names;
  for (auto const& cell : cells) names.push_back(row_name_of(assessment, cell));
  auto const add = [&](json::array& data, std::size_t row, double ms) {
    if (ms < indiscernible_ms) return;
    data.push_back(named_point(names[row], {ms, static_cast<std::int64_t>(row)}));
    lowest = std::min(lowest, ms);
    highest = std::max(highest, ms);
  };

  json::array series;
  for (auto const& part : parts) {
    json::array data;
    for (std::size_t row = 0; row < cells.size(); ++row) {
      auto const& latency = cells[row].worst().*part.latency;
      if (latency.n > 0) add(data, row, latency.p99.value);
    }
    if (data.empty()) continue;
    auto dots = fixed(R"({"type": "scatter", "itemStyle": {"opacity": 1}})");
    dots["name"] = part.name;
    dots["color"] = part.color;
    dots["symbol"] = part.mark;
    dots["symbolSize"] = part.size;
    if (part.latency == &TrialResult::claim_latency) dots["itemStyle"] = ring(part.color);  // around what it is made of
    dots["data"] = std::move(data);
    series.push_back(std::move(dots));
  }
  json::array predicted;
  for (std::size_t row = 0; row < cells.size(); ++row)
    if (auto const erlang = cells[row].worst().erlang_c_shortage_p99_ms) add(predicted, row, *erlang);
  if (!predicted.empty()) {
    auto dots =
        fixed(R"({"type": "scatter", "name": "Shortage by queueing theory", "symbol": "rect", "symbolSize": [2, 20],
      "color": "color:quiet", "itemStyle": {"opacity": 1}})");
    dots["data"] = std::move(predicted);
    series.push_back(std::move(dots));
  }
  if (auto const bound = latency_bound(assessment)) {
    highest = std::max(highest, bound->ms);
    series.front().as_object()["markLine"] = limit_line("xAxis", bound->ms, bound_text(bound->ms) + " limit");
  }

  auto base = fixed(R"({
    "grid": {"left": 16, "right": 28, "top": 84, "bottom": 8, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 16, "itemWidth": 12},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:first_duration"},
    "xAxis": {"type": "log", "axisLabel": {"formatter": "fn:duration"}}})");
  base["xAxis"].as_object()["min"] = decade_below(lowest);
  base["xAxis"].as_object()["max"] = decade_above(highest * 1.2);
  base["yAxis"] = rows_axis(names);
  base["series"] = std::move(series);

  Chart chart;
  chart.id = "latency-parts";
  chart.title = "What claim latency is made of (p99 of each part)";
  chart.height = rows_height(cells.size(), 42, 140);
  auto const* main = main_trial(assessment);
  auto const& shown = main && has_percentiles(*main) ? *main : cells.back().worst();
  chart.takeaway =
      shown.shortage_share > 0.5
          ? fmt::format(
                "With {} runners, {} of the average wait is for a free runner, which no queue can shorten; the "
                "coordinator's part is {}.",
                shown.runners, percent_text(shown.shortage_share), percent_text(1 - shown.shortage_share))
          : fmt::format(
                "With {} runners, {} of the average wait is the coordinator's own; waiting for a free runner is {}.",
                shown.runners, percent_text(1 - shown.shortage_share), percent_text(shown.shortage_share));
  chart.alternative =
      "Dot plot with a logarithmic time axis: one row per level, one mark each for the p99 of claim latency, dispatch "
      "latency, "
      "runner shortage and the coordinator's inner steps. The figures are in the latency table.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 30, "top": 132},
    "legend": {"itemGap": 8}})"));
  return chart;
}

}  // namespace assay
