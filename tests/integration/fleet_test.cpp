// The fleet against the real coordinator over the memory backend, each in its own process.
#include "simulated_runners/fleet.hpp"
#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <set>

namespace assay {
namespace {

using Kind = RunEvent::Kind;

std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct FleetOnCoordinator : testing::Test {
  static FleetPlan plan(int runners, double runs_per_second, Duration measure) {
    FleetPlan plan;
    plan.fleet.run_length = {DurationDistribution::Shape::exponential, milliseconds{100}, 1.0};
    plan.runners = runners;
    plan.runs_per_second = runs_per_second;
    plan.seed = 2024;
    plan.warm_up = milliseconds{500};
    plan.measure = measure;
    return plan;
  }

  void start(FleetPlan wanted, std::vector<std::string> options = {}) {
    wanted.identities = make_identities(wanted.fleet, wanted.runners, wanted.seed);
    wanted.submitter_token = make_submitter_token(wanted.seed);
    auto const identities = folder.path() / "identities.json";
    std::ofstream{identities} << identities_json(wanted.identities, wanted.submitter_token);
    ChildCommand command;
    command.argv = {ASSAY_COORDINATOR, "--listen",     "127.0.0.1:0",      "--backend",
                    "memory",          "--identities", identities.string()};
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    command.log = folder.path() / "coordinator.log";
    coordinator.emplace(std::move(command));
    auto const line = coordinator->wait_for_line("{\"listening\"", clock.now() + seconds{20});
    ASSERT_TRUE(line) << last_line(folder.path() / "coordinator.log");
    std::string const listening{boost::json::parse(*line).at("listening").as_string()};
    auto const port = static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1)));
    wanted.coordinators = {{asio::ip::address_v4::loopback(), port}};
    wanted.start = clock.now() + milliseconds{300};
    window = {wanted.start + wanted.warm_up, wanted.start + wanted.warm_up + wanted.measure};
    plan_used = wanted;
    recorder.emplace(window);
    fleet.emplace(context, clock, std::move(wanted), *recorder);
  }

  Awaitable<void> drive(Duration drain_for) {
    auto const connected = co_await fleet->connect(clock.now() + seconds{20});
    EXPECT_TRUE(connected) << to_string(connected.error());
    if (connected) {
      co_await fleet->run();
      drained = co_await fleet->drain(clock.now() + drain_for);
    }
    at_end = fleet->live();
    co_await fleet->stop();
    finished = true;
  }

  void run_to_end(Duration drain_for = seconds{20}) {
    asio::co_spawn(context, drive(drain_for), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    while (!finished) context.run_one();
    EXPECT_TRUE(recorder->books().balance());
    EXPECT_EQ(recorder->books().in_flight, 0U);
  }

  // Does something to the coordinator once the measured phase is this old.
  void at(Duration since_window, std::function<void()> what) {
    auto timer = std::make_shared<Timer>(context.get_executor(), window.begin + since_window);
    timer->async_wait([timer, what = std::move(what)](auto) { what(); });
  }

  std::map<RunId, std::map<Kind, int>> lives() const {
    std::map<RunId, std::map<Kind, int>> lives;
    for (auto const& event : recorder->events()) ++lives[event.run][event.kind];
    return lives;
  }

  void expect_nothing_lost_or_doubled() {
    for (auto& [run, life] : lives()) {
      ASSERT_EQ(life[Kind::accepted], 1) << to_string(run);
      ASSERT_EQ(life[Kind::received], 1) << to_string(run);
      ASSERT_EQ(life[Kind::completed], 1) << to_string(run);
      ASSERT_EQ(life.size(), 4U) << to_string(run) << ": something unforeseen happened to it";
    }
    std::set<ClaimToken> tokens;
    for (auto const& event : recorder->events()) {
      if (event.kind != Kind::received) continue;
      EXPECT_TRUE(tokens.insert(event.token).second) << to_string(event.token);
    }
  }

  PrivateFolder folder{std::filesystem::temp_directory_path(), "assay-fleet-test-"};
  SystemClock clock;
  asio::io_context context{1};
  std::optional<ChildProcess> coordinator;
  FleetPlan plan_used;
  Window window{};
  std::optional<Recorder> recorder;
  std::optional<Fleet> fleet;
  FleetLive at_end;
  bool drained = false;
  bool finished = false;
};

TEST_F(FleetOnCoordinator, LosesAndDoublesNothing) {
  start(plan(200, 500, seconds{3}));
  run_to_end();
  EXPECT_TRUE(drained);
  auto const& books = recorder->books();
  EXPECT_NEAR(static_cast<double>(books.offered), 3.5 * 500, 4 * std::sqrt(3.5 * 500));
  EXPECT_EQ(books.succeeded, books.offered);
  EXPECT_EQ(at_end.completed, books.offered);
  EXPECT_EQ(at_end.parked, 200U);
  EXPECT_EQ(at_end.outstanding, 0U);
  expect_nothing_lost_or_doubled();
  auto const& lag = recorder->operation(Operation::submit).lag;
  RecordProperty("schedule_lag_us_p99", std::to_string(lag.value_at_quantile(0.99) / 1000));
}

