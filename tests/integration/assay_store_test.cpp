// `assay run` on a server that can't be used, and on one that goes away meanwhile. The ledger says what became of the
// runs.
#include "harness/record/results_folder.hpp"
#include "harness/services/redis_service.hpp"
#include "tests/integration/assay_fixture.hpp"
#include "tests/integration/bad_postgres.hpp"

#include <fmt/format.h>

#include <set>

namespace assay::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class AssayOnBadServer : public AssayProgram {
 protected:
  void expect_refused(std::vector<std::string> arguments, int status, std::string const& says) {
    std::string const option = arguments.at(2);
    EXPECT_EQ(run(std::move(arguments)), status) << log();
    std::vector<std::string> said;
    std::istringstream text{log()};
    for (std::string line; std::getline(text, line);)
      if (!line.starts_with("plan: ")) said.push_back(line);
    ASSERT_THAT(said, SizeIs(1)) << log();
    EXPECT_THAT(said[0], StartsWith("assay: "));
    EXPECT_THAT(said[0], HasSubstr(says));
    EXPECT_FALSE(std::filesystem::exists(path("results")));
    expect_nothing_left_behind();
  }
};

TEST_F(AssayOnBadServer, tells_each_mistake_about_a_given_postgresql_in_one_line_before_it_starts_anything) {
  write_scenario("postgres-batch", "10s");
  TestDatabase const database;
  TooOldPostgres const too_old{database};
  for (auto const& bad : bad_postgres(database, too_old)) {
    SCOPED_TRACE(bad.mistake);
    expect_refused({"run", "tiny.yaml", "--postgres-url", bad.url}, bad.status, bad.says);
  }
  expect_refused({"run", "tiny.yaml", "--postgres-url", "db:5432"}, 2, "is no PostgreSQL URL");
  EXPECT_EQ(database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'assay%'"), "0");
}

TEST_F(AssayOnBadServer, tells_each_mistake_about_a_given_redis_in_one_line_before_it_starts_anything) {
  write_scenario("redis-list", "10s");
  PrivateRedis const locked{"sesame"};
  RewritingProxy const proxy{asio::local::stream_protocol::endpoint{locked.socket().string()}};
  std::string const there = fmt::format("127.0.0.1:{}", proxy.port());
  expect_refused({"run", "tiny.yaml", "--redis-url", "http://somewhere"}, 2,
                 "--redis-url: 'http://somewhere' is no Redis URL");
  expect_refused({"run", "tiny.yaml", "--redis-url", "redis://somewhere:port"}, 2, "has a port that is none");
  expect_refused({"run", "tiny.yaml", "--redis-url", "redis://127.0.0.1:1"}, 6,
                 "Redis at 127.0.0.1:1 can't be reached");
  expect_refused({"run", "tiny.yaml", "--redis-url", "redis://default:guess@" + there}, 2, "WRONGPASS");
  expect_refused({"run", "tiny.yaml", "--redis-url", "redis://" + there}, 2, "NOAUTH");
}

// The second backend is the one that can't: said before the first one is measured.
TEST_F(AssayOnBadServer, tries_every_backend_of_the_scenario_before_the_first_trial) {
  write_scenario("[postgres-batch, postgres-skip-locked]", "10s");
  TestDatabase const database;
  database.ask("CREATE SCHEMA assay_skip_locked");
  expect_refused({"run", "tiny.yaml", "--postgres-url", database.url()}, 2, "that assay did not make");
}

TEST_F(AssayOnBadServer, disturbs_no_server_but_its_own) {
  std::string const fault = "faults=[{at: 1s, what: kill, whom: store}]";
  write_scenario("memory", "10s");
  expect_refused({"run", "tiny.yaml", "--set", fault}, 2, "memory has no server that a fault could happen to");
  write_scenario("postgres-batch", "10s");
  TestDatabase const database;
  expect_refused({"run", "tiny.yaml", "--set", fault, "--postgres-url", database.url()}, 2,
                 "--postgres-url: this scenario disturbs its server");
}

// ---- away meanwhile

void expect_nothing_lost(TrialResult const& trial) {
  EXPECT_EQ(trial.failure, "");
  EXPECT_TRUE(trial.books.balance);
  EXPECT_GT(trial.ledger.accepted, 0U);
  EXPECT_EQ(trial.ledger.lost + trial.ledger.doubled, 0U);
  for (auto const& breach : trial.ledger.breaches) ADD_FAILURE() << breach.invariant << ": " << breach.what;
}

struct StoreFault : AssayProgram, testing::WithParamInterface<char const*> {};

TEST_P(StoreFault, loses_and_doubles_nothing_on_a_durable_store) {
  write_scenario("postgres-batch", "3s");
  int const status = run({"run", "tiny.yaml", "--set", "phases.drain=20s", "--set",
                          fmt::format("faults=[{{at: 1s, what: {}, whom: store, lasting: 1500ms}}]", GetParam())});
  EXPECT_THAT(status, AnyOf(0, 3, 4)) << log();
  auto const trials = read_assessment(results()).trials;
  ASSERT_THAT(trials, SizeIs(1));
  expect_nothing_lost(trials[0]);
  std::set<std::string> faults;
  for (auto const& point : trials[0].timeline) faults.insert(point.fault);
  EXPECT_THAT(faults, Contains(fmt::format("{} the store", GetParam())));
  expect_nothing_left_behind();
}

INSTANTIATE_TEST_SUITE_P(what, StoreFault, testing::Values("kill", "stop"),
                         [](auto const& what) { return std::string{what.param}; });

// A list without leases may lose what was popped into a connection that broke, and nothing else; each run is accounted
// for.
TEST_F(AssayProgram, loses_at_most_what_redis_list_declares_when_redis_is_restarted_and_the_ledger_says_how_much) {
  write_scenario("redis-list", "3s");
  int const status =
      run({"run", "tiny.yaml", "--set", "load.runs_per_second=20", "--set", "load.runs_per_minute_per_runner=", "--set",
           "faults=[{at: 1s, what: restart, whom: store, lasting: 1s}]"});
  auto const trials = read_assessment(results()).trials;
  ASSERT_THAT(trials, SizeIs(1));
  auto const& trial = trials[0];
  EXPECT_EQ(trial.failure, "");
  EXPECT_TRUE(trial.books.balance);
  auto const& ledger = trial.ledger;
  EXPECT_GT(ledger.completed, 0U);
  for (auto const& breach : ledger.breaches) EXPECT_EQ(breach.invariant, "I1") << breach.what;
  EXPECT_EQ(ledger.lost > 0, !ledger.breaches.empty());
  EXPECT_EQ(status == static_cast<int>(ExitStatus::invariant_broken), ledger.lost > 0) << log();
  EXPECT_LE(ledger.accepted, ledger.completed + ledger.dead + ledger.queued + ledger.lost);
  expect_nothing_left_behind();
}

// Two coordinators within the generator: callers of each get the results that were reported to the other, too.
TEST_F(AssayProgram, embeds_coordinators_whose_callers_get_each_others_results) {
  std::ofstream{path("tiny.yaml")} << R"(name: tiny
title: Results through Redis
question: Do they arrive?
policy: smoke
transport: embedded
load: { concurrency: 20, wait: 10s }
fleet: { hold: 1s, heartbeat: 60s, run_length: { shape: constant, mean: 0s } }
coordinator: { lease: 120s, count: 2, store_connections: 8, replies: { path: per_task, ttl: expire, seconds: 5 } }
phases: { warm_up: 100ms, measure: 1s, drain: 5s }
trials: [{ runners: 4, backend: redis-list }]
seed: 11
)";
  int const status = run({"run", "tiny.yaml"});
  EXPECT_THAT(status, AnyOf(0, 3, 4)) << log();
  auto const trials = read_assessment(results()).trials;
  ASSERT_THAT(trials, SizeIs(1));
  auto const& trial = trials[0];
  expect_nothing_lost(trial);
  EXPECT_EQ(trial.transport, "embedded");
  EXPECT_FALSE(trial.coordinator.available) << "there is no such process";
  EXPECT_GT(trial.call_latency.n, 100U);
  EXPECT_EQ(trial.ledger.completed, trial.ledger.accepted);
  // Twenty callers would soon all wait for what the other coordinator knows.
  auto figures = trial.store_figures;
  EXPECT_GT(figures["replies_sent"], 100);
  EXPECT_EQ(figures["replies_heard"], figures["replies_sent"]);
  EXPECT_THAT(read_text(results() / "report.html"), HasSubstr("no process"));
  expect_nothing_left_behind();
}

