// What the load was and what it cost: processor time by process, requests by kind, and the course of one trial.
#include "reports/charts/chart.hpp"
#include "reports/charts/option.hpp"
#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace assay {
namespace {

using namespace option;

struct Process {
  std::string_view name, color;
  ProcessFigures TrialResult::*figures;
};

constexpr std::array<Process, 3> processes{{{"Coordinator", "color:strong", &TrialResult::coordinator},
                                            {"Database", "color:second", &TrialResult::database},
                                            {"Load generator", "color:quiet_soft", &TrialResult::generator}}};

json::object stacked_bars(std::string_view name, std::string_view color, json::array data) {
  auto bars = fixed(R"({"type": "bar", "stack": "total", "barWidth": 18})");
  bars["name"] = name;
  bars["color"] = color;
  bars["data"] = std::move(data);
  return bars;
}

double sum(std::map<std::string, double> const& by_kind) {
  double total = 0;
  for (auto const& [kind, value] : by_kind) total += value;
  return total;
}

// What was done to runners and coordinators, named above the seconds in which it went on.
void add_faults(std::vector<TimelinePoint> const& timeline, json::array& areas) {
  for (std::size_t i = 0; i < timeline.size();) {
    auto end = i;
    while (end < timeline.size() && timeline[end].fault == timeline[i].fault) ++end;
    if (!timeline[i].fault.empty()) {
      auto from = fixed(R"({"itemStyle": {"color": "color:limit_area"}})");
      from["name"] = timeline[i].fault;
      from["xAxis"] = i == 0 ? 0.0 : timeline[i - 1].second;
      json::object to;
      to["xAxis"] = timeline[end - 1].second;
      areas.push_back(json::array{std::move(from), std::move(to)});
    }
    i = end;
  }
}

bool was_disturbed(TrialResult const& trial) {
  return std::any_of(trial.timeline.begin(), trial.timeline.end(),
                     [](auto const& point) { return !point.fault.empty(); });
}

// A phase that is not judged, shaded behind the lines.
json::object unmeasured_phases(std::vector<TimelinePoint> const& timeline) {
  auto areas = fixed(R"({"silent": true, "itemStyle": {"color": "color:phase"},
    "label": {"color": "color:muted", "fontSize": 11, "position": "insideTop"}})");
  json::array data;
  for (std::size_t i = 0; i < timeline.size();) {
    auto end = i;
    while (end < timeline.size() && timeline[end].phase == timeline[i].phase) ++end;
    if (timeline[i].phase != "measure") {
      json::object from;
      from["xAxis"] = i == 0 ? 0.0 : timeline[i - 1].second;
      json::object to;
      to["xAxis"] = timeline[end - 1].second;
      json::array area;
      area.push_back(std::move(from));
      area.push_back(std::move(to));
      data.push_back(std::move(area));
    }
    i = end;
  }
  add_faults(timeline, data);
  areas["data"] = std::move(data);
  return areas;
}

struct Curve {
  std::string_view name, color;
  double TimelinePoint::*value;
  bool logarithmic = false;
};

struct Panel {
  std::string_view title;
  std::vector<Curve> curves;
};

}  // namespace

