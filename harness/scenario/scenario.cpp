#include "harness/scenario/scenario.hpp"

#include "harness/scenario/parse.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay {

namespace {

// Allowances, not measurements: start and stop of coordinator and fleet for each trial; and once, the private database
// and the report.
constexpr Duration per_trial = seconds{2};
constexpr Duration per_assessment = seconds{5};

// What one run keeps one place busy, compressed. A cold start is part of it.
double mean_run_s(Scenario const& scenario) {
  double mean = to_seconds(scenario.fleet.run_length.mean);
  if (auto const& orchestrator = scenario.fleet.orchestrator; orchestrator && orchestrator->warm_pool.size == 0) {
    mean += to_seconds(orchestrator->cold_start.from + orchestrator->cold_start.to) / 2;
  }
  return mean / scenario.time_compression;
}

// Expected longest of n independent exponentials: mean × H(n). The other shapes have shorter tails or are rare.
Duration expected_drain(Scenario const& scenario, int runners) {
  double const in_flight = std::clamp(offered_rate(scenario, runners) * mean_run_s(scenario), 1.0,
                                      1.0 * runners * scenario.fleet.runs_at_once());
  double harmonic = 0;
  for (int k = 1; k <= static_cast<int>(in_flight); ++k) harmonic += 1.0 / k;
  return std::min(scenario.phases.drain, from_seconds(mean_run_s(scenario) * harmonic));
}

}  // namespace

bool is_about(PublishedClaim const& published, Level const& level) {
  return (published.runners == 0 || published.runners == level.runners) &&
         (published.backend.empty() || published.backend == level.backend) &&
         (published.variant.empty() || published.variant == level.variant);
}

double offered_rate(Scenario const& scenario, int runners) {
  double const modelled = scenario.load.runs_per_second
                              ? *scenario.load.runs_per_second
                              : scenario.load.runs_per_minute_per_runner.value_or(0) * runners / 60.0;
  return modelled * scenario.time_compression;
}

double mean_factor(LoadProfileSpec const& profile) {
  using Shape = LoadProfileSpec::Shape;
  switch (profile.shape) {
    case Shape::steady: return 1;
    case Shape::ramp: return (profile.from + profile.to) / 2;
    case Shape::steps:
      if (profile.levels.empty()) return 1;
      return std::accumulate(profile.levels.begin(), profile.levels.end(), 0.0) /
             static_cast<double>(profile.levels.size());
    case Shape::burst: {
      if (profile.every <= Duration{0}) return 1;
      double const share = std::min(1.0, to_seconds(profile.lasting) / to_seconds(profile.every));
      return 1 + share * (profile.factor - 1);
    }
  }
  return 1;
}

double expected_runs(Scenario const& scenario, int runners) {
  if (scenario.load.backlog) return *scenario.load.backlog;
  return offered_rate(scenario, runners) * mean_factor(scenario.load.profile) * to_seconds(scenario.phases.measure);
}

double offered_busy_share(Scenario const& scenario, int runners) {
  return offered_rate(scenario, runners) * mean_factor(scenario.load.profile) * mean_run_s(scenario) /
         (runners * scenario.fleet.runs_at_once());
}

std::vector<std::size_t> deal_kinds(FleetSpec const& fleet, int runners) {
  double total = 0;
  for (auto const& kind : fleet.kinds) total += kind.share;
  std::vector<double> owed(fleet.kinds.size(), 0.0);
  std::vector<std::size_t> dealt;
  for (int i = 0; i < runners; ++i) {
    for (std::size_t k = 0; k < owed.size(); ++k) owed[k] += fleet.kinds[k].share / total;
    auto const kind = static_cast<std::size_t>(std::ranges::max_element(owed) - owed.begin());
    owed[kind] -= 1.0;
    dealt.push_back(kind);
  }
  return dealt;
}

Duration estimated_duration(Scenario const& scenario) {
  Duration once{};
  for (auto const& level : scenario.levels) {
    auto const own = scenario_for(scenario, level);
    once += own.phases.warm_up + own.phases.measure + expected_drain(own, level.runners) + per_trial;
  }
  return per_assessment + once * scenario.repeat;
}

}  // namespace assay
