// The program `assay` with everything it starts: real processes, a real PostgreSQL, real files.
#include "harness/record/merged_ledger.hpp"
#include "harness/record/results_folder.hpp"
#include "tests/integration/assay_fixture.hpp"
#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace assay::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;

TEST_F(AssayProgram, says_before_it_starts_anything_how_many_runners_its_descriptors_allow) {
  write_scenario("memory", "3s");
  auto process =
      start_command({"bash", "-c", "ulimit -n 1000 && exec \"$0\" run tiny.yaml --runners 600", ASSAY_PROGRAM});
  auto const exit = process.wait_until(within(60s));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, static_cast<int>(ExitStatus::bad_input)) << log();
  EXPECT_THAT(log(), HasSubstr("600 runners take 952 file descriptors"));
  EXPECT_THAT(log(), HasSubstr("a process may open 1000 here"));
  EXPECT_THAT(log(), HasSubstr("at most 548 runners, or raise the hard limit (ulimit -Hn)"));
  EXPECT_FALSE(std::filesystem::exists(path("results")));
}

TEST_F(AssayProgram, leaves_a_complete_results_folder_from_which_the_report_renders_again) {
  write_scenario("postgres-batch", "3s");
  int const status = run({"run", "tiny.yaml"});
  EXPECT_THAT(status, AnyOf(0, 4)) << log();  // 4: a machine too busy for a valid trial
  for (auto const* file :
       {"manifest.json", "scenario.resolved.yaml", "environment.json", "summary.json", "timeline.csv", "junit.xml",
        "report.html", "decision.md", "r0020-postgres-batch-1.hlog", "ledger/r0020-postgres-batch-1-runners.csv.gz",
        "ledger/r0020-postgres-batch-1-coordinator.csv.gz"}) {
    EXPECT_TRUE(std::filesystem::exists(results() / file)) << file;
  }
  auto const assessment = read_assessment(results());
  ASSERT_EQ(assessment.trials.size(), 1U);
  auto const& trial = assessment.trials.front();
  EXPECT_TRUE(trial.books.balance);
  EXPECT_GT(trial.ledger.accepted, 0U);
  EXPECT_EQ(trial.ledger.completed, trial.ledger.accepted);
  EXPECT_EQ(trial.ledger.lost + trial.ledger.doubled, 0U);
  EXPECT_EQ(trial.claim_latency.n, trial.dispatch_latency.n);
  EXPECT_GT(trial.claim_latency.n, 50U);  // 40 runs/s for 3 s
  EXPECT_TRUE(trial.coordinator.available);
  EXPECT_TRUE(trial.database.available);
  EXPECT_TRUE(trial.generator.available);
  EXPECT_THAT(differences_from_manifest(results()), testing::IsEmpty());

  std::string const report = read_text(results() / "report.html");
  std::filesystem::remove(std::filesystem::canonical(results()) / "report.html");
  EXPECT_EQ(run({"report", "results/tiny/latest"}), 0);
  EXPECT_EQ(read_text(results() / "report.html"), report);
  expect_nothing_left_behind();
}

TEST_F(AssayProgram, gates_a_folder_by_a_threshold) {
  write_scenario("memory", "10s");
  EXPECT_THAT(run({"run", "tiny.yaml"}), AnyOf(0, 4)) << log();
  bool const valid = read_assessment(results()).trials.front().valid();
  EXPECT_EQ(run({"gate", "results/tiny/latest", "--threshold", "dispatch_latency: p50 < 1ns"}), valid ? 3 : 4) << log();
  EXPECT_EQ(run({"gate", "results/tiny/latest", "--threshold", "claim_latncy: p99 < 5s"}), 2);
  EXPECT_THAT(log(), HasSubstr("claim_latency"));  // the nearest right name
}

