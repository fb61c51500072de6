#include "harness/doctor/examination.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace assay {

namespace {

constexpr double latency_rate = 1000;  // submissions a second
constexpr double first_rate = 1000;    // runs per second
constexpr double least_completed_share = 0.95;
constexpr std::array<Duration, 4> known_delays{Duration{0}, milliseconds{1}, milliseconds{5}, milliseconds{50}};
constexpr int rate_runners = 200;
constexpr int most_parked = 10'000;
constexpr int spare_descriptors = 500;
constexpr double most_cpu_share = 0.8;          // as the guard generator_cpu
constexpr double much_lost = 0.05;              // of a busy thread's time
constexpr double most_steal = 0.02;             // as the guard steal
constexpr double trusted_relative_error = 0.1;  // latencies that the error bar changes by no more than this

double ms_at(Histogram const& nanoseconds, double q) {
  return static_cast<double>(nanoseconds.value_at_quantile(q)) / 1e6;
}

LatencyFinding examine_latency(Duration asked, Duration length) {
  NullTrialPlan plan;
  plan.coordinator.answer.mean = asked;
  plan.runs_per_second = latency_rate;
  plan.measure = length;
  auto const trial = run_null_trial(plan);
  LatencyFinding finding{.asked = asked, .n = static_cast<std::uint64_t>(trial.measured.count())};
  finding.truth_p50_ms = ms_at(trial.truth, 0.5);
  finding.truth_p99_ms = ms_at(trial.truth, 0.99);
  finding.measured_p50_ms = ms_at(trial.measured, 0.5);
  finding.measured_p99_ms = ms_at(trial.measured, 0.99);
  finding.complaint = trial.complaint();
  return finding;
}

NullTrial try_rate(double runs_per_s, Duration length) {
  NullTrialPlan plan;
  plan.runners = rate_runners;
  plan.runs_per_second = runs_per_s;
  plan.measure = length;
  return run_null_trial(plan);
}

// Why this rate is too much; empty when it isn't. Whoever falls behind without breaking a guard has found its limit,
// too.
std::string complaint_of(NullTrial const& trial, double runs_per_s) {
  auto const complaint = trial.complaint();
  bool const behind = complaint.empty() && trial.completed_per_s < least_completed_share * runs_per_s;
  return behind ? "runs are completed more slowly than they come" : complaint;
}

// True: it bears that rate. In a trial of a second one hiccup of the machine breaks a guard, so a rate has two chances.
bool bears(double runs_per_s, Duration length, RateFinding& finding) {
  std::string complaint;
  for (int chance = 0; chance < 2; ++chance) {
    auto const trial = try_rate(runs_per_s, length);
    complaint = complaint_of(trial, runs_per_s);
    if (!complaint.empty()) continue;
    finding.runs_per_s = runs_per_s;
    finding.requests_per_s = trial.requests_per_s;
    finding.generator_cores = trial.generator_cores;
    finding.coordinator_cores = trial.coordinator_cores;
    return true;
  }
  finding.failed_at = runs_per_s;
  finding.limited_by = std::move(complaint);
  return false;
}

// From a rate that most machines bear to an estimate of the highest, and from there up or down until it turns.
RateFinding examine_rate(Duration length) {
  RateFinding finding;
  double rate = first_rate;
  if (!bears(rate, length, finding)) {
    for (int tries = 0; tries < 3 && !bears(rate /= 3, length, finding); ++tries) {
    }
    return finding;
  }
  double const cores = std::max({finding.generator_cores, finding.coordinator_cores, 0.02});
  rate = std::clamp(0.9 * rate * most_cpu_share / cores, 1.5 * first_rate, 30 * first_rate);
  bool const upwards = bears(rate, length, finding);
  for (int tries = 0; tries < 3 && bears(upwards ? rate *= 1.25 : rate /= 1.5, length, finding) == upwards; ++tries) {
  }
  return finding;
}

int runners_that_fit() {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return most_parked;
  auto const fit = static_cast<std::int64_t>(limit.rlim_max) - spare_descriptors;
  return static_cast<int>(std::clamp<std::int64_t>(fit, 0, most_parked));
}

ParkedFinding examine_parked(Duration length) {
  ParkedFinding finding{.asked = runners_that_fit()};
  NullTrialPlan plan;
  plan.runners = finding.asked;
  plan.measure = length;
  auto const trial = run_null_trial(plan);
  finding.failure = trial.failure;
  finding.parked = trial.parked;
  finding.connecting = trial.connecting;
  finding.generator_kib_per_runner = trial.generator_kib_per_runner;
  finding.coordinator_kib_per_runner = trial.coordinator_kib_per_runner;
  finding.generator_cores = trial.generator_cores;
  finding.coordinator_cores = trial.coordinator_cores;
  return finding;
}

double largest_error_ms(Findings const& findings) {
  double largest = 0;
  for (auto const& latency : findings.latencies) largest = std::max(largest, std::abs(latency.error_p99_ms()));
  return largest;
}

std::string in_ms(double ms) { return humanize(from_seconds(ms / 1e3)); }

}  // namespace

