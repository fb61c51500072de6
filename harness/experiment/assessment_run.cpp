#include "harness/experiment/assessment_run.hpp"

#include "harness/assess/decide.hpp"
#include "harness/assess/objectives.hpp"
#include "harness/base/descriptors.hpp"
#include "harness/base/random.hpp"
#include "harness/base/text.hpp"
#include "harness/experiment/conditions.hpp"
#include "harness/experiment/figures.hpp"
#include "harness/experiment/preflight.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/record/results_folder.hpp"
#include "harness/scenario/parse.hpp"
#include "harness/scenario/resolved.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay {

namespace {

// Set-up, drain and tear-down of a trial besides its phases, for the time that is left. Measured; only a display.
constexpr Duration overhead_per_trial = seconds{5};

struct Planned {
  Scenario const* scenario;  // the level's own
  Level level;
  int repeat = 1;

  Duration lasts() const { return scenario->phases.warm_up + scenario->phases.measure + overhead_per_trial; }
};

std::vector<Scenario> scenarios_of(Scenario const& scenario) {
  std::vector<Scenario> own;
  for (auto const& level : scenario.levels) own.push_back(scenario_for(scenario, level));
  return own;
}

std::vector<Planned> plan_of(std::vector<Scenario> const& own, int repeats) {
  std::vector<Planned> plan;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    for (auto const& scenario : own) plan.push_back({&scenario, scenario.levels.front(), repeat});
  }
  return plan;
}

BackendEntry const& backend_named(std::vector<BackendEntry> const& backends, std::string const& name) {
  auto const found = std::find_if(backends.begin(), backends.end(), [&](auto const& b) { return b.name == name; });
  if (found == backends.end()) throw Failure{ExitStatus::bad_input, fmt::format("there is no backend {}", name)};
  if (!found->missing.empty())
    throw Failure{ExitStatus::bad_input, fmt::format("backend {} is {}", name, found->missing)};
  return *found;
}

void require_sharing(BackendEntry const& backend, int coordinators) {
  std::pair<std::string, std::string> const can_share{"several coordinators", "yes"};
  auto const& declared = backend.capabilities;
  if (coordinators == 1 || std::find(declared.begin(), declared.end(), can_share) != declared.end()) return;
  throw Failure{ExitStatus::bad_input,
                fmt::format("coordinator.count: {} coordinators can't share the backend {}; `assay backends` lists "
                            "those with several coordinators",
                            coordinators, backend.name)};
}

void require_leases(BackendEntry const& backend, CoordinatorSpec const& spec) {
  std::pair<std::string, std::string> const has_leases{"leases", "yes"};
  auto const& declared = backend.capabilities;
  if (spec.offer == Duration{0} || std::find(declared.begin(), declared.end(), has_leases) != declared.end()) return;
  throw Failure{ExitStatus::bad_input, fmt::format("coordinator.offer: the backend {} keeps no leases that could have "
                                                   "two stages; `assay backends` lists those with leases",
                                                   backend.name)};
}

// Beyond this share of the limit the guard makes the trial invalid (docs/method.md): better said now than afterwards.
void require_descriptors(Scenario const& scenario) {
  constexpr std::size_t files = 64;  // that generator and coordinator have open besides their connections
  std::size_t const allowed = raise_descriptor_limit();
  std::size_t const usable = allowed / 10 * 9;
  for (auto const& level : scenario.levels) {
    std::size_t const needed = connections_needed(scenario, level) + files;
    if (needed <= usable) continue;
    auto const runners = static_cast<std::size_t>(level.runners);
    throw Failure{
        ExitStatus::bad_input,
        fmt::format("trials: {} runners take {} file descriptors in generator and coordinator each, and a "
                    "process may open {} here, of which 90 % may be used; take at most {} runners, or raise "
                    "the hard limit (ulimit -Hn) to {}",
                    runners, needed, allowed, runners - std::min(runners, needed - usable), needed * 10 / 9 + 10)};
  }
}