std::optional<Chart> cpu_chart(Assessment const& assessment) {
  auto const cells = cells_of(assessment);
  std::vector<std::string> names;
  for (auto const& cell : cells) names.push_back(row_name_of(assessment, cell));
  json::array series;
  for (auto const& process : processes) {
    json::array data;
    bool any = false;
    for (auto const& cell : cells) {
      auto const& figures = cell.worst().*process.figures;
      any = any || figures.available;
      data.push_back(figures.available ? json::value(figures.cpu_cores_mean) : json::value{});
    }
    if (any) series.push_back(stacked_bars(process.name, process.color, std::move(data)));
  }
  if (series.empty()) return std::nullopt;

  auto base = fixed(R"({
    "grid": {"left": 16, "right": 28, "top": 40, "bottom": 32, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "itemWidth": 14},
    "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "fn:cores"},
    "xAxis": {"type": "value", "name": "cores busy, on average", "nameLocation": "middle", "nameGap": 28}})");
  base["yAxis"] = rows_axis(names);
  base["series"] = std::move(series);

  Chart chart;
  chart.id = "cpu";
  chart.title = "Processor time by process";
  chart.height = rows_height(cells.size(), 38, 110);
  if (auto const* main = main_trial(assessment); main && main->coordinator.available)
    chart.takeaway = fmt::format(
        "With {} runners the coordinator uses {} of one core{}, {} µs of processor time per run{}.", main->runners,
        percent_text(main->coordinator.cpu_cores_mean),
        main->database.available ? fmt::format(" and the database {}", percent_text(main->database.cpu_cores_mean))
                                 : "",
        number_text(main->coordinator.cpu_us_per_run),
        main->coordinator.cpu_cores_mean > 0.8 ? ", close to its limit of one" : "");
  else if (main && main->transport != "http")
    chart.takeaway =
        "There is no coordinator process: the store's clients run within the load generator, whose processor time "
        "includes theirs.";
  else
    chart.takeaway = "The coordinator's processor time could not be read on this machine.";
  chart.alternative =
      "Stacked horizontal bars, one per level: cores used by coordinator, database and load generator. The "
      "figures are in the table below.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 14}})"));
  return chart;
}

std::optional<Chart> requests_chart(Assessment const& assessment) {
  std::vector<TrialResult const*> trials;  // one of each level: the modelled figures don't depend on the backend
  for (auto const& cell : cells_of(assessment)) {
    if (is_backlog(cell.worst())) continue;  // as many requests as the store allows: no formula says how many
    if (trials.empty() || trials.back()->runners != cell.runners) trials.push_back(&cell.worst());
  }
  std::set<std::string> kinds;
  bool published = false;
  for (auto const* trial : trials) {
    for (auto const& [kind, value] : trial->requests_per_minute_modelled) kinds.insert(kind);
    published = published || trial->requests_per_minute_published.has_value();
  }
  if (kinds.empty()) return std::nullopt;

  std::vector<std::string> names;
  for (auto const* trial : trials) names.push_back(plural(static_cast<std::uint64_t>(trial->runners), "runner"));
  json::array series;
  if (published) {
    json::array data;
    for (auto const* trial : trials)
      data.push_back(trial->requests_per_minute_published ? json::value(*trial->requests_per_minute_published)
                                                          : json::value{});
    auto bars = fixed(R"({"type": "bar", "name": "As published", "color": "color:quiet_soft", "barWidth": 13,
      "label": {"show": true, "position": "right", "formatter": "fn:count", "color": "color:muted"}})");
    bars["data"] = std::move(data);
    series.push_back(std::move(bars));
  }
  constexpr std::array<std::string_view, 6> colors{"color:strong", "color:third", "color:second",
                                                   "color:fourth", "color:soft",  "color:quiet"};
  std::size_t next = 0;
  for (auto const& kind : kinds) {
    json::array data;
    for (auto const* trial : trials) {
      auto const found = trial->requests_per_minute_modelled.find(kind);
      data.push_back(found == trial->requests_per_minute_modelled.end() ? json::value{} : json::value(found->second));
    }
    auto bars = stacked_bars(kind, colors[next++ % colors.size()], std::move(data));
    bars["barWidth"] = 13;
    series.push_back(std::move(bars));
  }
  // The totals stand at the ends of the stacks: an empty bar on top that only carries a label.
  json::array totals;
  for (auto const* trial : trials) {
    auto datum = fixed(R"({"value": 0, "label": {"show": true, "position": "right", "color": "color:ink"}})");
    datum["label"].as_object()["formatter"] = number_text(sum(trial->requests_per_minute_modelled));
    totals.push_back(std::move(datum));
  }
  auto ends = stacked_bars("total", "color:ink", std::move(totals));
  ends["silent"] = true;
  ends["tooltip"] = fixed(R"({"show": false})");
  series.push_back(std::move(ends));

  json::array legend;
  for (auto const& each : series)
    if (each.at("name") != "total") legend.push_back(each.at("name"));
  auto base = fixed(R"({
    "grid": {"left": 16, "right": 64, "top": 44, "bottom": 32, "containLabel": true},
    "legend": {"top": 4, "left": 0, "itemGap": 18, "itemWidth": 14},
    "tooltip": {"trigger": "item", "valueFormatter": "fn:count"},
    "xAxis": {"type": "value", "name": "requests per minute", "nameLocation": "middle", "nameGap": 28,
              "axisLabel": {"formatter": "fn:count"}}})");
  base["legend"].as_object()["data"] = std::move(legend);
  base["yAxis"] = rows_axis(names);
  base["series"] = std::move(series);

  Chart chart;
  chart.id = "requests";
  chart.title = published ? "Requests per minute by kind, beside the published figure" : "Requests per minute by kind";
  chart.height = rows_height(trials.size(), 48, 110);
  auto const& last = *trials.back();
  double const total = sum(last.requests_per_minute_modelled);
  if (auto const figure = last.requests_per_minute_published; figure && *figure > 0)
    chart.takeaway = fmt::format(
        "{} runners make {} requests a minute; the published table says {}{}.", last.runners, number_text(total),
        number_text(*figure), total > 1.05 * *figure ? ", since it leaves out part of the traffic, such as polls" : "");
  else
    chart.takeaway = fmt::format("{} runners make {} requests a minute.", last.runners, number_text(total));
  chart.alternative =
      "Horizontal bars, two per level: requests per minute by kind, stacked, and the figure that the source "
      "publishes. The figures are in the table below.";
  chart.option = responsive(std::move(base), fixed(R"({"grid": {"left": 4, "right": 50, "top": 88},
    "legend": {"itemGap": 8}})"));
  return chart;
}

