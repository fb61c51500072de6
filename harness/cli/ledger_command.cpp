#include "harness/base/error.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/record/merged_ledger.hpp"
#include "harness/record/results_folder.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace assay {

namespace {

using Lines = std::vector<LedgerLine>;

Lines life_of(RunId const& run, Lines const& lines) {
  Lines life;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(life), [&](auto const& line) { return line.run == run; });
  return life;
}

// The runs that a breach's sentence names.
std::vector<RunId> runs_in(std::string const& sentence) {
  std::vector<RunId> runs;
  for (auto word : split(sentence, ' ')) {
    while (!word.empty() && (word.back() == ':' || word.back() == ',' || word.back() == ';')) word.pop_back();
    if (auto const run = parse_run_id(word); run && std::find(runs.begin(), runs.end(), *run) == runs.end())
      runs.push_back(*run);
  }
  return runs;
}

void print_life(RunId const& run, Lines const& life) {
  fmt::print("    run {}\n", to_string(run));
  fmt::print("    {:>14}  {:<12} {:<16} {:>7}  {:<12} {}\n", "ms", "written by", "event", "attempt", "token", "who");
  for (auto const& line : life) {
    fmt::print("    {:>14.3f}  {:<12} {:<16} {:>7}  {:<12} {}\n", to_ms(line.time - life.front().time), line.actor,
               line.event, line.attempt == 0 ? "" : fmt::format("{}", line.attempt), line.token, line.who);
  }
}

boost::json::array to_json(Lines const& life) {
  boost::json::array events;
  for (auto const& line : life) {
    boost::json::object event{{"time_ns", line.time.time_since_epoch().count()},
                              {"written_by", line.actor},
                              {"event", line.event},
                              {"run", to_string(line.run)}};
    if (line.attempt != 0) event["attempt"] = line.attempt;
    if (!line.token.empty()) event["token"] = line.token;
    if (!line.who.empty()) event["who"] = line.who;
    events.push_back(std::move(event));
  }
  return events;
}

boost::json::object to_json(LedgerFigures const& figures) {
  return {{"accepted", figures.accepted},
          {"completed", figures.completed},
          {"dead", figures.dead},
          {"queued", figures.queued},
          {"in_doubt", figures.in_doubt},
          {"lost", figures.lost},
          {"doubled", figures.doubled},
          {"executed_again", figures.reexecuted},
          {"executed_twice_at_once", figures.overlapping},
          {"orphaned", figures.orphaned},
          {"recovered", figures.recovered},
          {"stranded", figures.stranded}};
}

void print_balance(TrialResult const& trial) {
  auto const& f = trial.ledger;
  fmt::print(
      "{}: {} accepted; {} completed, {} dead letters, {} still queued, {} in doubt; {} executed again, {} of them "
      "twice at once; {} lost, {} doubled\n",
      trial.id, f.accepted, f.completed, f.dead, f.queued, f.in_doubt, f.reexecuted, f.overlapping, f.lost, f.doubled);
  if (f.orphaned == 0) return;
  fmt::print(
      "    {} held by runners that were killed: {} of them completed later, {} still claimed by the dead at the end\n",
      f.orphaned, f.recovered, f.stranded);
  for (auto const& run : f.stranded_runs) fmt::print("      {}\n", run);
  if (f.stranded > f.stranded_runs.size()) fmt::print("      … and {} more\n", f.stranded - f.stranded_runs.size());
}

int show_breaches(std::filesystem::path const& folder, Assessment const& assessment, bool json) {
  bool broken = false;
  boost::json::array trials;
  for (auto const& trial : assessment.trials) {
    broken = broken || !trial.ledger.breaches.empty();
    boost::json::array breaches;
    if (!json) print_balance(trial);
    if (!json && trial.ledger.breaches.empty())
      fmt::print("    every invariant {}held\n", trial.ledger.unchecked.empty() ? "" : "that could be checked ");
    if (!json)
      for (auto const& unchecked : trial.ledger.unchecked) fmt::print("    not checked: {}\n", unchecked);
    auto const lines = trial.ledger.breaches.empty() ? Lines{} : read_merged_ledger(folder, trial.id);
    for (auto const& breach : trial.ledger.breaches) {
      if (!json) fmt::print("  {} broken: {}\n", breach.invariant, breach.what);
      boost::json::array events;
      for (auto const& run : runs_in(breach.what)) {
        auto const life = life_of(run, lines);
        if (!json) print_life(run, life);
        for (auto& event : to_json(life)) events.push_back(std::move(event));
      }
      breaches.push_back(
          boost::json::object{{"invariant", breach.invariant}, {"what", breach.what}, {"events", std::move(events)}});
    }
    trials.push_back(boost::json::object{
        {"trial", trial.id},
        {"books", to_json(trial.ledger)},
        {"breaches", std::move(breaches)},
        {"stranded", boost::json::array(trial.ledger.stranded_runs.begin(), trial.ledger.stranded_runs.end())},
        {"unchecked", boost::json::array(trial.ledger.unchecked.begin(), trial.ledger.unchecked.end())}});
  }
  if (json) fmt::print("{}\n", boost::json::serialize(trials));
  return static_cast<int>(broken ? ExitStatus::invariant_broken : ExitStatus::pass);
}

int show_run(std::filesystem::path const& folder, Assessment const& assessment, std::string const& name, bool json) {
  auto const run = parse_run_id(name);
  if (!run)
    throw Failure{ExitStatus::bad_input,
                  fmt::format("--run {}: not a run's id, as in 01a1fcbf-fd5b-7216-af7a-2e92a520d5b1", name)};
  boost::json::array trials;
  for (auto const& trial : assessment.trials) {
    auto const life = life_of(*run, read_merged_ledger(folder, trial.id));
    if (life.empty()) continue;
    if (!json) fmt::print("{}\n", trial.id);
    if (!json) print_life(*run, life);
    trials.push_back(boost::json::object{{"trial", trial.id}, {"events", to_json(life)}});
  }
  if (trials.empty())
    throw Failure{ExitStatus::bad_input, fmt::format("--run {}: no trial of {} knows it", name, folder.string())};
  if (json) fmt::print("{}\n", boost::json::serialize(trials));
  return 0;
}

}  // namespace

int ledger_command(std::filesystem::path const& folder, std::optional<std::string> const& run, bool json) {
  auto const assessment = read_assessment(folder);
  return run ? show_run(folder, assessment, *run, json) : show_breaches(folder, assessment, json);
}

}  // namespace assay