TEST_F(AssayProgram, runs_several_coordinators_over_one_store) {
  write_scenario("postgres-batch", "2s");
  EXPECT_THAT(run({"run", "tiny.yaml", "--set", "coordinator.count=3"}), AnyOf(0, 4)) << log();
  auto const assessment = read_assessment(results());
  ASSERT_EQ(assessment.trials.size(), 1U);
  auto const& trial = assessment.trials.front();
  EXPECT_GT(trial.ledger.accepted, 0U);
  EXPECT_EQ(trial.ledger.accepted, trial.ledger.completed);
  EXPECT_THAT(trial.ledger.breaches, IsEmpty());
  std::map<std::string, std::set<std::string>> events;
  for (auto const& line : read_merged_ledger(results(), trial.id)) events[line.actor].insert(line.event);
  for (auto const* coordinator : {"coordinator-1", "coordinator-2", "coordinator-3"})
    EXPECT_THAT(events[coordinator], IsSupersetOf({"submitted", "delivered", "completed"})) << coordinator;
  expect_nothing_left_behind();
}

TEST_F(AssayProgram, refuses_several_coordinators_over_a_store_that_they_cannot_share) {
  write_scenario("memory", "2s");
  EXPECT_EQ(run({"run", "tiny.yaml", "--set", "coordinator.count=2"}), 2);
  EXPECT_THAT(log(), HasSubstr("coordinator.count: 2 coordinators can't share the backend memory"));
  EXPECT_FALSE(std::filesystem::exists(path("results")));
}

TEST_F(AssayProgram, refuses_two_stage_leases_over_a_store_without_leases) {
  write_scenario("redis-list", "2s");
  EXPECT_EQ(run({"run", "tiny.yaml", "--set", "coordinator.offer=5s", "--set", "fleet.confirm_start=true"}), 2);
  EXPECT_THAT(log(), HasSubstr("coordinator.offer: the backend redis-list keeps no leases that could have two stages"));
  EXPECT_FALSE(std::filesystem::exists(path("results")));
}

TEST_F(AssayProgram, tells_the_life_of_a_run_from_everybodys_ledger) {
  write_scenario("memory", "2s");
  EXPECT_THAT(run({"run", "tiny.yaml"}), AnyOf(0, 4)) << log();
  EXPECT_EQ(run({"ledger", results()}), 0) << log();
  EXPECT_THAT(log(), HasSubstr("every invariant held"));
  auto const lines = read_merged_ledger(results(), "r0020-memory-1");
  ASSERT_FALSE(lines.empty());
  EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end(), [](auto& a, auto& b) { return a.time < b.time; }));
  EXPECT_EQ(run({"ledger", results(), "--run", to_string(lines.front().run), "--format", "json"}), 0);
  auto const trials = boost::json::parse(log()).as_array();
  ASSERT_EQ(trials.size(), 1U) << log();
  std::set<std::string> told;
  for (auto const& event : trials[0].at("events").as_array())
    told.insert(boost::json::value_to<std::string>(event.at("written_by")) + ' ' +
                boost::json::value_to<std::string>(event.at("event")));
  EXPECT_THAT(told, IsSupersetOf({"runners submitted", "coordinator submitted", "coordinator delivered",
                                  "runners received", "coordinator completed", "runners completed"}));
  EXPECT_EQ(run({"ledger", results(), "--run", "00000000-0000-7000-8000-000000000000"}), 2);
  EXPECT_THAT(log(), HasSubstr("no trial of"));
}

TEST_F(AssayProgram, shows_the_events_behind_a_broken_invariant) {
  Assessment assessment;
  auto& trial = assessment.trials.emplace_back();
  trial.id = "r0002-memory-1";
  RunEvent event{.kind = RunEvent::Kind::completed, .actor = 7, .attempt = 1, .token = {1, 1}};
  event.run.bytes[15] = 9;
  trial.ledger.breaches.push_back({"I2", fmt::format("run {}: 2 completions accepted", to_string(event.run))});
  auto const folder = ResultsFolder::create(path("results"), "broken", {});
  folder.write("scenario.resolved.yaml", "");
  folder.write_assessment(assessment);
  folder.write_run_events(trial.id, std::vector{event});
  folder.write_ledger(
      trial.id, "coordinator",
      fmt::format("time_ns,event,run,attempt,token,who\n5,completed,{},,1.2,runner-8\n", to_string(event.run)));
  folder.finish();
  EXPECT_EQ(run({"ledger", folder.path()}), static_cast<int>(ExitStatus::invariant_broken));
  EXPECT_THAT(log(), AllOf(HasSubstr("I2 broken"), ContainsRegex("runners +completed +1 +1.1 +7"),
                           ContainsRegex("coordinator +completed +1.2 +runner-8")));
}

