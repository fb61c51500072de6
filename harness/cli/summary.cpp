#include "harness/cli/summary.hpp"

#include "harness/base/clock.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/comparison_lines.hpp"
#include "harness/cli/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

constexpr std::size_t breaches_printed = 4;  // of each trial

std::string latency(Estimate const& estimate, std::uint64_t n) {
  if (n == 0) return "–";
  // Half the histogram's finest bucket stands for "nothing".
  return estimate.value < 1e-4 ? "0" : humanize(from_seconds(estimate.value / 1e3));
}

// What came in; of a backlog, what went out.
double throughput(TrialResult const& trial) {
  return trial.offered_per_s > 0 ? trial.accepted_per_s : trial.completed_per_s;
}

// fmt pads by code points' width as it knows it; µ and – are one column each, which it gets right.
std::string cores(ProcessFigures const& process) {
  return process.available ? fmt::format("{:.2f}", process.cpu_cores_mean) : "–";
}

char const* mark(Reason::Finding finding) {
  switch (finding) {
    case Reason::Finding::refuted: return "no ";
    case Reason::Finding::met: return "YES";
    case Reason::Finding::undecided: return "?  ";
    case Reason::Finding::note: return "·  ";
  }
  return "";
}

// A note says what it is about; the other findings name their figure.
std::string in_context(Reason const& reason) {
  bool const named = reason.finding == Reason::Finding::note && !reason.source_text.empty();
  return named ? fmt::format("{}: {}", reason.source_text, reason.text) : reason.text;
}

std::string trial_row(TrialResult const& trial, std::size_t series_width) {
  auto const state = trial.partial                    ? "partial"
                     : !trial.ledger.breaches.empty() ? "BROKEN"
                     : !trial.stable                  ? "unstable"
                     : !trial.valid()                 ? "INVALID"
                                                      : "valid";
  std::uint64_t failed = 0;
  for (auto const& [cause, count] : trial.failed_claims) failed += count;
  return fmt::format("{:>7}  {:<{}} {:>6.0f}  {:>8}  {:>8}  {:>8}  {:>8}  {:>6}  {:>5} {:>5} {:>5}  {}\n",
                     trial.runners, trial.series(), series_width, throughput(trial),
                     trial.stable ? latency(trial.claim_latency.p50, trial.claim_latency.n) : "–",
                     trial.stable ? latency(trial.claim_latency.p99, trial.claim_latency.n) : "–",
                     trial.stable ? latency(trial.dispatch_latency.p99, trial.dispatch_latency.n) : "–",
                     trial.stable ? latency(trial.runner_shortage.p99, trial.runner_shortage.n) : "–", failed,
                     cores(trial.coordinator), cores(trial.database), cores(trial.generator), state);
}

}  // namespace

std::string printed_summary(Assessment const& assessment, bool colour) {
  auto const bold = [colour](std::string_view text) {
    return colour ? fmt::format("\033[1m{}\033[0m", text) : std::string{text};
  };
  std::string out = fmt::format("{}\n\n", bold(assessment.title));
  std::size_t width = std::string_view{"postgres-skip-locked"}.size() + 1;
  for (auto const& trial : assessment.trials) width = std::max(width, columns_of(trial.series()));
  out += fmt::format("{:>7}  {:<{}} {:>6}  {:>8}  {:>8}  {:>8}  {:>8}  {:>6}  {:>17}\n", "", "", width, "", "claim",
                     "claim", "dispatch", "shortage", "failed", "CPU cores");
  out += fmt::format("{:>7}  {:<{}} {:>6}  {:>8}  {:>8}  {:>8}  {:>8}  {:>6}  {:>5} {:>5} {:>5}\n", "runners",
                     "backend", width, "runs/s", "p50", "p99", "p99", "p99", "claims", "coord", "db", "gen");
  for (auto const& trial : assessment.trials) {
    out += trial_row(trial, width);
    if (!trial.failure.empty()) out += fmt::format("         {}\n", trial.failure);
    for (auto const& guard : trial.guards) {
      if (guard.state != Guard::State::failed) continue;
      out += fmt::format("         {}: {:.4g}, rule {}. {}\n", guard.name, guard.measured, guard.rule, guard.detail);
    }
    auto const& breaches = trial.ledger.breaches;
    for (std::size_t i = 0; i < std::min(breaches.size(), breaches_printed); ++i)
      out += fmt::format("         {}: {}\n", breaches[i].invariant, breaches[i].what);
    if (breaches.size() > breaches_printed)
      out += "         … and more: `assay ledger` with the folder of this report tells them\n";
    for (auto const& objective : trial.objectives) {
      if (objective.state == ObjectiveResult::State::met) continue;
      out += "         " +
             wrap(fmt::format("{} {}: {}", objective.text,
                              objective.state == ObjectiveResult::State::missed ? "MISSED" : "undecided",
                              objective.reason),
                  91, "         ") +
             '\n';
    }
  }
  if (assessment.time_compression != 1) {
    out += fmt::format("\n(time compressed {:g}-fold: claim latency and shortage are given at the modelled scale)\n",
                       assessment.time_compression);
  }
  if (!assessment.question.empty()) out += fmt::format("\n{}\n", wrap(assessment.question, 100, ""));
  out += fmt::format("{}\n\n", bold(wrap(assessment.verdict.headline, 100, "")));
  for (auto const& reason : assessment.verdict.reasons) {
    out += fmt::format("  {} {}\n", mark(reason.finding), wrap(in_context(reason), 94, "      "));
  }
  out += comparison_lines(assessment, width);
  if (!assessment.verdict.next_steps.empty()) out += '\n';
  for (auto const& step : assessment.verdict.next_steps) out += fmt::format("  → {}\n", wrap(step, 96, "    "));
  return out;
}

}  // namespace assay