Findings examine(bool thorough, std::function<void(std::string_view)> const& tell) {
  auto const length = [thorough](Duration usual) { return thorough ? usual : usual / 3; };
  Findings findings;
  tell("the clock, and who else uses the machine");
  findings.clock = examine_clock();
  findings.noise = examine_noise(length(milliseconds{800}));
  findings.idle_loop = examine_idle_loop(length(milliseconds{800}));
  // First of the trials: what they leave in the heap would hide what 10,000 runners take.
  tell("parked runners");
  findings.parked = examine_parked(length(seconds{1}));
  for (auto const asked : known_delays) {
    tell(fmt::format("latencies that are known: {} at {:g} requests a second", humanize(asked), latency_rate));
    findings.latencies.push_back(examine_latency(asked, length(milliseconds{800})));
  }
  tell("the highest rate");
  findings.rate = examine_rate(length(milliseconds{800}));
  return findings;
}

Diagnosis diagnose(Findings const& findings, std::vector<ScenarioDemand> const& demands) {
  Diagnosis diagnosis;
  auto const say = [&](bool good, std::string text) { diagnosis.trust.push_back({good, std::move(text)}); };
  auto const spoilt = [&](std::string text) {
    diagnosis.fit = false;
    say(false, std::move(text));
  };
  if (findings.clock.backward > 0) {
    spoilt(fmt::format("nothing: the monotonic clock went backwards {} times", findings.clock.backward));
  }
  if (findings.noise.steal_share.value_or(0) > most_steal) {
    spoilt(fmt::format(
        "nothing for now: {:.1f} % of the CPU time was stolen by other virtual machines, and above 2 % every "
        "trial is invalid",
        100 * *findings.noise.steal_share));
  }
  if (findings.noise.lost_share() > much_lost) {
    say(false, fmt::format("what follows speaks for a busy machine: other programs took {:.0f} % of a thread's time",
                           100 * findings.noise.lost_share()));
  }
  double const error = largest_error_ms(findings);
  say(true,
      fmt::format("latencies of {} and more, to within {:.0f} %: the error at p99 was at most {} (p50 of no work at "
                  "all: {})",
                  in_ms(error / trusted_relative_error), 100 * trusted_relative_error, in_ms(error),
                  findings.latencies.empty() ? "unknown" : in_ms(findings.latencies.front().measured_p50_ms)));
  for (auto const& latency : findings.latencies) {
    if (latency.complaint.empty()) continue;
    say(false, fmt::format("while {} was asked for, a guard failed: {}", humanize(latency.asked), latency.complaint));
  }
  if (findings.rate.runs_per_s > 0) {
    say(true,
        fmt::format("one generator up to {:.0f} runs/s ({:.0f} requests/s){}", findings.rate.runs_per_s,
                    findings.rate.requests_per_s,
                    findings.rate.limited_by.empty()
                        ? std::string{}
                        : fmt::format("; at {:.0f} runs/s: {}", findings.rate.failed_at, findings.rate.limited_by)));
  } else {
    spoilt(
        fmt::format("no rate at all: already at {:.0f} runs/s: {}", findings.rate.failed_at, findings.rate.limited_by));
  }
  bool const all_parked =
      findings.parked.failure.empty() && findings.parked.parked >= static_cast<std::size_t>(findings.parked.asked);
  say(all_parked, findings.parked.failure.empty()
                      ? fmt::format("{} parked runners{}", findings.parked.parked,
                                    all_parked ? "" : fmt::format(" of {} asked", findings.parked.asked))
                      : fmt::format("parked runners: {}", findings.parked.failure));

  for (auto const& demand : demands) {
    // The rates that were tried are round numbers; a demand is a product of some.
    bool const rate = demand.runs_per_second <= findings.rate.runs_per_s * (1 + 1e-9);
    bool const runners =
        findings.parked.failure.empty() && static_cast<std::size_t>(demand.runners) <= findings.parked.parked;
    diagnosis.fit = diagnosis.fit && rate && runners;
    std::string text =
        fmt::format("{}: {} runners and {:.4g} runs/s", demand.scenario, demand.runners, demand.runs_per_second);
    if (!rate) text += fmt::format("; the generator manages {:.0f} runs/s", findings.rate.runs_per_s);
    if (!runners) text += fmt::format("; {} runners can be parked", findings.parked.parked);
    diagnosis.scenarios.push_back({rate && runners, std::move(text)});
  }
  return diagnosis;
}

}  // namespace assay