std::optional<Chart> timeline_chart(Assessment const& assessment) {
  auto const* trial = main_trial(assessment);
  // One that something was done to has more of a course.
  auto const disturbed = std::find_if(assessment.trials.begin(), assessment.trials.end(), was_disturbed);
  if (disturbed != assessment.trials.end()) trial = &*disturbed;
  if (!trial || trial->timeline.empty()) return std::nullopt;
  std::vector<Panel> const panels{{"Runs per second",
                                   {{"Offered", "color:quiet_soft", &TimelinePoint::offered_per_s},
                                    {"Received by runners", "color:strong", &TimelinePoint::received_per_s},
                                    {"Completed", "color:third", &TimelinePoint::completed_per_s}}},
                                  {"Claim latency, log scale",
                                   {{"Claim latency p99", "color:strong", &TimelinePoint::claim_p99_ms, true},
                                    {"Claim latency p50", "color:soft", &TimelinePoint::claim_p50_ms, true}}},
                                  {"Runners and backlog",
                                   {{"Parked", "color:third", &TimelinePoint::parked},
                                    {"Working", "color:quiet", &TimelinePoint::working},
                                    {"Backlog", "color:limit", &TimelinePoint::backlog}}},
                                  {"Cores busy",
                                   {{"Coordinator", "color:strong", &TimelinePoint::coordinator_cores},
                                    {"Database", "color:second", &TimelinePoint::database_cores},
                                    {"Load generator", "color:quiet", &TimelinePoint::generator_cores}}}};
  constexpr int panel_px = 172;

  json::array grids, xs, ys, titles, legends, series, narrow_grids;
  for (std::size_t p = 0; p < panels.size(); ++p) {
    int const top = static_cast<int>(p) * panel_px;
    auto grid = fixed(R"({"left": 68, "right": 20, "height": 92})");
    grid["top"] = top + 44;
    grids.push_back(grid);
    grid["left"] = 46;
    grid["right"] = 6;
    narrow_grids.push_back(grid);
    auto x = fixed(
        R"({"type": "value", "min": 0, "splitLine": {"show": false}, "axisLabel": {"formatter": "fn:seconds", "showMaxLabel": false},
              "axisPointer": {"label": {"formatter": "fn:seconds"}}})");
    x["gridIndex"] = p;
    x["max"] = trial->timeline.back().second;
    xs.push_back(std::move(x));
    bool const logarithmic = panels[p].curves.front().logarithmic;
    auto y = fixed(R"({"splitNumber": 3, "axisLabel": {"formatter": "fn:count"}})");
    y["type"] = logarithmic ? "log" : "value";
    if (logarithmic) y["axisLabel"].as_object()["formatter"] = "fn:duration";
    y["gridIndex"] = p;
    ys.push_back(std::move(y));
    auto title = fixed(R"({"left": 0, "textStyle": {"fontSize": 12, "fontWeight": "bold", "color": "color:ink"}})");
    title["text"] = panels[p].title;
    title["top"] = top;
    titles.push_back(std::move(title));
    auto legend = fixed(R"({"left": 0, "itemWidth": 14, "itemGap": 14, "icon": "roundRect", "itemHeight": 3})");
    legend["top"] = top + 17;
    json::array names;
    for (auto const& curve : panels[p].curves) {
      json::array data;
      for (auto const& point : trial->timeline) {
        json::array pair;
        pair.push_back(point.second);
        pair.push_back(curve.logarithmic ? positive(point.*curve.value) : json::value(point.*curve.value));
        data.push_back(std::move(pair));
      }
      auto line = fixed(R"({"type": "line", "symbol": "none", "lineStyle": {"width": 1.5}})");
      line["name"] = curve.name;
      line["color"] = curve.color;
      line["xAxisIndex"] = p;
      line["yAxisIndex"] = p;
      line["data"] = std::move(data);
      if (curve.value == &TimelinePoint::offered_per_s)
        line["lineStyle"].as_object()["width"] = 5;  // seen behind the others
      if (logarithmic) line["tooltip"] = fixed(R"({"valueFormatter": "fn:duration"})");
      if (names.empty()) line["markArea"] = unmeasured_phases(trial->timeline);
      names.push_back(json::string{curve.name});
      series.push_back(std::move(line));
    }
    legend["data"] = std::move(names);
    legends.push_back(std::move(legend));
  }
  auto base = fixed(R"({"tooltip": {"trigger": "axis", "valueFormatter": "fn:count"},
    "axisPointer": {"link": [{"xAxisIndex": "all"}]}})");
  base["grid"] = std::move(grids);
  base["xAxis"] = std::move(xs);
  base["yAxis"] = std::move(ys);
  base["title"] = std::move(titles);
  base["legend"] = std::move(legends);
  base["series"] = std::move(series);
  json::object narrow;
  narrow["grid"] = std::move(narrow_grids);

  Chart chart;
  chart.id = "timeline";
  chart.title = fmt::format("The course of the trial with {}", name_of(assessment, *trial));
  chart.height = panel_px * static_cast<int>(panels.size());
  double most = 0;
  for (auto const& point : trial->timeline)
    if (point.phase == "measure") most = std::max(most, point.backlog);
  if (is_backlog(*trial))
    chart.takeaway = fmt::format("{} were there when it began, and none came afterwards; {} a second were done.",
                                 plural(trial->books.offered, "run"), number_text(trial->completed_per_s));
  else if (trial->stable)
    chart.takeaway = fmt::format("Offered {} runs a second, the coordinator accepted {}; {}.",
                                 number_text(trial->offered_per_s), number_text(trial->accepted_per_s),
                                 most < 0.5 ? "no run was left waiting in any sample"
                                            : fmt::format("the backlog never exceeded {} and did not grow",
                                                          plural(static_cast<std::uint64_t>(most + 0.5), "run")));
  else
    chart.takeaway = fmt::format("Unstable at this rate: the backlog grew by {} runs a second.",
                                 number_text(trial->backlog_slope_per_s.value));
  chart.alternative =
      "Four line charts over the seconds of the trial: runs per second, claim latency, runners and backlog, cores "
      "busy. Warm-up and drain are shaded. The figures are in timeline.csv.";
  chart.option = responsive(std::move(base), std::move(narrow));
  return chart;
}

}  // namespace assay
