#include "harness/base/error.hpp"
#include "harness/cli/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

namespace assay {

namespace {

void add_overrides(CLI::App& command, Overrides& overrides) {
  command
      .add_option("--set", overrides.set, "Change one key of the scenario, e.g. phases.measure=20s; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--runners", overrides.runners, "Numbers of runners, e.g. 10,50")->type_name("N,…");
  command.add_option("--backend", overrides.backend, "Backends, e.g. memory,postgres-batch")->type_name("NAME,…");
  command.add_option("--variant", overrides.variant, "Only these variants of the scenario's trials")
      ->type_name("NAME,…");
  command.add_option("--repeat", overrides.repeat, "How often to measure each level")->type_name("N");
  command.add_option("--seed", overrides.seed, "Replay the arrivals and run lengths of an earlier run")->type_name("N");
}

// As typed, for the record; but for a database's URL, which may have a password in it.
std::string command_line(std::span<char* const> arguments) {
  std::vector<std::string> words;
  bool hide_next = false;
  for (std::string_view word : arguments) {
    bool const url = word == "--postgres-url" || word == "--redis-url";
    if (std::exchange(hide_next, url)) word = "URL";
    if (word.starts_with("--postgres-url=")) word = "--postgres-url=URL";
    if (word.starts_with("--redis-url=")) word = "--redis-url=URL";
    words.push_back(word.find_first_of(" <>") == std::string_view::npos ? std::string{word}
                                                                        : fmt::format("'{}'", word));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

int dispatch(int argc, char** argv) {
  CLI::App app{"assay: does a run coordinator need a message queue? Measured, not argued.", "assay"};
  app.set_version_flag("--version", fmt::format("assay {}", ASSAY_VERSION));
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 pass, 1 internal error, 2 bad input, 3 objective missed, 4 invalid or inconclusive,\n"
      "5 a run was lost or doubled, 6 a service can't be reached, 130/143 interrupted (what was measured is kept).");

  RunOptions run;
  std::string format = "text";
  auto const formats = CLI::IsMember({"text", "json"});
  auto* run_verb = app.add_subcommand("run", "Drive a scenario, decide, write the report");
  run_verb->add_option("scenario", run.scenario, "A scenario file, e.g. scenarios/pr-007.yaml")->required();
  add_overrides(*run_verb, run.overrides);
  run_verb->add_option("--out", run.out, "Where results folders are made")->capture_default_str();
  run_verb
      ->add_option("--postgres-url", run.postgres_url,
                   "Use this PostgreSQL instead of a private one (also: ASSAY_POSTGRES_URL)")
      ->envname("ASSAY_POSTGRES_URL")
      ->type_name("URL");
  run_verb->add_option("--redis-url", run.redis_url, "Use this Redis instead of a private one (also: ASSAY_REDIS_URL)")
      ->envname("ASSAY_REDIS_URL")
      ->type_name("URL");
  run_verb->add_flag("--plan-only", run.plan_only, "Only say what this plan can and cannot show; start nothing");
  run_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  std::filesystem::path folder;
  auto* report_verb = app.add_subcommand("report", "Render the report of a results folder again");
  report_verb->add_option("folder", folder, "A results folder, e.g. results/pr-007/latest")->required();

  std::vector<std::string> thresholds;
  auto* gate_verb = app.add_subcommand("gate", "Hold a results folder against thresholds; exit 3 when one is missed");
  gate_verb->add_option("folder", folder, "A results folder")->required();
  gate_verb->add_option("--threshold", thresholds, "E.g. 'claim_latency: p99 < 5s'; may be repeated")
      ->required()
      ->allow_extra_args(false);
  gate_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  std::optional<std::string> one_run;
  auto* ledger_verb = app.add_subcommand("ledger", "What happened to the runs, and which invariant broke (exit 5)");
  ledger_verb->add_option("folder", folder, "A results folder")->required();
  ledger_verb->add_option("--run", one_run, "Everything that anybody wrote down about this run")->type_name("ID");
  ledger_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  std::vector<std::filesystem::path> files;
  Overrides overrides;
  auto* validate_verb = app.add_subcommand("validate", "Check scenarios, all mistakes at once; starts nothing");
  validate_verb->add_option("scenarios", files, "Scenario files")->required();
  add_overrides(*validate_verb, overrides);

  std::filesystem::path scenarios = "scenarios";
  auto* list_verb = app.add_subcommand("list", "The scenarios of a folder, and how long each takes");
  list_verb->add_option("folder", scenarios, "Where to look")->capture_default_str();

  auto* backends_verb = app.add_subcommand("backends", "The backends of this build, and what they declare");
  backends_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  bool quick = false;
  auto* doctor_verb = app.add_subcommand("doctor", "What this machine and this build can measure; exit 4: too little");
  doctor_verb->add_option("--scenarios", scenarios, "The folder of scenarios that it has to carry")
      ->capture_default_str();
  doctor_verb->add_flag("--quick", quick, "A third of the time, for wider error bars");
  doctor_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  std::filesystem::path points;
  std::vector<double> at;
  auto* fit_verb = app.add_subcommand("fit", "Fit the Universal Scalability Law to throughputs at load levels");
  fit_verb->add_option("points", points, "A CSV file with the columns N and X, six levels of N or more")->required();
  fit_verb->add_option("--at", at, "Predict X at these N, up to twice the largest measured")
      ->type_name("N,…")
      ->delimiter(',');
  fit_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  std::filesystem::path log;
  double divide_by = 1;
  auto* inspect_verb = app.add_subcommand("inspect", "The percentiles in any tool's HdrHistogram log (.hlog)");
  inspect_verb->add_option("log", log, "E.g. results/pr-007/latest/r0050-postgres-batch-1.hlog")->required();
  inspect_verb->add_option("--divide-by", divide_by, "Show values divided by this, e.g. 1000000 for ns as ms")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  inspect_verb->add_option("--format", format, "What to print on stdout")->check(formats)->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    int const status = app.exit(error, std::cout, std::cerr);
    return status == 0 ? 0 : static_cast<int>(ExitStatus::bad_input);
  }
  bool const json = format == "json";
  if (run_verb->parsed()) {
    run.json = json;
    run.command = command_line({argv, static_cast<std::size_t>(argc)});
    return run_command(run);
  }
  if (report_verb->parsed()) return report_command(folder);
  if (gate_verb->parsed()) return gate_command(folder, thresholds, json);
  if (ledger_verb->parsed()) return ledger_command(folder, one_run, json);
  if (validate_verb->parsed()) return validate_command(files, overrides);
  if (list_verb->parsed()) return list_command(scenarios);
  if (doctor_verb->parsed()) return doctor_command(scenarios, quick, json);
  if (fit_verb->parsed()) return fit_command(points, at, json);
  if (inspect_verb->parsed()) return inspect_command(log, divide_by, json);
  return backends_command(json);
}

}  // namespace

}  // namespace assay

int main(int argc, char** argv) {
  try {
    return assay::dispatch(argc, argv);
  } catch (assay::Failure const& failure) {
    fmt::print(stderr, "assay: {}\n", failure.what());
    return static_cast<int>(failure.status());
  } catch (std::exception const& error) {
    fmt::print(stderr, "assay: internal error: {}\n", error.what());
    return static_cast<int>(assay::ExitStatus::internal_error);
  }
}
