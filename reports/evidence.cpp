#include "reports/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace assay {
namespace {

std::string runners_text(Cell const& cell) {
  return fmt::format("{} runner{}", cell.runners, cell.runners == 1 ? "" : "s");
}

}  // namespace

TrialResult const& Cell::worst() const {
  auto const weight = [](TrialResult const* trial) {
    return std::tuple{trial->valid(), trial->dispatch_latency.n > 0 ? trial->dispatch_latency.p99.value : -1.0};
  };
  return **std::max_element(trials.begin(), trials.end(), [&](auto a, auto b) { return weight(a) < weight(b); });
}

std::vector<std::string> all_series(Assessment const& assessment) {
  std::vector<std::string> result;
  for (auto const& trial : assessment.trials)
    if (std::find(result.begin(), result.end(), trial.series()) == result.end()) result.push_back(trial.series());
  return result;
}

bool has_variants(Assessment const& assessment) {
  return std::ranges::any_of(assessment.trials, [](auto const& trial) { return !trial.variant.empty(); });
}

std::vector<int> levels_of(Assessment const& assessment) {
  std::set<int> levels;
  for (auto const& trial : assessment.trials) levels.insert(trial.runners);
  return {levels.begin(), levels.end()};
}

std::vector<Cell> cells_of(Assessment const& assessment) {
  std::vector<Cell> result;
  for (int runners : levels_of(assessment)) {
    for (auto const& series : all_series(assessment)) {
      Cell cell{runners, series, {}};
      for (auto const& trial : assessment.trials)
        if (trial.runners == runners && trial.series() == series) cell.trials.push_back(&trial);
      if (!cell.trials.empty()) result.push_back(std::move(cell));
    }
  }
  return result;
}

TrialResult const* main_trial(Assessment const& assessment) {
  TrialResult const* result = nullptr;
  auto const assessed = assessed_series(assessment);
  for (auto const& cell : cells_of(assessment))
    if (cell.series == assessed) result = &cell.worst();
  return result;
}

std::string name_of(Assessment const& assessment, Cell const& cell) {
  return all_series(assessment).size() > 1 ? fmt::format("{} · {}", runners_text(cell), cell.series)
                                           : runners_text(cell);
}

std::string row_name_of(Assessment const& assessment, Cell const& cell) {
  auto const runners = runners_text(cell);
  if (all_series(assessment).size() <= 1) return runners;
  auto const& variant = cell.trials.front()->variant;
  // What tells rows apart comes first: a long line is cut off at its end.
  return variant.empty() ? fmt::format("{}\n{}", runners, cell.series)
                         : fmt::format("{}\n{} · {}", variant, runners, backend_of(cell.series));
}

std::string judged_row_name_of(Assessment const& assessment, Cell const& cell) {
  auto name = row_name_of(assessment, cell);
  if (!cell.worst().valid()) name.insert(std::min(name.find('\n'), name.size()), " (invalid)");
  return name;
}

std::string name_of(Assessment const& assessment, TrialResult const& trial) {
  auto name = name_of(assessment, Cell{trial.runners, trial.series(), {&trial}});
  bool const repeated =
      std::any_of(assessment.trials.begin(), assessment.trials.end(), [](auto const& each) { return each.repeat > 1; });
  return repeated ? fmt::format("{}, repeat {}", name, trial.repeat) : name;
}

StoreOperationFigures const* claim_calls(TrialResult const& trial) {
  auto const found =
      std::find_if(trial.store.begin(), trial.store.end(), [](auto const& each) { return each.operation == "claim"; });
  return found == trial.store.end() || found->latency.n == 0 ? nullptr : &*found;
}

bool has_percentiles(TrialResult const& trial) { return trial.claim_latency.n > 0 && trial.stable; }

std::optional<LatencyBound> latency_bound(Assessment const& assessment) {
  for (auto const& reason : assessment.verdict.reasons)
    if (reason.unit == "ms" && reason.bound > 0) return LatencyBound{reason.bound, reason.source_text};
  for (auto const& trial : assessment.trials)
    for (auto const& objective : trial.objectives)
      if (objective.text.starts_with("claim_latency") || objective.text.starts_with("dispatch_latency"))
        return LatencyBound{objective.bound, objective.text};
  return std::nullopt;
}

bool is_backlog(TrialResult const& trial) { return trial.offered_per_s <= 0 && trial.books.offered > 0; }

}  // namespace assay
