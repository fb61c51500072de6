#include "harness/experiment/figures.hpp"

#include "harness/assess/block_bootstrap.hpp"
#include "harness/assess/erlang.hpp"
#include "harness/assess/intervals.hpp"
#include "harness/assess/trend.hpp"
#include "harness/experiment/instrument.hpp"
#include "harness/experiment/ledger_evidence.hpp"
#include "harness/experiment/orchestrator_figures.hpp"
#include "harness/experiment/source_figures.hpp"
#include "harness/scenario/describe.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay {

namespace {

using protocol::CoordinatorStats;

// The runs created in the measured phase, split and summed up.
void add_claim_figures(Evidence const& evidence, std::span<ClaimSplit const> splits, TrialFigures& figures) {
  double const scale = evidence.plan.scenario->time_compression;
  auto const measured = std::max<Duration>(evidence.measure_end - evidence.measure_begin, nanoseconds{1});
  TimedSamples claim{measured, evidence.plan.scenario->fleet.hold};
  TimedSamples dispatch = claim, shortage = claim, as_run = claim;
  double shortage_sum = 0;
  double claim_sum = 0;
  for (auto const& split : splits) {
    if (!evidence.recorder->measured().contains(split.created)) continue;
    Duration const modelled = split.modelled_shortage(scale);
    Duration const at = split.created - evidence.measure_begin;
    as_run.record(at, split.claim.count());
    Duration const dispatched = split.modelled_dispatch(scale);
    dispatch.record(at, dispatched.count());
    shortage.record(at, modelled.count());
    claim.record(at, (dispatched + modelled).count());
    shortage_sum += static_cast<double>(modelled.count());
    claim_sum += static_cast<double>((dispatched + modelled).count());
  }
  auto& result = figures.result;
  result.claim_latency = claim.figures();
  result.dispatch_latency = dispatch.figures();
  result.runner_shortage = shortage.figures();
  result.claim_latency_as_run = as_run.figures();
  result.shortage_share = claim_sum > 0 ? shortage_sum / claim_sum : 0;
  figures.histograms.push_back({"claim_latency", claim.histogram()});
  figures.histograms.push_back({"dispatch_latency", dispatch.histogram()});
  figures.histograms.push_back({"runner_shortage", shortage.histogram()});
  figures.histograms.push_back({"claim_latency_as_run", as_run.histogram()});
}

void add_request_figures(Evidence const& evidence, TrialFigures& figures) {
  auto& result = figures.result;
  auto const& recorder = *evidence.recorder;
  double const minutes = result.measured_s / 60;
  for (int i = 0; i < operation_count; ++i) {
    auto const operation = static_cast<Operation>(i);
    auto const& stats = recorder.operation(operation);
    std::uint64_t total = 0;
    for (auto count : stats.fates) total += count;
    if (minutes > 0)
      result.requests_per_minute[std::string{to_string(operation)}] = static_cast<double>(total) / minutes;
    if (operation != Operation::poll) {
      figures.histograms.push_back({fmt::format("{}_response", to_string(operation)), stats.response});
      figures.histograms.push_back({fmt::format("{}_service", to_string(operation)), stats.service});
    }
  }
  auto const fate = [&](Operation operation, Fate which) {
    return recorder.operation(operation).fates[static_cast<std::size_t>(which)];
  };
  result.submit_latency = latency_figures(recorder.operation(Operation::submit).response);
  result.report_latency = latency_figures(recorder.operation(Operation::report).response);
  result.heartbeat_latency = latency_figures(recorder.operation(Operation::heartbeat).response);
  result.call_latency = latency_figures(recorder.operation(Operation::call).response);
  Histogram lag = recorder.operation(Operation::submit).lag;
  lag.add(recorder.operation(Operation::call).lag);
  result.schedule_lag = latency_figures(lag);
  figures.histograms.push_back({"schedule_lag", std::move(lag)});

  result.polls = fate(Operation::poll, Fate::ok) + fate(Operation::poll, Fate::empty);
  result.empty_polls = fate(Operation::poll, Fate::empty);
  auto const failed = [&](std::string cause, std::uint64_t count) {
    if (count > 0) result.failed_claims[std::move(cause)] += count;
  };
  failed("unavailable", fate(Operation::poll, Fate::unavailable));
  failed("timed_out", fate(Operation::poll, Fate::timed_out));
  failed("in_doubt", fate(Operation::poll, Fate::in_doubt));
  failed("refused", fate(Operation::poll, Fate::refused));
  failed("stale_token", fate(Operation::report, Fate::conflict));
}

void add_store_figures(CoordinatorStats const& during, TrialFigures& figures) {
  auto& result = figures.result;
  result.claims = during.delivered_claims;
  result.claim_attempts = during.store.counters.claim_attempts;
  if (during.store.counters.claim_conflicts > 0)
    result.failed_claims["lost_race"] = during.store.counters.claim_conflicts;
  if (during.undelivered_claims > 0) result.failed_claims["peer_gone"] = during.undelivered_claims;

  result.dispatcher_wait = latency_figures(during.dispatch_wait);
  result.claim_commit = latency_figures(during.claim_commit);
  result.response_write = latency_figures(during.response_write);
  figures.histograms.push_back({"dispatcher_wait", during.dispatch_wait});
  figures.histograms.push_back({"claim_commit", during.claim_commit});
  figures.histograms.push_back({"response_write", during.response_write});

  Histogram all_writes;
  for (std::size_t i = 0; i < store_operation_count; ++i) {
    auto const operation = static_cast<StoreOperation>(i);
    auto const& stats = during.store.of(operation);
    bool const writes = operation != StoreOperation::depth && operation != StoreOperation::find;
    if (stats.calls == 0 || !writes) continue;
    StoreOperationFigures row{
        .operation = std::string{to_string(operation)}, .calls = stats.calls, .items = stats.items};
    for (auto count : stats.errors) row.errors += count;
    for (std::size_t o = 0; o < stats.outcomes.size(); ++o) {
      if (stats.outcomes[o] > 0) row.outcomes[std::string{to_string(static_cast<Outcome>(o))}] = stats.outcomes[o];
    }
    row.latency = latency_figures(stats.latency);
    all_writes.add(stats.latency);
    figures.histograms.push_back({fmt::format("store_{}", row.operation), stats.latency});
    if (operation == StoreOperation::claim && row.errors > 0) result.failed_claims["store_error"] = row.errors;
    result.store.push_back(std::move(row));
  }
  result.store_write_latency = latency_figures(all_writes);
  figures.histograms.push_back({"store_write", std::move(all_writes)});
}

double pending_writes(CoordinatorStats const& stats) { return static_cast<double>(stats.store.pending_writes); }

double backlog_of(Sample const& sample) {
  if (sample.stats && sample.stats->depth) return static_cast<double>(sample.stats->depth->ready);
  // Before the coordinator says: what was accepted, is not done and nobody works on.
  return std::max(0.0, static_cast<double>(sample.fleet.outstanding) - static_cast<double>(sample.fleet.working));
}

double cores_between(std::optional<ProcessStats> const& a, std::optional<ProcessStats> const& b, double elapsed_s) {
  return a && b && elapsed_s > 0 ? to_seconds(b->cpu - a->cpu) / elapsed_s : 0;
}

std::string phase_of(Evidence const& evidence, TimePoint time) {
  // A sample stands for the second before it.
  return time <= evidence.measure_begin                     ? "warm_up"
         : time <= evidence.measure_end + milliseconds{500} ? "measure"
                                                            : "drain";
}

std::string faults_between(Evidence const& evidence, TimePoint from, TimePoint to) {
  std::string all;
  for (auto const& fault : evidence.faults) {
    if (fault.begin >= to || fault.end <= from) continue;
    if (!all.empty()) all += " + ";
    all += fault.what;
  }
  return all;
}

void add_timeline(Evidence const& evidence, TrialResult& result) {
  std::vector<double> seconds_in, backlog, pending;
  double working = 0;
  double samples = 0;
  for (std::size_t i = 1; i < evidence.samples.size(); ++i) {
    auto const& before = evidence.samples[i - 1];
    auto const& now = evidence.samples[i];
    double const elapsed = to_seconds(now.cpu.time - before.cpu.time);
    if (elapsed <= 0) continue;
    auto const per_s = [elapsed](std::uint64_t a, std::uint64_t b) { return static_cast<double>(b - a) / elapsed; };
    TimelinePoint point{.second = to_seconds(now.cpu.time - evidence.start)};
    point.offered_per_s = per_s(before.books.offered, now.books.offered);
    point.accepted_per_s = per_s(before.books.succeeded, now.books.succeeded);
    point.completed_per_s = per_s(before.fleet.completed, now.fleet.completed);
    if (before.stats && now.stats && now.stats->delivered_claims >= before.stats->delivered_claims) {
      point.received_per_s = per_s(before.stats->delivered_claims, now.stats->delivered_claims);
    }
    point.parked = static_cast<double>(now.fleet.parked);
    point.working = static_cast<double>(now.fleet.working);
    point.backlog = backlog_of(now);
    point.pending_writes = now.stats ? pending_writes(*now.stats) : 0;
    point.coordinator_cores = cores_between(before.cpu.coordinator, now.cpu.coordinator, elapsed);
    point.database_cores = cores_between(before.cpu.database, now.cpu.database, elapsed);
    point.generator_cores = cores_between(before.cpu.generator, now.cpu.generator, elapsed);
    if (!now.recent_claims.empty()) {
      point.claim_p50_ms = to_ms(Duration{now.recent_claims.value_at_quantile(0.5)});
      point.claim_p99_ms = to_ms(Duration{now.recent_claims.value_at_quantile(0.99)});
    }
    point.phase = phase_of(evidence, now.cpu.time);
    point.fault = faults_between(evidence, before.cpu.time, now.cpu.time);
    if (point.phase == "measure") {
      seconds_in.push_back(point.second);
      backlog.push_back(point.backlog);
      pending.push_back(point.pending_writes);
      working += point.working;
      ++samples;
      result.coordinator.cpu_cores_max = std::max(result.coordinator.cpu_cores_max, point.coordinator_cores);
      result.database.cpu_cores_max = std::max(result.database.cpu_cores_max, point.database_cores);
      result.generator.cpu_cores_max = std::max(result.generator.cpu_cores_max, point.generator_cores);
    }
    result.timeline.push_back(std::move(point));
  }
  if (samples == 0) return;
  auto const places = std::max(1, result.runners) * evidence.plan.scenario->fleet.runs_at_once();
  result.busy_share = working / (samples * places);
  for (double p : pending) {
    result.pending_writes_mean += p / samples;
    result.pending_writes_max = std::max(result.pending_writes_max, p);
  }
  if (auto const trend = slope(seconds_in, pending)) result.pending_writes_slope_per_s = *trend;
  if (auto const trend = slope(seconds_in, backlog)) {
    result.backlog_slope_per_s = *trend;
    result.stable = !backlog_grows(*trend, result.offered_per_s, result.measured_s);
  }
}

void add_store_figures(Evidence const& evidence, TrialResult& result) {
  auto const most = [&](std::vector<StoreFigure> const& figures) {
    for (auto const& figure : figures) {
      if (figure.of != StoreFigure::Of::store) continue;
      auto& highest = result.store_figures[figure.name + "_most"];
      highest = std::max(highest, figure.value);
    }
  };
  for (auto const& sample : evidence.samples) {
    if (sample.stats) most(sample.stats->store.figures);
  }
  if (!evidence.final_stats) return;
  most(evidence.final_stats->store.figures);
  for (auto const& figure : evidence.final_stats->store.figures) result.store_figures[figure.name] = figure.value;
}

void add_process(std::optional<ProcessStats> const& begin, std::optional<ProcessStats> const& end, double elapsed_s,
                 double runs, ProcessFigures& figures) {
  if (!begin || !end) return;
  figures.available = true;
  figures.cpu_cores_mean = cores_between(begin, end, elapsed_s);
  if (runs > 0) figures.cpu_us_per_run = to_us(end->cpu - begin->cpu) / runs;
  figures.resident_mib_max = static_cast<double>(end->resident_bytes) / (1024.0 * 1024.0);
  figures.descriptors_max = static_cast<double>(end->descriptors.value_or(0));
}

void add_disturbances(Evidence const& evidence, TrialResult& result) {
  auto const add = [&](std::string what, std::uint64_t count) {
    if (count > 0) result.books.disturbances[std::move(what)] = count;
  };
  if (evidence.final_stats) {
    add("attempts failed because their runner disconnected", evidence.final_stats->broken_runs);
    add("waiting calls answered 502 (runner_failed)", evidence.final_stats->broken_waits);
    add("claims not given out because their deadline had passed", evidence.final_stats->late_claims);
  }
  if (!evidence.samples.empty()) {
    add("submissions and calls tried again", evidence.samples.back().fleet.submissions_repeated);
  }
}

BooksFigures books_of(Recorder const& recorder) {
  auto const& books = recorder.books();
  return {.offered = books.offered,
          .started = books.started,
          .shed = books.shed,
          .succeeded = books.succeeded,
          .failed = books.failed,
          .abandoned = books.abandoned,
          .in_flight = books.in_flight,
          .balance = books.balance()};
}

// What queueing alone predicts, where its assumptions hold: Poisson arrivals at a steady rate, exponential run lengths,
// and every runner may take every run.
std::optional<double> erlang_c_shortage_p99_ms(Scenario const& scenario, int runners) {
  bool const applies = !scenario.load.concurrency && scenario.load.arrivals == LoadSpec::Arrivals::poisson &&
                       scenario.load.profile.shape == LoadProfileSpec::Shape::steady &&
                       scenario.fleet.run_length.shape == DurationDistribution::Shape::exponential &&
                       scenario.load.classes.size() == 1 && scenario.fleet.kinds.size() == 1 &&
                       scenario.fleet.runs_per_poll == 1 && !scenario.fleet.orchestrator &&
                       scenario.fleet.slowdown == 0;
  if (!applies) return std::nullopt;
  ErlangC const queue{.servers = runners * scenario.fleet.slots,
                      .arrivals_per_s = offered_rate(scenario, runners) / scenario.time_compression,
                      .mean_service_s = to_seconds(scenario.fleet.run_length.mean)};
  double const wait_s = queue.wait_quantile_s(0.99);
  if (!std::isfinite(wait_s)) return std::nullopt;
  return wait_s * 1e3;
}

}  // namespace