std::string result_line(TrialResult const& trial) {
  if (!trial.failure.empty()) return "ended early: " + trial.failure;
  auto const latency = [](Estimate const& e) { return humanize(from_seconds(e.value / 1e3)); };
  std::string const state = trial.ledger.breaches.empty() ? (trial.valid() ? "valid" : "INVALID") : "INVARIANT BROKEN";
  if (trial.claim_latency.n == 0)  // a backlog
    return fmt::format("{:.0f} runs/s in {} · {}", trial.completed_per_s, humanize(from_seconds(trial.measured_s)),
                       state);
  return fmt::format("{:.0f} runs/s · claim p99 {} · dispatch p99 {} · {}", trial.accepted_per_s,
                     latency(trial.claim_latency.p99), latency(trial.dispatch_latency.p99), state);
}

// What the trial left behind, in the results folder at once: a later crash must not take it along.
void keep_files(ResultsFolder const& folder, std::chrono::system_clock::time_point start, Evidence const& evidence,
                TrialFigures const& figures) {
  auto const& trial = figures.result;
  folder.write_run_events(trial.id, evidence.events);
  auto const& ledgers = evidence.coordinator_ledgers;
  for (std::size_t i = 0; i < ledgers.size(); ++i)
    folder.write_ledger(trial.id, ledgers.size() == 1 ? "coordinator" : fmt::format("coordinator-{}", i + 1),
                        ledgers[i]);
  std::vector<HistogramLogEntry> entries;
  for (auto const& [name, values] : figures.histograms) {
    entries.push_back({.tag = name,
                       .start = evidence.plan.scenario->phases.warm_up,
                       .length = from_seconds(trial.measured_s),
                       .histogram = values});
  }
  folder.write_histograms(trial.id, start, entries);
}

void add_backend_facts(Assessment& assessment, BackendEntry const& backend, Evidence const& evidence) {
  auto const known = std::any_of(assessment.backends.begin(), assessment.backends.end(),
                                 [&](auto const& facts) { return facts.name == backend.name; });
  if (known) return;
  assessment.backends.push_back({.name = backend.name,
                                 .description = backend.description,
                                 .durability = backend.durability,
                                 .capabilities = backend.capabilities,
                                 .facts = evidence.store_facts});
}

TrialResult failed_trial(TrialPlan const& plan, std::string const& why) {
  TrialResult result;
  result.id = trial_id(plan);
  result.runners = plan.level.runners;
  result.backend = plan.level.backend;
  result.variant = plan.level.variant;
  result.repeat = plan.repeat;
  result.seed = plan.seed;
  result.partial = true;
  result.failure = why;
  return result;
}

std::vector<PublishedFigure> check_published(Scenario const& scenario, std::vector<TrialResult> const& trials) {
  std::vector<PublishedFigure> figures;
  for (auto const& published : scenario.published) {
    auto& figure = figures.emplace_back(PublishedFigure{.says = published.says, .claim = published.claim.text});
    for (auto const& trial : trials) {
      if (is_about(published, {trial.runners, trial.backend, trial.variant}))
        figure.checks.push_back({trial.id, judge(published.claim, trial)});
    }
  }
  return figures;
}

// Whether only the instrument is against it: what a trial found in the ledger or in the books is never measured away.
bool is_only_invalid(TrialResult const& trial) {
  auto const& ledger = trial.ledger;
  bool const sound = trial.books.balance && ledger.lost == 0 && ledger.doubled == 0 && ledger.breaches.empty();
  return sound && !trial.partial && trial.failure.empty() && !trial.valid();
}

std::string failed_guards(TrialResult const& trial) {
  std::vector<std::string> failed;
  for (auto const& guard : trial.guards) {
    if (guard.state == Guard::State::failed) failed.push_back(fmt::format("{} {:.4g}", guard.name, guard.measured));
  }
  return fmt::format("{}", fmt::join(failed, ", "));
}