TEST_F(AssayProgram, prints_the_summary_as_json_on_demand) {
  write_scenario("memory", "1s");
  run({"run", "tiny.yaml", "--format", "json"});
  auto const text = log();  // progress lines, then the document
  auto const document = boost::json::parse(text.substr(text.find("\n{") + 1));
  EXPECT_EQ(document.at("scenario_name").as_string(), "tiny");
}

TEST_F(AssayProgram, reports_every_mistake_of_a_scenario_at_once_and_starts_nothing) {
  std::ofstream{path("bad.yaml")} << "name: bad\ntitle: Bad\npolicy: smoke\nload: { runs_per_minute_per_runer: 2 }\n"
                                     "fleet: { hold: 45s }\ntrials: [{ runners: 10, backend: postgres-bach }]\n";
  EXPECT_EQ(run({"run", "bad.yaml"}), 2);
  EXPECT_THAT(log(), HasSubstr("bad.yaml:4:9"));
  EXPECT_THAT(log(), HasSubstr("runs_per_minute_per_runner"));
  EXPECT_THAT(log(), HasSubstr("bad.yaml:5:16"));
  EXPECT_THAT(log(), HasSubstr("postgres-batch"));
  EXPECT_FALSE(std::filesystem::exists(path("results")));
}

TEST_F(AssayProgram, says_in_one_line_that_a_scenario_is_missing) {
  EXPECT_EQ(run({"run", "nowhere.yaml"}), 2);
  EXPECT_THAT(log(), HasSubstr("nowhere.yaml"));
}

TEST_F(AssayProgram, uses_the_given_postgresql_and_leaves_nothing_behind_there) {
  write_scenario("[postgres-batch, postgres-skip-locked]", "1s");
  TestDatabase const database;
  EXPECT_THAT(run({"run", "tiny.yaml", "--postgres-url", database.tcp_url()}), AnyOf(0, 4)) << log();
  for (auto const& trial : read_assessment(results()).trials) {
    EXPECT_EQ(trial.failure, "");
    EXPECT_GT(trial.ledger.accepted, 0U);
  }
  EXPECT_EQ(database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'assay%'"), "0");
  EXPECT_THAT(read_text(results() / "environment.json"), testing::Not(HasSubstr("password")));

  database.ask("CREATE SCHEMA assay_batch; CREATE TABLE assay_batch.about (version int, last_epoch bigint)");
  EXPECT_EQ(run({"run", "tiny.yaml", "--postgres-url", database.tcp_url()}), 2) << log();
  EXPECT_THAT(log(), HasSubstr("already has a schema 'assay_batch'"));
  EXPECT_EQ(database.ask("SELECT count(*) FROM assay_batch.about"), "0");  // still there
}

struct Interrupted : AssayProgram, testing::WithParamInterface<int> {};

TEST_P(Interrupted, keeps_what_was_measured_and_leaves_nothing_behind) {
  write_scenario("postgres-batch", "60s");
  auto process = start({"run", "tiny.yaml"});
  ASSERT_TRUE(process.wait_for_line("1/1 ", within(30s))) << log();  // the fleet is connecting
  process.signal(GetParam());
  auto const exit = process.wait_until(within(30s));
  ASSERT_TRUE(exit) << log();
  EXPECT_EQ(exit->status, 128 + GetParam()) << log();
  auto const assessment = read_assessment(results());
  EXPECT_TRUE(assessment.partial);
  EXPECT_EQ(assessment.verdict.decision, Decision::inconclusive);
  EXPECT_TRUE(assessment.trials.front().partial);
  expect_nothing_left_behind();
}

INSTANTIATE_TEST_SUITE_P(signals, Interrupted, testing::Values(SIGINT, SIGTERM),
                         [](auto const& signal) { return signal.param == SIGINT ? "ctrl_c" : "sigterm"; });

TEST_F(AssayProgram, says_so_when_the_coordinator_dies_and_keeps_what_was_measured) {
  write_scenario("memory", "60s");
  auto process = start({"run", "tiny.yaml"});
  ASSERT_TRUE(process.wait_for_line("1/1 ", within(30s))) << log();
  std::string children;  // a child belongs to the thread that started it
  for (auto const& task : std::filesystem::directory_iterator{fmt::format("/proc/{}/task", process.pid())}) {
    children += read_text(task.path() / "children");
  }
  ASSERT_FALSE(children.empty());
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(children)), SIGKILL), 0);
  auto const exit = process.wait_until(within(30s));
  ASSERT_TRUE(exit) << log();
  EXPECT_EQ(exit->status, 6) << log();
  EXPECT_THAT(log(), HasSubstr("the coordinator was killed by signal 9"));
  EXPECT_TRUE(read_assessment(results()).trials.front().partial);
  expect_nothing_left_behind();
}

