#include "harness/assess/figure.hpp"

#include "harness/assess/intervals.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace assay {
namespace {

using Maybe = std::optional<Figure>;

Figure exact(double value, std::uint64_t n = 0) {
  return {.estimate = {.value = value, .low = {}, .high = {}}, .n = n, .unit = {}, .exact = true};
}

Maybe latency(LatencyFigures const& figures, std::string_view statistic) {
  if (figures.n == 0) return std::nullopt;
  auto const quantile = [&](Estimate const& estimate) {
    return Figure{.estimate = estimate, .n = figures.n, .unit = {}};
  };
  if (statistic == "p50") return quantile(figures.p50);
  if (statistic == "p90") return quantile(figures.p90);
  if (statistic == "p95") return quantile(figures.p95);
  if (statistic == "p99") return quantile(figures.p99);
  if (statistic == "p99.9") return quantile(figures.p999);
  return exact(statistic == "mean" ? figures.mean : figures.max, figures.n);
}

Maybe store_operation(TrialResult const& trial, std::string_view operation, std::string_view statistic) {
  auto const found =
      std::find_if(trial.store.begin(), trial.store.end(), [&](auto const& o) { return o.operation == operation; });
  return found == trial.store.end() ? std::nullopt : latency(found->latency, statistic);
}

Maybe failed_claims(TrialResult const& trial, std::string_view statistic) {
  auto const failed = std::accumulate(trial.failed_claims.begin(), trial.failed_claims.end(), std::uint64_t{0},
                                      [](std::uint64_t sum, auto const& cause) { return sum + cause.second; });
  // Where a store doesn't count its attempts, those that succeeded or failed are all we know of.
  auto const attempts = std::max(trial.claim_attempts, trial.claims + failed);
  if (statistic == "count") return exact(static_cast<double>(failed), attempts);
  if (statistic == "share") {
    if (attempts == 0) return std::nullopt;
    return Figure{.estimate = share(failed, attempts), .n = attempts, .unit = {}};
  }
  if (!(trial.measured_s > 0)) return std::nullopt;
  return Figure{.estimate = rate(failed, trial.measured_s), .n = attempts, .unit = {}};
}

Maybe pending_writes(TrialResult const& trial, std::string_view statistic) {
  if (statistic == "slope") return Figure{.estimate = trial.pending_writes_slope_per_s, .n = 0, .unit = {}};
  return exact(statistic == "mean" ? trial.pending_writes_mean : trial.pending_writes_max);
}

Maybe conflicts_per_claim(TrialResult const& trial) {
  if (trial.claims == 0) return std::nullopt;
  auto const found = trial.failed_claims.find("lost_race");
  auto const conflicts = found == trial.failed_claims.end() ? 0 : found->second;
  return exact(static_cast<double>(conflicts) / static_cast<double>(trial.claims), trial.claims);
}

Maybe of_orchestrators(TrialResult const& trial, std::string_view metric, std::string_view statistic) {
  if (!trial.orchestrators) return std::nullopt;
  auto const& figures = *trial.orchestrators;
  if (metric == "start_delay") return latency(figures.start_delay, statistic);
  if (metric == "most_held") return exact(static_cast<double>(figures.most_held));
  if (metric == "share_of_limit") {
    if (!(figures.limit_per_s > 0)) return std::nullopt;
    return exact(trial.completed_per_s / figures.limit_per_s);
  }
  auto const starts = figures.cold_starts + figures.warm_starts;
  if (starts == 0) return std::nullopt;
  return Figure{.estimate = share(figures.warm_starts, starts), .n = starts, .unit = {}};
}

Maybe empty_polls(TrialResult const& trial, std::string_view statistic) {
  if (statistic == "count") return exact(static_cast<double>(trial.empty_polls), trial.polls);
  if (trial.polls == 0) return std::nullopt;
  return Figure{.estimate = share(std::min(trial.empty_polls, trial.polls), trial.polls), .n = trial.polls, .unit = {}};
}

Maybe achieved(TrialResult const& trial, std::string_view statistic) {
  if (statistic == "mean") return exact(trial.accepted_per_s);
  if (!(trial.offered_per_s > 0)) return std::nullopt;
  return exact(trial.accepted_per_s / trial.offered_per_s);
}

Maybe cpu(ProcessFigures const& process, std::string_view statistic) {
  if (!process.available) return std::nullopt;
  return exact(statistic == "mean" ? process.cpu_cores_mean : process.cpu_cores_max);
}

Maybe memory(ProcessFigures const& process) {
  if (!process.available) return std::nullopt;
  return exact(process.resident_mib_max);
}

Maybe requests(TrialResult const& trial) {
  double per_minute = 0;
  for (auto const& [kind, rate] : trial.requests_per_minute) per_minute += rate;
  return exact(per_minute / 60);
}

Maybe counted(std::uint64_t count) { return exact(static_cast<double>(count)); }

Maybe told(TrialResult const& trial, std::string const& name) {
  auto const found = trial.store_figures.find(name);
  return found == trial.store_figures.end() ? std::nullopt : Maybe{exact(found->second)};
}

Maybe undelivered_replies(TrialResult const& trial) {
  auto const sent = told(trial, "replies_sent"), heard = told(trial, "replies_heard");
  if (!sent || !heard) return std::nullopt;
  return exact(std::max(0.0, sent->estimate.value - heard->estimate.value));
}

Maybe quiet_source(TrialResult const& trial, std::string_view statistic) {
  auto const& sources = trial.books.sources;
  auto const quietest = std::ranges::min_element(sources, {}, &SourceFigures::submitted);
  return quietest == sources.end() ? std::nullopt : latency(quietest->claim_latency, statistic);
}

Maybe find(TrialResult const& t, std::string_view metric, std::string_view statistic) {
  if (metric == "claim_latency") return latency(t.claim_latency, statistic);
  if (metric == "dispatch_latency") return latency(t.dispatch_latency, statistic);
  if (metric == "quiet_source_latency") return quiet_source(t, statistic);
  if (metric == "runner_shortage") return latency(t.runner_shortage, statistic);
  if (metric == "claim_latency_as_run") return latency(t.claim_latency_as_run, statistic);
  if (metric == "submit_latency") return latency(t.submit_latency, statistic);
  if (metric == "call_latency") return latency(t.call_latency, statistic);
  if (metric == "report_latency") return latency(t.report_latency, statistic);
  if (metric == "heartbeat_latency") return latency(t.heartbeat_latency, statistic);
  if (metric == "schedule_lag") return latency(t.schedule_lag, statistic);
  if (metric == "dispatcher_wait") return latency(t.dispatcher_wait, statistic);
  if (metric == "claim_commit") return latency(t.claim_commit, statistic);
  if (metric == "response_write") return latency(t.response_write, statistic);
  if (metric == "store_write_latency") return latency(t.store_write_latency, statistic);
  if (metric.starts_with("store_") && metric.ends_with("_latency"))  // store_claim_latency
    return store_operation(t, metric.substr(6, metric.size() - 6 - std::string_view{"_latency"}.size()), statistic);
  if (metric == "failed_claims") return failed_claims(t, statistic);
  if (metric == "conflicts_per_claim") return conflicts_per_claim(t);
  if (metric == "start_delay" || metric == "warm_starts" || metric == "most_held" || metric == "share_of_limit")
    return of_orchestrators(t, metric, statistic);
  if (metric == "empty_polls") return empty_polls(t, statistic);
  if (metric == "pending_writes") return pending_writes(t, statistic);
  if (metric == "backlog") return Figure{.estimate = t.backlog_slope_per_s, .n = 0, .unit = {}};
  if (metric == "throughput") return exact(t.completed_per_s);
  if (metric == "achieved_rate") return achieved(t, statistic);
  if (metric == "requests") return requests(t);
  if (metric == "runners_busy") return exact(t.busy_share);
  if (metric == "coordinator_cpu") return cpu(t.coordinator, statistic);
  if (metric == "database_cpu") return cpu(t.database, statistic);
  if (metric == "generator_cpu") return cpu(t.generator, statistic);
  if (metric == "coordinator_memory") return memory(t.coordinator);
  if (metric == "database_memory") return memory(t.database);
  if (metric == "store_keys") return told(t, "keys");
  if (metric == "undelivered_replies") return undelivered_replies(t);
  if (metric == "lost") return counted(t.ledger.lost);
  if (metric == "doubled") return counted(t.ledger.doubled);
  if (metric == "reexecuted") return counted(t.ledger.reexecuted);
  if (metric == "stranded") return counted(t.ledger.stranded);
  if (metric == "dead") return counted(t.ledger.dead);
  if (metric == "in_doubt") return counted(t.ledger.in_doubt);
  if (metric == "shed") return counted(t.books.shed);
  if (metric == "failed_calls") return counted(t.books.failed);
  if (metric == "abandoned") return counted(t.books.abandoned);
  return std::nullopt;
}

}  // namespace