// One trial, and again as often as the scenario allows while it is invalid.
void measure(asio::io_context& context, TrialPlan const& plan, ResultsFolder const& folder, Progress& progress,
             Interruption& interruption, RunOutcome& outcome) {
  auto& assessment = outcome.assessment;
  for (int retries_left = plan.scenario->retry_invalid;; --retries_left) {
    auto const start = std::chrono::system_clock::now();
    auto const evidence = run_trial(context, plan, progress, interruption);
    auto figures = figures_of(evidence);
    auto& result = figures.result;
    bool const again = retries_left > 0 && is_only_invalid(result) && interruption.poll() == 0;
    if (again) {
      std::string const id = result.id;
      result.id += fmt::format("-invalid-{}", plan.scenario->retry_invalid - retries_left + 1);
      assessment.conditions.emplace_back(
          "Measured again",
          fmt::format("{}, which was invalid ({}); the files of that are {}", id, failed_guards(result), result.id));
      progress.note(fmt::format("{}: {}; measured again", result_line(result), failed_guards(result)));
    }
    keep_files(folder, start, evidence, figures);
    if (again) continue;
    for (auto const& objective : plan.scenario->objectives) result.objectives.push_back(judge(objective, result));
    add_backend_facts(assessment, plan.backend, evidence);
    outcome.early_status = evidence.failure_status;
    assessment.trials.push_back(std::move(result));
    return;
  }
}

}  // namespace

RunOutcome run_assessment(RunRequest const& request, Progress& progress) {
  auto const& scenario = request.scenario;
  auto const own = scenarios_of(scenario);
  for (auto const& each : own) {  // before anything starts
    auto const& backend = backend_named(request.backends, each.levels.front().backend);
    require_sharing(backend, each.coordinator.count);
    require_store_to_disturb(each, backend, request);
    require_leases(backend, each.coordinator);
  }
  for (auto const& each : own) {
    if (each.transport == TransportKind::http) require_descriptors(each);
  }
  try_given_servers(own, request);
  SystemClock const clock;
  auto const began = clock.now();
  auto const folder = ResultsFolder::create(request.results, scenario.name, std::chrono::system_clock::now());
  folder.write("scenario.resolved.yaml", to_yaml(scenario));

  RunOutcome outcome{.folder = folder.path()};
  auto& assessment = outcome.assessment;
  describe(assessment, scenario, request.command);

  asio::io_context context{1};
  Interruption interruption{context};
  auto const plan = plan_of(own, scenario.repeat);
  Duration left{};
  for (auto const& planned : plan) left += planned.lasts();
  for (std::size_t i = 0; i < plan.size() && interruption.poll() == 0 && !outcome.early_status; ++i) {
    auto const& [changed, level, repeat] = plan[i];
    TrialPlan trial{.scenario = changed, .level = level, .repeat = repeat};
    trial.seed = Random::stream(scenario.seed, trial_id(trial))();
    trial.backend = backend_named(request.backends, level.backend);
    trial.coordinator = request.coordinator;
    trial.postgres_url = request.postgres_url;
    trial.redis_url = request.redis_url;
    left -= plan[i].lasts();
    trial.left_afterwards = left;
    progress.begin_trial(i + 1, plan.size(),
                         fmt::format("{} runners · {}", level.runners, series_of(level.backend, level.variant)));
    try {
      measure(context, trial, folder, progress, interruption, outcome);
    } catch (Failure const& failure) {
      outcome.early_status = failure.status();
      assessment.trials.push_back(failed_trial(trial, failure.what()));
    }
    progress.end_trial(result_line(assessment.trials.back()));
  }
  outcome.signal = interruption.signal();
  assessment.partial = outcome.signal != 0 || outcome.early_status.has_value();
  assessment.wall_s = to_seconds(clock.now() - began);
  assessment.published = check_published(scenario, assessment.trials);
  assessment.verdict = decide(assessment, request.policy);
  folder.write_assessment(assessment);
  folder.finish();
  return outcome;
}

ExitStatus exit_status_of(Assessment const& assessment) {
  bool missed = false;
  bool unclear = assessment.verdict.decision == Decision::inconclusive;
  for (auto const& trial : assessment.trials) {
    if (trial.ledger.lost > 0 || trial.ledger.doubled > 0 || !trial.ledger.breaches.empty())
      return ExitStatus::invariant_broken;
    for (auto const& objective : trial.objectives) missed = missed || objective.state == ObjectiveResult::State::missed;
    unclear = unclear || !trial.valid() || !trial.stable;
  }
  if (missed) return ExitStatus::gate_failed;
  return unclear ? ExitStatus::inconclusive : ExitStatus::pass;
}

}  // namespace assay
