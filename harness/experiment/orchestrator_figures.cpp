#include "harness/experiment/orchestrator_figures.hpp"

#include "harness/assess/intervals.hpp"
#include "simulated_runners/duration_sampler.hpp"

#include <algorithm>
#include <cmath>

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
  double const alive = orchestrators_alive(scenario, orchestrators);
  figures.limit_per_s = orchestrator_limit_per_s(scenario, alive, cold_share * mean_cold_s);
  figures.with_polls_per_s = orchestrator_rate_with_polls_per_s(scenario, alive, cold_share);
  return figures;
}

double orchestrator_limit_per_s(Scenario const& scenario, double orchestrators, double mean_start_s) {
  auto const& spec = *scenario.fleet.orchestrator;
  double const of_a_poll = spec.clamp ? std::min(spec.batch, spec.max_concurrent) : spec.batch;
  double const by_polls = of_a_poll / to_seconds(spec.poll_interval);
  double const run_s = mean_start_s + to_seconds(scenario.fleet.run_length.mean);
  double const by_places = run_s > 0 ? spec.max_concurrent / run_s : by_polls;
  return std::min(by_polls, by_places) * orchestrators * scenario.time_compression;
}

double orchestrator_rate_with_polls_per_s(Scenario const& scenario, double orchestrators, double cold_share) {
  auto const& spec = *scenario.fleet.orchestrator;
  double const mean_cold_s = to_seconds(spec.cold_start.from + spec.cold_start.to) / 2;
  if (!spec.clamp) return orchestrator_limit_per_s(scenario, orchestrators, cold_share * mean_cold_s);
  constexpr int draws = 20'000;  // the mean of ⌈…⌉ to some 0.3 %
  DurationSampler const run_length{scenario.fleet.run_length, 1.0};
  Random random = Random::stream(scenario.seed, "orchestrator polls");
  double const interval = to_seconds(spec.poll_interval);
  double intervals = 0;
  for (int i = 0; i < draws; ++i) {
    bool const cold = random.uniform() < cold_share;
    Duration const start =
        spec.cold_start.from + from_seconds(to_seconds(spec.cold_start.to - spec.cold_start.from) * random.uniform());
    double const length = to_seconds(run_length.draw(random) + (cold ? start : Duration{}));
    intervals += std::max(1.0, std::ceil(length / interval));
  }
  double const by_places = spec.max_concurrent / (interval * intervals / draws);
  return std::min(spec.batch / interval, by_places) * orchestrators * scenario.time_compression;
}

double orchestrators_alive(Scenario const& scenario, int orchestrators) {
  Duration const begin = scenario.phases.warm_up, end = begin + scenario.phases.measure;
  Duration gone{};
  for (auto const& fault : scenario.faults) {
    if (fault.whom != FaultSpec::Whom::runners || fault.what != FaultSpec::What::kill) continue;
    int const hit = fault.number == 0 ? orchestrators : std::min(fault.number, orchestrators);
    for (int i = 0; i < hit; ++i) {
      Duration const killed = fault.at + fault.every * i;
      gone += std::max(Duration{}, std::min(end, killed + fault.lasting) - std::max(begin, killed));
    }
  }
  return std::max(0.0, orchestrators - to_seconds(gone) / to_seconds(scenario.phases.measure));
}

}  // namespace assay