std::map<std::string, double> modelled_requests_per_minute(FleetSpec const& fleet, int runners, double runs_per_minute,
                                                           double busy_share) {
  double const hold_min = to_seconds(fleet.hold) / 60;
  double const heartbeat_min = to_seconds(fleet.heartbeat) / 60;
  if (fleet.orchestrator) {
    // By the clock; fewer when it skips polls at capacity.
    double const polls = runners * 60 / to_seconds(fleet.orchestrator->poll_interval);
    return {{"poll", polls},
            {"heartbeat", runners / heartbeat_min},
            {"report", runs_per_minute},
            {"submit", runs_per_minute}};
  }
  double const idle_runners = runners * (1 - std::clamp(busy_share, 0.0, 1.0));
  double empty_polls = 0;
  if (runs_per_minute <= 0) {
    empty_polls = idle_runners / hold_min;
  } else if (idle_runners > 0) {
    double const gap_min = idle_runners / runs_per_minute;  // mean idle gap of a runner between two runs
    empty_polls = runs_per_minute / std::expm1(hold_min / gap_min);
  }
  std::map<std::string, double> requests{{"poll", runs_per_minute + empty_polls},
                                         {"heartbeat", runners / heartbeat_min},
                                         {"report", runs_per_minute},
                                         {"submit", runs_per_minute}};
  if (fleet.confirm_start) requests["start"] = runs_per_minute;
  return requests;
}

