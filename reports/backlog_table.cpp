// Trials with a backlog: how fast it was used up, how long a claim took, and whether that grows with it.
#include "harness/assess/straight_line.hpp"
#include "reports/evidence.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace assay {

namespace {

constexpr bool number = true;

std::optional<double> backlog_of(TrialResult const& trial) {
  if (!is_backlog(trial)) return std::nullopt;
  return static_cast<double>(trial.books.offered);
}

// What was there on average while it was measured, if it went down evenly.
double mean_backlog(TrialResult const& trial, double backlog) {
  return std::max(0.0, backlog - trial.completed_per_s * trial.measured_s / 2);
}

}  // namespace

Table backlog_table(Assessment const& assessment) {
  Table table{"Time inside a claim, and what the backlog has to do with it",
              {{"Trial"},
               {"Backlog", number},
               {"on average", number},
               {"Runs a minute", number},
               {"Claim p50", number},
               {"Claim p95", number},
               {"Claim mean", number}},
              {}};
  struct Points {
    std::vector<double> backlog, mean_ms;
    std::set<double> at_first;  // a line takes backlogs that differ, and not only by how much was done meanwhile
  };
  constexpr std::size_t fewest_backlogs = 3;
  std::vector<std::pair<std::string, Points>> lines;  // by backend and number of runners
  for (auto const& trial : assessment.trials) {
    auto const* const claims = claim_calls(trial);
    auto const backlog = backlog_of(trial);
    if (!backlog || claims == nullptr) continue;
    table.rows.push_back({{name_of(assessment, trial), count_text(static_cast<std::uint64_t>(*backlog)),
                           count_text(static_cast<std::uint64_t>(mean_backlog(trial, *backlog))),
                           number_text(trial.completed_per_s * 60), duration_text(claims->latency.p50.value),
                           duration_text(claims->latency.p95.value), duration_text(claims->latency.mean)},
                          Mark::none});
    std::string const who = fmt::format("{} runners · {}", trial.runners, trial.backend);
    auto found = std::find_if(lines.begin(), lines.end(), [&](auto const& line) { return line.first == who; });
    if (found == lines.end()) found = lines.insert(lines.end(), {who, {}});
    found->second.backlog.push_back(mean_backlog(trial, *backlog));
    found->second.mean_ms.push_back(claims->latency.mean);
    found->second.at_first.insert(*backlog);
  }
  for (auto const& [who, points] : lines) {
    if (points.at_first.size() < fewest_backlogs) continue;
    auto const line = fit_line(points.backlog, points.mean_ms);
    if (!line) continue;
    table.rows.push_back(
        {{fmt::format("{}: straight line through {} trials", who, points.backlog.size()), "", "", "", "", "",
          fmt::format("{} + {} per 1,000 waiting runs, R² = {:.3f}", duration_text(line->at_zero),
                      duration_text(line->slope * 1000), line->r_squared)},
         Mark::none});
  }
  return table;
}

}  // namespace assay
