#include "harness/experiment/orchestrator_figures.hpp"

#include "harness/assess/intervals.hpp"

#include <algorithm>

namespace assay {

namespace {

void scale(Estimate& estimate, double by) {
  estimate.value *= by;
  if (estimate.low) *estimate.low *= by;
  if (estimate.high) *estimate.high *= by;
}

LatencyFigures scaled(LatencyFigures figures, double by) {
  figures.min *= by;
  figures.mean *= by;
  figures.max *= by;
  for (auto* estimate : {&figures.p50, &figures.p90, &figures.p95, &figures.p99, &figures.p999}) scale(*estimate, by);
  return figures;
}

}  // namespace

std::optional<OrchestratorFigures> orchestrator_figures(Scenario const& scenario, int orchestrators,
                                                        OrchestratorRecord const& record) {
  if (!scenario.fleet.orchestrator) return std::nullopt;
  auto const& spec = *scenario.fleet.orchestrator;
  OrchestratorFigures figures;
  figures.polls = record.polls;
  figures.polls_skipped = record.polls_skipped;
  figures.received = record.received;
  figures.without_place = record.without_place;
  figures.most_held = record.most_held;
  figures.cold_starts = record.cold_starts;
  figures.warm_starts = record.warm_starts;
  figures.start_delay = scaled(latency_figures(record.start_delay), scenario.time_compression);
  auto const started = static_cast<double>(record.cold_starts + record.warm_starts);
  double const mean_cold_s = to_seconds(spec.cold_start.from + spec.cold_start.to) / 2;
  double const cold_share = started > 0 ? static_cast<double>(record.cold_starts) / started : 1;
  figures.limit_per_s = orchestrator_limit_per_s(scenario, orchestrators, cold_share * mean_cold_s);
  return figures;
}

double orchestrator_limit_per_s(Scenario const& scenario, int orchestrators, double mean_start_s) {
  auto const& spec = *scenario.fleet.orchestrator;
  double const of_a_poll = spec.clamp ? std::min(spec.batch, spec.max_concurrent) : spec.batch;
  double const by_polls = of_a_poll / to_seconds(spec.poll_interval);
  double const run_s = mean_start_s + to_seconds(scenario.fleet.run_length.mean);
  double const by_places = run_s > 0 ? spec.max_concurrent / run_s : by_polls;
  return std::min(by_polls, by_places) * orchestrators * scenario.time_compression;
}

}  // namespace assay
