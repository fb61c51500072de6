#include "harness/base/error.hpp"
#include "harness/cli/commands.hpp"
#include "harness/histogram/log_summary.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace assay {

namespace {

using Row = HistogramLogSummary::Row;

struct Percentile {
  std::string_view name;
  double quantile;
};
constexpr std::array<Percentile, 8> percentiles{{{"p50", 0.5},
                                                 {"p75", 0.75},
                                                 {"p90", 0.9},
                                                 {"p95", 0.95},
                                                 {"p99", 0.99},
                                                 {"p99.9", 0.999},
                                                 {"p99.99", 0.9999},
                                                 {"p99.999", 0.99999}}};

HistogramLog read_log(std::filesystem::path const& file) {
  std::ifstream in{file};
  if (!in || std::filesystem::is_directory(file)) {
    throw Failure{ExitStatus::bad_input,
                  fmt::format("{}: can't be read: {}", file.string(),
                              std::filesystem::is_directory(file) ? "it is a folder" : std::strerror(errno))};
  }
  auto log = read_histogram_log(in);
  if (!log) throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", file.string(), log.error().detail)};
  return std::move(*log);
}

// As recorded, or divided to four digits: that is more than a histogram of three can tell apart.
std::string show(double value, double divide_by) {
  double const shown = value / divide_by;
  return divide_by == 1 || shown >= 1000 ? fmt::format("{:.0f}", shown) : fmt::format("{:.4g}", shown);
}

using Cells = std::vector<std::string>;

Cells heading() {
  Cells cells{"tag", "intervals", "count", "mean", "min"};
  for (auto const& percentile : percentiles) cells.emplace_back(percentile.name);
  cells.emplace_back("max");
  return cells;
}

Cells cells_of(std::string name, Row const& row, double divide_by) {
  auto const& values = row.histogram;
  auto const value = [&](double figure) { return values.empty() ? "-" : show(figure, divide_by); };
  Cells cells{std::move(name), fmt::format("{}", row.intervals), fmt::format("{}", values.count()),
              value(values.mean()), value(static_cast<double>(values.min()))};
  for (auto const& percentile : percentiles) {
    cells.push_back(value(static_cast<double>(values.value_at_quantile(percentile.quantile))));
  }
  cells.push_back(value(static_cast<double>(values.max())));
  return cells;
}

void print_table(HistogramLog const& log, HistogramLogSummary const& summary, double divide_by) {
  auto const& all = summary.all;
  fmt::print("{} intervals over {:.3f} s", all.intervals, to_seconds(all.end - all.begin));
  auto const start = std::chrono::system_clock::to_time_t(log.start_time) + all.begin / seconds{1};
  if (log.start_time.time_since_epoch().count() != 0) fmt::print(" from {:%FT%TZ}", fmt::gmtime(start));
  fmt::print("\n\n");

  std::vector<Cells> table{heading()};
  for (auto const& row : summary.tags)
    table.push_back(cells_of(row.tag.empty() ? "(no tag)" : row.tag, row, divide_by));
  if (summary.tags.size() != 1) table.push_back(cells_of("(merged)", all, divide_by));
  std::vector<std::size_t> widths(table.front().size());
  for (auto const& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (auto const& row : table) {
    fmt::print("{:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) fmt::print("  {:>{}}", row[i], widths[i]);
    fmt::print("\n");
  }
}

boost::json::object to_json(Row const& row, double divide_by) {
  auto const& values = row.histogram;
  boost::json::object object{{"intervals", row.intervals},
                             {"begin_s", to_seconds(row.begin)},
                             {"end_s", to_seconds(row.end)},
                             {"count", values.count()}};
  if (values.empty()) return object;  // no value is better than a zero that nobody measured
  object["mean"] = values.mean() / divide_by;
  object["stddev"] = values.stddev() / divide_by;
  object["min"] = static_cast<double>(values.min()) / divide_by;
  for (auto const& percentile : percentiles) {
    object[percentile.name] = static_cast<double>(values.value_at_quantile(percentile.quantile)) / divide_by;
  }
  object["max"] = static_cast<double>(values.max()) / divide_by;
  return object;
}

}  // namespace

int inspect_command(std::filesystem::path const& file, double divide_by, bool json) {
  auto const log = read_log(file);
  auto const summary = summarize(log);
  if (!json) {
    print_table(log, summary, divide_by);
    return 0;
  }
  boost::json::array tags;
  for (auto const& row : summary.tags) {
    auto object = to_json(row, divide_by);
    object["tag"] = row.tag;
    tags.push_back(std::move(object));
  }
  boost::json::object const document{
      {"file", file.string()},
      {"start_time_s", std::chrono::duration<double>(log.start_time.time_since_epoch()).count()},
      {"divided_by", divide_by},
      {"tags", std::move(tags)},
      {"merged", to_json(summary.all, divide_by)}};
  fmt::print("{}\n", boost::json::serialize(document));
  return 0;
}

}  // namespace assay