TEST_F(FleetOnCoordinator, RunsGoOnlyToRunnersThatFit) {
  auto mixed = plan(60, 200, seconds{2});
  mixed.fleet.kinds = {{{"linux"}, 2}, {{"linux", "gpu"}, 1}};
  mixed.load.classes = {{{"linux"}, 0, 3}, {{"gpu"}, 1, 1}};
  start(mixed);
  run_to_end();
  EXPECT_TRUE(drained);
  expect_nothing_lost_or_doubled();
  std::map<RunId, std::uint32_t> classes;
  std::array<int, 2> received{};
  for (auto const& event : recorder->events()) {
    if (event.kind == Kind::submitted) classes[event.run] = event.run_class;
    if (event.kind != Kind::received) continue;
    ++received.at(classes.at(event.run));
    auto const& tags = plan_used.identities.at(event.actor - 1).tags;
    for (auto const& required : plan_used.load.classes[classes.at(event.run)].tags) {
      ASSERT_NE(std::find(tags.begin(), tags.end(), required), tags.end()) << required;
    }
  }
  EXPECT_NEAR(received[1] * 3.0 / received[0], 1.0, 0.3);
}

TEST_F(FleetOnCoordinator, FailuresStartsAndSeveralRunsPerPollAddUp) {
  auto busy = plan(50, 300, seconds{2});
  busy.fleet.failure_rate = 0.3;
  busy.fleet.confirm_start = true;
  busy.fleet.runs_per_poll = 3;
  start(busy, {"--retry-base", "10ms"});
  run_to_end();
  EXPECT_TRUE(drained);
  for (auto& [run, life] : lives()) {
    ASSERT_EQ(life[Kind::received], life[Kind::completed] + life[Kind::failed]) << to_string(run);
    ASSERT_TRUE(life[Kind::completed] == 1 || life[Kind::failed] == 3) << to_string(run);
  }
}

TEST_F(FleetOnCoordinator, ACoordinatorThatStandsStillForASecondLosesNothing) {
  start(plan(100, 300, seconds{3}));
  at(milliseconds{500}, [&] { coordinator->signal(SIGSTOP); });
  at(milliseconds{1500}, [&] { coordinator->signal(SIGCONT); });
  run_to_end();
  EXPECT_TRUE(drained);
  EXPECT_EQ(recorder->books().shed, 0U);
  expect_nothing_lost_or_doubled();
  auto const& response = recorder->operation(Operation::submit).response;
  // (S − x)/T with S = 1 s, T = 3 s.
  double const slow = static_cast<double>(response.count_above(Duration{milliseconds{400}}.count()));
  double const share = slow / static_cast<double>(response.count());
  EXPECT_GE(share, 0.6 / 3 - 0.04);
  EXPECT_LE(share, 0.6 / 3 + 0.1);  // a busy machine takes its time to work off the stall
}

TEST_F(FleetOnCoordinator, ACoordinatorThatDiesIsToldAsItWas) {
  start(plan(100, 300, seconds{2}));
  at(seconds{1}, [&] { coordinator->signal(SIGKILL); });
  run_to_end(milliseconds{500});
  EXPECT_FALSE(drained);
  auto const& fates = recorder->operation(Operation::submit).fates_total;
  EXPECT_GT(fates[static_cast<std::size_t>(Fate::ok)], 300U);
  EXPECT_GT(fates[static_cast<std::size_t>(Fate::unavailable)], 200U);
  EXPECT_GT(at_end.outstanding, 0U);
  for (auto& [run, life] : lives()) {
    ASSERT_EQ(life[Kind::accepted] + life[Kind::submit_failed] + life[Kind::submit_in_doubt], 1) << to_string(run);
    ASSERT_LE(life[Kind::completed], 1) << to_string(run);
  }
}

TEST_F(FleetOnCoordinator, AParkedRunnerCostsLittleMemory) {
  constexpr int runners = 4000;
  auto idle = plan(runners, 0, milliseconds{500});
  auto const before_identities = resident_bytes();
  start(idle);
  auto const before = resident_bytes();
  asio::co_spawn(context, fleet->connect(clock.now() + seconds{30}), [&](std::exception_ptr, Result<void> connected) {
    EXPECT_TRUE(connected) << to_string(connected.error());
    EXPECT_EQ(fleet->live().parked, static_cast<std::size_t>(runners));
    finished = true;
  });
  while (!finished) context.run_one();
  auto const each = (resident_bytes() - before_identities) / runners;
  RecordProperty("bytes_per_runner", std::to_string(each));
  RecordProperty("bytes_per_runner_connecting", std::to_string((resident_bytes() - before) / runners));
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LE(each, 12U * 1024);
#endif
  bool stopped = false;
  asio::co_spawn(context, fleet->stop(), [&](std::exception_ptr) { stopped = true; });
  while (!stopped) context.run_one();
}