TEST_F(AssayProgram, says_so_when_the_database_goes_away) {
  write_scenario("postgres-batch", "60s");
  auto process = start({"run", "tiny.yaml"});
  ASSERT_TRUE(process.wait_for_line("1/1 ", within(30s))) << log();
  pid_t postmaster = 0;
  for (auto const& entry : std::filesystem::recursive_directory_iterator{path("tmp")}) {
    if (entry.path().filename() == "postmaster.pid")
      postmaster = static_cast<pid_t>(std::stol(read_text(entry.path())));
  }
  ASSERT_GT(postmaster, 0);
  ASSERT_EQ(::kill(postmaster, SIGQUIT), 0);
  auto const exit = process.wait_until(within(40s));
  ASSERT_TRUE(exit) << log();
  EXPECT_EQ(exit->status, 6) << log();
  EXPECT_THAT(log(), HasSubstr("the private PostgreSQL ended"));
  expect_nothing_left_behind();
}

// ---- push, faults

constexpr char push_text[] = R"(name: tiny
title: Two gateways
question: Does the whole chain work?
policy: smoke
load: { concurrency: 20, wait: 20s, retry: { tries: 60, timeout: 2s, backoff: 200ms } }
fleet: { heartbeat: 300ms, run_length: { mean: 150ms } }
coordinator:
  count: 2
  lease: 1s
  sweep_interval: 50ms
  max_attempts: 50
  dispatch: { mode: push, claim_deadline: 1s }
phases: { warm_up: 500ms, measure: 5s, drain: 10s }
trials:
TRIALS
seed: 11
)";

TEST_F(AssayProgram, rolling_restarts_of_pushed_runners_and_gateways_fail_no_call_after_its_retries) {
  std::string text = push_text;
  text.replace(text.find("TRIALS"), 6, R"(  - runners: 30
    backend: postgres-cas
    variant: restarts
    with:
      faults:
        - { at: 700ms, what: restart, whom: runners, every: 20ms, lasting: 200ms }
        - { at: 1500ms, what: restart, whom: coordinators, lasting: 300ms })");
  std::ofstream{path("tiny.yaml")} << text;
  int const status = run({"run", "tiny.yaml"});
  EXPECT_THAT(status, AnyOf(0, 3, 4)) << log();
  auto const folder = read_assessment(results());
  ASSERT_EQ(folder.trials.size(), 1U);
  auto const& trial = folder.trials[0];
  EXPECT_EQ(trial.failure, "");
  EXPECT_GT(trial.books.succeeded, 0U);
  EXPECT_EQ(trial.books.failed, 0U);
  EXPECT_EQ(trial.ledger.lost, 0U);
  EXPECT_EQ(trial.ledger.doubled, 0U);
  std::set<std::string> faults;
  for (auto const& point : trial.timeline) faults.insert(point.fault);
  std::string all;
  for (auto const& fault : faults) all += fault + "; ";
  EXPECT_THAT(all, AllOf(HasSubstr("restart coordinator 1"), HasSubstr("restart coordinator 2")));
  expect_nothing_left_behind();
}

