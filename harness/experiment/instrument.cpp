#include "harness/experiment/instrument.hpp"

#include "harness/assess/guards.hpp"
#include "harness/assess/trend.hpp"

#include <algorithm>
#include <cmath>

namespace assay {

namespace {

// Median dispatch latency of each second of the measured phase, in ms: what the halves comparison looks at. Medians,
// because one slow run in a quiet second is no trend.
std::vector<double> dispatch_by_second(Evidence const& evidence, std::span<ClaimSplit const> splits) {
  std::vector<std::vector<double>> seconds(
      static_cast<std::size_t>(std::max(1.0, std::ceil(to_seconds(evidence.measure_end - evidence.measure_begin)))));
  for (auto const& split : splits) {
    if (!evidence.recorder->measured().contains(split.created)) continue;
    auto const second = static_cast<std::size_t>(to_seconds(split.created - evidence.measure_begin));
    if (second < seconds.size()) seconds[second].push_back(to_ms(split.dispatch));
  }
  std::vector<double> medians;
  for (auto& values : seconds) {
    if (values.empty()) continue;
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    medians.push_back(*middle);
  }
  return medians;
}

// What the coordinator calls the moment at which it took its statistics lies between question and answer, if both have
// the same clock. Nothing when it never answered.
std::optional<double> clock_error_ms(std::vector<Sample> const& samples) {
  std::optional<double> error;
  for (auto const& sample : samples) {
    if (!sample.stats) continue;
    Duration const early = sample.stats_asked - sample.stats->taken_at;
    Duration const late = sample.stats->taken_at - sample.stats_answered;
    error = std::max(error.value_or(0), to_ms(std::max(early, late)));
  }
  return error;
}

// Share of the time between two readings.
std::optional<double> pressure_share(std::optional<HostStats::Pressure> const& begin,
                                     std::optional<HostStats::Pressure> const& end, double elapsed_s) {
  if (!begin || !end || elapsed_s <= 0) return std::nullopt;
  return to_seconds(end->some - begin->some) / elapsed_s;
}

std::optional<double> smallest_latency_bound(Scenario const& scenario) {
  std::optional<double> smallest;
  for (auto const& objective : scenario.objectives) {
    bool const latency = objective.metric == "claim_latency" || objective.metric == "dispatch_latency";
    if (latency && (!smallest || objective.bound < *smallest)) smallest = objective.bound;
  }
  return smallest;
}

}  // namespace

std::vector<Guard> guards_of(Evidence const& evidence, TrialResult const& result, std::span<ClaimSplit const> splits,
                             std::uint64_t out_of_range) {
  InstrumentFigures figures;
  figures.in_process = in_process(evidence.plan.scenario->transport);
  figures.scheduled = !evidence.plan.scenario->load.backlog;
  if (result.books.offered > 0) {
    figures.achieved_share = static_cast<double>(result.books.started) / static_cast<double>(result.books.offered);
  }
  auto const host = read_host_facts();
  if (result.generator.available) {
    // A thread can't use more than one core.
    double const may_use = std::min(static_cast<double>(evidence.generator_threads), host.usable_cpus.value_or(1.0));
    figures.generator_cpu_share = result.generator.cpu_cores_mean / may_use;
  }
  if (result.schedule_lag.n > 0) figures.schedule_lag_p99_ms = result.schedule_lag.p99.value;
  if (result.dispatch_latency.n > 0) figures.dispatch_p99_ms = result.dispatch_latency.p99.value;
  if (evidence.loop.watched > Duration{}) figures.loop_stalls_per_minute = evidence.loop.stalls_per_minute();
  if (evidence.host_begin && evidence.host_end) {
    auto const& begin = *evidence.host_begin;
    auto const& end = *evidence.host_end;
    figures.steal_share = steal_share(begin, end);
    figures.cpu_pressure_share = pressure_share(begin.cpu_pressure, end.cpu_pressure, result.measured_s);
    figures.memory_pressure_share = pressure_share(begin.memory_pressure, end.memory_pressure, result.measured_s);
    if (begin.throttling && end.throttling && result.measured_s > 0) {
      figures.throttled_share = to_seconds(end.throttling->throttled - begin.throttling->throttled) / result.measured_s;
    }
  }
  double const descriptors = std::max(result.generator.descriptors_max, result.coordinator.descriptors_max);
  if (descriptors > 0 && host.descriptors)
    figures.descriptors_share = descriptors / static_cast<double>(*host.descriptors);
  if (evidence.end && host.ephemeral_ports) {
    auto const& fleet = evidence.end->fleet;
    double const ports = static_cast<double>(fleet.source_addresses) * host.ephemeral_ports->count();
    figures.ports_share = static_cast<double>(fleet.connections_opened) / ports;
  }
  figures.books_balance = result.books.balance;
  figures.clock_error_ms = clock_error_ms(evidence.samples);
  figures.out_of_range = out_of_range;
  figures.gate_ms = smallest_latency_bound(*evidence.plan.scenario);
  // Faults are there to make the halves differ.
  if (evidence.plan.scenario->faults.empty())
    figures.dispatch_halves = compare_halves(dispatch_by_second(evidence, splits));
  return judge_instrument(figures);
}

}  // namespace assay