// ---- pushed instead of polled

TEST_F(FleetOnCoordinator, PushedRunnersLoseAndDoubleNothing) {
  auto wanted = plan(60, 300, seconds{2});
  wanted.push = true;
  wanted.fleet.slots = 2;
  wanted.fleet.heartbeat = milliseconds{500};
  start(wanted, {"--dispatch", "push", "--picker", "least_loaded"});
  run_to_end();
  EXPECT_TRUE(drained);
  EXPECT_EQ(recorder->books().succeeded, recorder->books().offered);
  EXPECT_EQ(at_end.completed, recorder->books().offered);
  expect_nothing_lost_or_doubled();
  auto const& heartbeats = recorder->operation(Operation::heartbeat).fates;
  EXPECT_GT(heartbeats[static_cast<std::size_t>(Fate::ok)], 0U);
}

// Every runner's connection is cut once, most of them in the middle of a run: that attempt has failed, the next one
// lands on whoever is there, and nobody's late report counts.
TEST_F(FleetOnCoordinator, RunsOfRunnersThatAreCutOffAreWorkedByOthersAndCompletedOnce) {
  auto wanted = plan(40, 200, seconds{2});
  wanted.push = true;
  wanted.max_attempts = 20;
  start(wanted, {"--dispatch", "push", "--retry-base", "1ms", "--sweep-interval", "20ms", "--max-attempts", "20"});
  FaultSpec cut;
  cut.what = FaultSpec::What::drop;
  cut.every = milliseconds{20};
  at(milliseconds{300}, [this, cut] { fleet->disturb(cut); });
  run_to_end();
  EXPECT_TRUE(drained);
  int refused = 0;
  for (auto& [run, life] : lives()) {
    EXPECT_EQ(life[Kind::completed], 1) << to_string(run);
    refused += life[Kind::report_refused];
  }
  EXPECT_GT(refused, 0) << "no runner was cut off in the middle of a run";
}

TEST_F(FleetOnCoordinator, ARollingRestartOfAllPushedRunnersFailsNoRun) {
  auto wanted = plan(40, 200, seconds{2});
  wanted.push = true;
  start(wanted, {"--dispatch", "push"});
  FaultSpec restart;
  restart.every = milliseconds{30};
  restart.lasting = milliseconds{100};
  at(milliseconds{200}, [this, restart] { fleet->disturb(restart); });
  run_to_end();
  EXPECT_TRUE(drained);
  expect_nothing_lost_or_doubled();
  EXPECT_GT(at_end.connections_opened, 60U) << "most of the 40 connected twice";
}

TEST_F(FleetOnCoordinator, KilledRunnersTakeTheirRunsAlongWhichOthersComplete) {
  auto wanted = plan(40, 200, seconds{2});
  wanted.push = true;
  wanted.max_attempts = 20;
  start(wanted, {"--dispatch", "push", "--retry-base", "1ms", "--sweep-interval", "20ms", "--max-attempts", "20"});
  FaultSpec kill;
  kill.what = FaultSpec::What::kill;
  kill.number = 20;
  kill.lasting = milliseconds{300};
  at(milliseconds{500}, [this, kill] { fleet->disturb(kill); });
  run_to_end();
  EXPECT_TRUE(drained);
  int died = 0;
  for (auto& [run, life] : lives()) {
    EXPECT_EQ(life[Kind::completed], 1) << to_string(run);
    died += life[Kind::died];
  }
  EXPECT_GT(died, 0);
}

TEST_F(FleetOnCoordinator, SubmissionsAreTriedAgainAsTheScenarioSays) {
  auto wanted = plan(20, 200, seconds{2});
  wanted.load.retry.tries = 50;
  wanted.load.retry.timeout = milliseconds{200};
  wanted.load.retry.backoff = milliseconds{50};
  start(wanted);
  // Long enough that single tries time out, short enough that the policy outlasts it.
  at(milliseconds{500}, [this] { coordinator->signal(SIGSTOP); });
  at(milliseconds{1200}, [this] { coordinator->signal(SIGCONT); });
  run_to_end();
  EXPECT_TRUE(drained);
  EXPECT_EQ(recorder->books().failed, 0U);
  EXPECT_EQ(recorder->books().succeeded, recorder->books().offered);
  EXPECT_GT(at_end.submissions_repeated, 0U);
}

}  // namespace
}  // namespace assay