// The stop outlasts the claims. What was in the hands of the stopped gateway and its runners has been given to others
// by the time it goes on.
TEST_F(AssayProgram, a_gateway_that_stops_beyond_the_deadline_doubles_runs_only_without_tokens) {
  std::string text = push_text;
  text.replace(text.find("TRIALS"), 6, R"(  - { runners: 30, backend: postgres-cas, variant: tokens }
  - { runners: 30, backend: postgres-cas, variant: none, with: { coordinator.dispatch.fenced: false } }
faults: [{ at: 1s, what: stop, whom: coordinators, number: 1, lasting: 2500ms }])");
  std::ofstream{path("tiny.yaml")} << text;
  EXPECT_EQ(run({"run", "tiny.yaml"}), static_cast<int>(ExitStatus::invariant_broken)) << log();
  auto const folder = read_assessment(results());
  ASSERT_EQ(folder.trials.size(), 2U);
  EXPECT_EQ(folder.trials[0].ledger.doubled, 0U);
  EXPECT_GT(folder.trials[0].ledger.reexecuted, 0U) << "nothing was in the stopped gateway's hands";
  EXPECT_GT(folder.trials[1].ledger.doubled, 0U);
  EXPECT_EQ(folder.trials[0].ledger.lost + folder.trials[1].ledger.lost, 0U);
  expect_nothing_left_behind();
}

// Bursts of a noisy source, three times what the runners can do. Turns keep them from the quiet one.
TEST_F(AssayProgram, a_quiet_sources_runs_do_not_wait_for_a_noisy_ones_when_sources_take_turns) {
  std::ofstream{path("tiny.yaml")} << R"(name: tiny
title: A noisy neighbour
question: Who waits?
policy: smoke
load:
  runs_per_second: 60
  profile: { shape: burst, every: 3s, lasting: 1s, factor: 10 }
  classes: [{ tags: ["source:noisy"], weight: 9 }, { tags: ["source:quiet"], weight: 1 }]
fleet:
  heartbeat: 1s
  run_length: { shape: constant, mean: 100ms }
  kinds: [{ tags: ["source:noisy", "source:quiet"] }]
coordinator:
  count: 2
  dispatch: { mode: push, fair_by_source: true }
phases: { warm_up: 200ms, measure: 3s, drain: 10s }
trials: [{ runners: 20, backend: postgres-batch }]
seed: 11
)";
  int const status = run({"run", "tiny.yaml"});
  EXPECT_THAT(status, AnyOf(0, 3, 4)) << log();
  auto const folder = read_assessment(results());
  ASSERT_EQ(folder.trials.size(), 1U);
  auto const& trial = folder.trials[0];
  EXPECT_EQ(trial.ledger.lost + trial.ledger.doubled, 0U);
  EXPECT_THAT(trial.ledger.breaches, IsEmpty()) << "first in, first out within each source";
  EXPECT_THAT(trial.ledger.unchecked, testing::ElementsAre(HasSubstr("I7: sources take turns")));
  auto const& sources = trial.books.sources;
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].source, "source:noisy");
  EXPECT_EQ(sources[1].source, "source:quiet");
  EXPECT_GT(sources[0].submitted, 4 * sources[1].submitted);
  EXPECT_GT(sources[1].claimed, 0U);
  EXPECT_LT(sources[1].claim_latency.mean, sources[0].claim_latency.mean);
  EXPECT_THAT(read_text(results() / "report.html"), HasSubstr("source:quiet"));
  expect_nothing_left_behind();
}