// The user's own server, stopped as its administrator would, and back after ten seconds.
TEST_F(AssayProgram, goes_on_with_a_server_that_was_gone_for_ten_seconds_and_asked_for_it_now_and_then) {
  write_scenario("postgres-batch", "16s");
  PrivatePostgres& server = postgres_server();
  TestDatabase const database;
  RewritingProxy const proxy{asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), postgres_port()}};
  std::string const url =
      replaced(database.tcp_url(), fmt::format(":{}/", postgres_port()), fmt::format(":{}/", proxy.port()));
  auto process = start({"run", "tiny.yaml", "--set", "phases.drain=20s", "--postgres-url", url});
  ASSERT_TRUE(process.wait_for_line("1/1 ", within(30s))) << log();  // the fleet is connecting
  std::size_t const before = proxy.accepted();
  server.stop();
  EXPECT_FALSE(process.wait_until(within(10s))) << "it ended: " << log();
  std::size_t const meanwhile = proxy.accepted() - before;
  server.start();
  auto const exit = process.wait_until(within(60s));
  ASSERT_TRUE(exit) << log();
  EXPECT_THAT(exit->status, AnyOf(0, 3, 4)) << log();
  // Ten seconds are 18 attempts at most of one connection (reconnect_pause_test), and there were `before` ones or
  // fewer.
  EXPECT_GT(meanwhile, 0U);
  EXPECT_LE(meanwhile, 18 * before);
  auto const trials = read_assessment(results()).trials;
  ASSERT_THAT(trials, SizeIs(1));
  expect_nothing_lost(trials[0]);
  EXPECT_EQ(trials[0].ledger.completed, trials[0].ledger.accepted);
  EXPECT_EQ(database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'assay%'"), "0");
}

}  // namespace
}  // namespace assay::test
