#include "harness/cli/commands.hpp"

#include "harness/assess/objectives.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/plan_text.hpp"
#include "harness/cli/summary.hpp"
#include "harness/experiment/assessment_run.hpp"
#include "harness/record/results_folder.hpp"
#include "harness/record/summary.hpp"
#include "harness/scenario/catalogue.hpp"
#include "harness/scenario/objective.hpp"
#include "harness/scenario/parse.hpp"
#include "harness/scenario/parse_policy.hpp"
#include "harness/scenario/plan.hpp"
#include "reports/report.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdlib>

namespace assay {

namespace {

bool colour_on_stdout() {
  char const* const no_colour = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

std::vector<std::string> names_of(std::vector<BackendEntry> const& backends) {
  std::vector<std::string> names;
  for (auto const& backend : backends) names.push_back(backend.name);
  return names;
}

int complain(Mistakes const& mistakes) {
  fmt::print(stderr, "{}", to_string(mistakes));
  return static_cast<int>(ExitStatus::bad_input);
}

std::string word(ObjectiveResult::State state) {
  switch (state) {
    case ObjectiveResult::State::met: return "met";
    case ObjectiveResult::State::missed: return "missed";
    case ObjectiveResult::State::undecided: return "undecided";
  }
  return "";
}

}  // namespace

int run_command(RunOptions const& options) {
  auto const program = coordinator_program();
  auto backends = known_backends(program);
  auto scenario = load_scenario(options.scenario, options.overrides, names_of(backends));
  if (scenario.has_error()) return complain(scenario.error());
  auto policy = load_policy(policy_path(*scenario));
  if (policy.has_error()) return complain(policy.error());

  auto const plan = plan_statement(*scenario, *policy);
  if (options.plan_only) {
    fmt::print("{}\n", options.json ? plan_json(*scenario, plan) : printed_plan(*scenario, plan));
    return 0;
  }
  Progress progress{stderr};
  for (auto const& warning : plan.warnings) progress.note("plan: " + warning);
  RunRequest const request{.scenario = std::move(*scenario),
                           .policy = std::move(*policy),
                           .backends = std::move(backends),
                           .coordinator = program,
                           .results = options.out,
                           .postgres_url = options.postgres_url,
                           .redis_url = options.redis_url,
                           .command = options.command};
  auto const outcome = run_assessment(request, progress);
  auto const folder = ResultsFolder::open(outcome.folder);
  write_report(folder.path(), outcome.assessment);
  folder.finish();
  if (options.json) {
    fmt::print("{}\n", summary_text(outcome.assessment));
  } else {
    fmt::print("{}\nreport: {}\n", printed_summary(outcome.assessment, colour_on_stdout()),
               (outcome.folder / "report.html").string());
  }
  if (outcome.signal != 0) return 128 + outcome.signal;
  auto const status = exit_status_of(outcome.assessment);
  if (status == ExitStatus::invariant_broken) return static_cast<int>(status);
  if (outcome.early_status) {
    fmt::print(stderr, "assay: {}\n", outcome.assessment.trials.back().failure);
    return static_cast<int>(*outcome.early_status);
  }
  return static_cast<int>(status);
}

int report_command(std::filesystem::path const& path) {
  auto const folder = ResultsFolder::open(std::filesystem::canonical(path));
  write_report(folder.path(), read_assessment(folder.path()));
  folder.finish();
  fmt::print("report: {}\n", (folder.path() / "report.html").string());
  return 0;
}

int gate_command(std::filesystem::path const& folder, std::vector<std::string> const& thresholds, bool json) {
  std::vector<Objective> objectives;
  std::string mistakes;
  for (auto const& text : thresholds) {
    auto objective = parse_objective(text);
    if (objective.has_error()) {
      mistakes += fmt::format("assay: --threshold '{}': {}\n", text, objective.error().detail);
    } else {
      objectives.push_back(std::move(*objective));
    }
  }
  if (!mistakes.empty()) {
    fmt::print(stderr, "{}", mistakes);
    return static_cast<int>(ExitStatus::bad_input);
  }
  auto const assessment = read_assessment(folder);
  boost::json::array results;
  bool missed = false;
  bool undecided = assessment.trials.empty();
  for (auto const& trial : assessment.trials) {
    for (auto const& objective : objectives) {
      auto const result = judge(objective, trial);
      missed = missed || result.state == ObjectiveResult::State::missed;
      undecided = undecided || result.state == ObjectiveResult::State::undecided;
      if (json) {
        results.push_back({{"trial", trial.id},
                           {"threshold", result.text},
                           {"state", word(result.state)},
                           {"measured", result.measured.value},
                           {"bound", result.bound},
                           {"n", result.n},
                           {"reason", result.reason}});
      } else {
        fmt::print("{:<10} {:<28} {}: {}\n", word(result.state), trial.id, result.text, result.reason);
      }
    }
  }
  if (json) fmt::print("{}\n", boost::json::serialize(results));
  return static_cast<int>(missed ? ExitStatus::gate_failed : undecided ? ExitStatus::inconclusive : ExitStatus::pass);
}

int validate_command(std::vector<std::filesystem::path> const& files, Overrides const& overrides) {
  auto const backends = names_of(known_backends(coordinator_program()));
  int status = 0;
  for (auto const& file : files) {
    auto const scenario = load_scenario(file, overrides, backends);
    if (scenario.has_error()) {
      status = complain(scenario.error());
    } else {
      fmt::print("{}: valid, {} trials, about {}\n", file.string(),
                 scenario->levels.size() * static_cast<std::size_t>(scenario->repeat),
                 humanize(estimated_duration(*scenario)));
      for (auto const& warning : plan_statement(*scenario, {}).warnings) fmt::print("  {}\n", warning);
    }
  }
  return status;
}

int list_command(std::filesystem::path const& folder) {
  auto const backends = names_of(known_backends(coordinator_program()));
  for (auto const& scenario : list_scenarios(folder, backends)) {
    if (scenario.mistakes) {
      fmt::print("{:<36} has {} mistake(s); assay validate shows them\n", scenario.file.string(),
                 scenario.mistakes->list.size());
    } else {
      fmt::print("{:<36} {:>2} trials  {:>9}  {}\n", scenario.file.string(), scenario.trials,
                 humanize(scenario.estimated), scenario.title);
    }
  }
  return 0;
}

int backends_command(bool json) {
  auto const backends = known_backends(coordinator_program());
  boost::json::array list;
  for (auto const& backend : backends) {
    if (json) {
      boost::json::object capabilities;
      for (auto const& [name, value] : backend.capabilities) capabilities[name] = value;
      list.push_back({{"name", backend.name},
                      {"description", backend.description},
                      {"service", backend.service},
                      {"missing", backend.missing},
                      {"capabilities", std::move(capabilities)}});
      continue;
    }
    fmt::print("{:<22} {}\n", backend.name, backend.missing.empty() ? backend.description : backend.missing);
    for (auto const& [name, value] : backend.capabilities) fmt::print("    {:<24} {}\n", name, value);
  }
  if (json) fmt::print("{}\n", boost::json::serialize(list));
  return 0;
}

}  // namespace assay