// More than any generator of one thread can offer: every time.
TEST_F(AssayProgram, measures_an_invalid_trial_again_as_often_as_it_may_and_says_so) {
  write_scenario("memory", "1s");
  std::vector<std::string> const overload{
      "run", "tiny.yaml", "--set", "retry_invalid=2", "--set", "generator_threads=1", "--set", "phases.warm_up=0s",
      "--set", "load.runs_per_minute_per_runner=", "--set", "load.runs_per_second=40000", "--set", "phases.drain=0s",
      "--set", "time_compression=1"};
  EXPECT_EQ(run(overload), 4) << log();
  EXPECT_THAT(log(), HasSubstr("measured again"));
  auto const assessment = read_assessment(results());
  ASSERT_EQ(assessment.trials.size(), 1U);
  EXPECT_EQ(assessment.trials[0].id, "r0020-memory-1");
  EXPECT_FALSE(assessment.trials[0].valid());
  std::vector<std::string> again;
  for (auto const& [name, text] : assessment.conditions) {
    if (name == "Measured again") again.push_back(text);
  }
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_THAT(again[0], AllOf(HasSubstr("r0020-memory-1, which was invalid ("), HasSubstr("r0020-memory-1-invalid-1")));
  for (auto const* id : {"r0020-memory-1", "r0020-memory-1-invalid-1", "r0020-memory-1-invalid-2"}) {
    EXPECT_TRUE(std::filesystem::exists(results() / fmt::format("ledger/{}-runners.csv.gz", id))) << id;
  }
  EXPECT_THAT(read_text(results() / "report.html"), HasSubstr("r0020-memory-1-invalid-2"));
  EXPECT_EQ(run({"report", results().string()}), 0) << log();
  expect_nothing_left_behind();
}

// One of three orchestrators is killed. Without leases its runs stay claimed for ever, and the books say which; with
// them, the others complete every one.
TEST_F(AssayProgram, a_dead_orchestrators_runs_stay_claimed_without_leases_and_are_completed_with_them) {
  std::ofstream{path("tiny.yaml")} << R"(name: tiny
title: Orchestrators that die
question: Who has their runs?
policy: smoke
transport: direct
load: { backlog: 60 }
fleet:
  heartbeat: 100ms
  run_length: { shape: constant, mean: 300ms }
  orchestrator: { poll_interval: 50ms, clamp: false, cold_start: { from: 0s, to: 0s } }
coordinator: { lease: 800ms, sweep_interval: 100ms, store_connections: 1, max_attempts: 10 }
faults: [{ at: 450ms, what: kill, whom: runners, number: 1, lasting: 1h }]
phases: { warm_up: 200ms, measure: 5s, drain: 100ms }
trials:
  - { runners: 3, backend: postgres-optimistic, variant: leases }
  - { runners: 3, backend: postgres-optimistic, variant: none, with: { coordinator.lease: 24h } }
seed: 11
)";
  int const status = run({"run", "tiny.yaml"});
  EXPECT_THAT(status, AnyOf(0, 3, 4)) << log();
  auto const folder = read_assessment(results());
  ASSERT_EQ(folder.trials.size(), 2U);
  auto const &leases = folder.trials[0].ledger, &none = folder.trials[1].ledger;
  EXPECT_EQ(leases.lost + leases.doubled + none.lost + none.doubled, 0U);
  EXPECT_THAT(leases.breaches, IsEmpty());
  EXPECT_THAT(none.breaches, IsEmpty());
  EXPECT_GT(leases.orphaned, 0U) << "nothing was in the dead one's hands";
  EXPECT_EQ(leases.recovered, leases.orphaned);
  EXPECT_EQ(leases.stranded, 0U);
  EXPECT_EQ(leases.completed, 60U);
  EXPECT_GT(none.orphaned, 0U);
  EXPECT_EQ(none.recovered, 0U);
  EXPECT_EQ(none.stranded, none.orphaned);
  EXPECT_EQ(none.completed + none.stranded, 60U);
  EXPECT_EQ(none.stranded_runs.size(), none.stranded);
  EXPECT_THAT(read_text(results() / "report.html"), HasSubstr("Still claimed by the dead"));
  EXPECT_EQ(run({"ledger", results().string()}), 0);
  EXPECT_THAT(log(), HasSubstr(fmt::format("{} still claimed by the dead at the end", none.stranded)));
  expect_nothing_left_behind();
}

}  // namespace
}  // namespace assay::test