double Figure::at_least() const {
  return exact ? estimate.value : estimate.low.value_or(-std::numeric_limits<double>::infinity());
}

double Figure::at_most() const {
  return exact ? estimate.value : estimate.high.value_or(std::numeric_limits<double>::infinity());
}

std::optional<Figure> figure(TrialResult const& trial, std::string_view metric, std::string_view statistic) {
  auto const metrics = known_metrics();
  auto const known =
      std::find_if(metrics.begin(), metrics.end(), [&](FigureName const& m) { return m.name == metric; });
  if (known == metrics.end() ||
      std::find(known->statistics.begin(), known->statistics.end(), statistic) == known->statistics.end())
    return std::nullopt;
  auto found = find(trial, metric, statistic);
  if (found) found->unit = unit_of(*known, statistic);
  return found;
}

std::optional<double> quantile_named(std::string_view statistic) {
  if (statistic == "p50") return 0.50;
  if (statistic == "p90") return 0.90;
  if (statistic == "p95") return 0.95;
  if (statistic == "p99") return 0.99;
  if (statistic == "p99.9") return 0.999;
  return std::nullopt;
}

namespace {

// "5.00 s" → "5 s": bounds are round numbers.
std::string without_trailing_zeros(std::string text) {
  auto const space = text.find(' ');
  if (space == std::string::npos || text.find('.') > space) return text;
  auto const last = text.find_last_not_of('0', space - 1);
  auto const keep = text[last] == '.' ? last : last + 1;
  return text.erase(keep, space - keep);
}

}  // namespace

std::string show(double value, std::string_view unit) {
  constexpr double longest_ms = 9e12;  // what a Duration holds
  if (unit == "ms")
    return std::abs(value) < longest_ms ? without_trailing_zeros(humanize(from_seconds(value / 1e3))) : "endless";
  std::string const digits = std::abs(value) >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
  if (unit == "1/s") return digits + "/s";
  return unit.empty() ? digits : fmt::format("{} {}", digits, unit);
}

std::string show(Figure const& figure) {
  auto const& [value, low, high] = figure.estimate;
  std::string text = show(value, figure.unit);
  if (figure.exact || (!low && !high)) return text;
  if (!high) return fmt::format("{} (at least {} with 95 % confidence)", text, show(*low, figure.unit));
  if (!low) return fmt::format("{} (at most {} with 95 % confidence)", text, show(*high, figure.unit));
  return fmt::format("{} (95 % bounds {} and {})", text, show(*low, figure.unit), show(*high, figure.unit));
}

}  // namespace assay