TrialFigures figures_of(Evidence const& evidence) {
  auto const& plan = evidence.plan;
  auto const& scenario = *plan.scenario;
  TrialFigures figures;
  auto& result = figures.result;
  result.id = trial_id(plan);
  result.runners = plan.level.runners;
  result.backend = plan.level.backend;
  result.variant = plan.level.variant;
  result.transport = name_of(scenario.transport);
  result.repeat = plan.repeat;
  result.seed = plan.seed;
  result.partial = evidence.partial;
  result.failure = evidence.failure;
  result.measured_s = std::max(0.0, to_seconds(evidence.measure_end - evidence.measure_begin));
  result.books = books_of(*evidence.recorder);

  double base_rate = offered_rate(scenario, plan.level.runners);
  result.offered_per_s = base_rate;
  if (result.measured_s > 0) {
    auto const& submit = evidence.recorder->operation(Operation::submit);
    auto const& call = evidence.recorder->operation(Operation::call);
    auto const& report = evidence.recorder->operation(Operation::report);
    std::uint64_t offered = evidence.recorder->offered_while_measured();
    result.offered_per_s = static_cast<double>(offered) / result.measured_s;
    auto const ok = static_cast<std::size_t>(Fate::ok);
    result.accepted_per_s = static_cast<double>(submit.fates[ok] + call.fates[ok]) / result.measured_s;
    result.completed_per_s = static_cast<double>(report.fates[ok]) / result.measured_s;
  }
  if (scenario.load.concurrency) base_rate = result.offered_per_s;  // what a closed loop offers is what it can

  auto const splits = split_claims(evidence.events, scenario.load.classes, scenario.fleet.kinds, evidence.kind_of_actor,
                                   evidence.stopped, scenario.fleet.runs_at_once());
  add_claim_figures(evidence, splits, figures);
  result.books.sources = source_figures(evidence, splits);
  add_request_figures(evidence, figures);
  if (evidence.begin && evidence.end && evidence.begin->stats && evidence.end->stats) {
    if (auto const during = evidence.end->stats->since(*evidence.begin->stats)) add_store_figures(*during, figures);
  }
  add_timeline(evidence, result);
  add_store_figures(evidence, result);
  if (evidence.begin && evidence.end) {
    double const elapsed = to_seconds(evidence.end->cpu.time - evidence.begin->cpu.time);
    double const runs = result.completed_per_s * result.measured_s;
    auto const& begin = evidence.begin->cpu;
    auto const& end = evidence.end->cpu;
    add_process(begin.coordinator, end.coordinator, elapsed, runs, result.coordinator);
    // Of one coordinator, because a core is what one of them can have too little of.
    result.coordinator.cpu_cores_mean /= scenario.coordinator.count;
    result.coordinator.cpu_cores_max /= scenario.coordinator.count;
    add_process(begin.database, end.database, elapsed, runs, result.database);
    add_process(begin.generator, end.generator, elapsed, runs, result.generator);
  }
  add_disturbances(evidence, result);
  result.erlang_c_shortage_p99_ms = erlang_c_shortage_p99_ms(scenario, plan.level.runners);
  double const modelled_busy = std::min(
      1.0, base_rate / scenario.time_compression * to_seconds(scenario.fleet.run_length.mean) / plan.level.runners);
  result.requests_per_minute_modelled = modelled_requests_per_minute(
      scenario.fleet, plan.level.runners, base_rate * 60 / scenario.time_compression, modelled_busy);
  auto const published = scenario.published_requests_per_minute.find(plan.level.runners);
  if (published != scenario.published_requests_per_minute.end())
    result.requests_per_minute_published = published->second;
  result.orchestrators = orchestrator_figures(scenario, plan.level.runners, evidence.recorder->orchestrators());
  if (result.orchestrators)
    figures.histograms.push_back({"start_delay", evidence.recorder->orchestrators().start_delay});
  result.ledger = ledger_of(evidence);
  std::uint64_t out_of_range = 0;
  for (auto const& histogram : figures.histograms)
    out_of_range += static_cast<std::uint64_t>(histogram.values.out_of_range());
  result.guards = guards_of(evidence, result, splits, out_of_range);
  return figures;
}

}  // namespace assay
