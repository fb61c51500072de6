#include "simulated_runners/fleet.hpp"

#include "tests/unit/simulated_runners/fake_coordinator.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>

namespace assay {
namespace {

using EventKind = RunEvent::Kind;

struct FleetTest : testing::Test {
  ~FleetTest() override { coordinator.stop(); }

  static FleetPlan plan(int runners, double runs_per_second) {
    FleetPlan plan;
    plan.fleet.hold = milliseconds{500};
    plan.fleet.heartbeat = milliseconds{500};
    plan.fleet.run_length = {DurationDistribution::Shape::exponential, milliseconds{20}, 1.0};
    plan.fleet.backoff_base = milliseconds{10};
    plan.fleet.backoff_limit = milliseconds{100};
    plan.load.arrivals = LoadSpec::Arrivals::even;
    plan.runs_per_second = runs_per_second;
    plan.runners = runners;
    plan.seed = 4711;
    plan.warm_up = milliseconds{100};
    plan.measure = milliseconds{400};
    return plan;
  }

  // Fills in what belongs to the moment, and makes the fleet.
  void make(FleetPlan plan) {
    plan.coordinators = {coordinator.endpoint()};
    plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
    plan.submitter_token = make_submitter_token(plan.seed);
    plan.start = clock.now() + milliseconds{50};
    window = {plan.start + plan.warm_up, plan.start + plan.warm_up + plan.measure};
    recorder.emplace(window);
    fleet.emplace(context, clock, std::move(plan), *recorder);
  }

  struct Course {
    std::string error;
    bool drained = false;
  };

  Awaitable<void> drive(Course& course, Duration drain_for) {
    auto const connected = co_await fleet->connect(clock.now() + seconds{5});
    if (!connected) course.error = to_string(connected.error());
    if (connected) {
      co_await fleet->run();
      course.drained = co_await fleet->drain(clock.now() + drain_for);
    }
    at_end = fleet->live();
    co_await fleet->stop();
    finished = true;
  }

  // One whole trial; returns when no coroutine of the fleet is left.
  Course trial(FleetPlan trial_plan, Duration drain_for = seconds{10}) {
    make(std::move(trial_plan));
    Course course;
    asio::co_spawn(context, drive(course, drain_for), rethrow);
    while (!finished) context.run_one();
    EXPECT_TRUE(recorder->books().balance());
    EXPECT_EQ(recorder->books().in_flight, 0U);
    return course;
  }

  static void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  }

  std::size_t count(EventKind kind) const {
    std::size_t n = 0;
    for (auto const& event : recorder->events()) n += event.kind == kind ? 1U : 0U;
    return n;
  }

  std::uint64_t fates(Operation operation, Fate fate) const {
    return recorder->operation(operation).fates_total[static_cast<std::size_t>(fate)];
  }

  // Of everything that isn't the ordinary end of a request.
  std::uint64_t errors(Operation operation) const {
    std::uint64_t sum = 0;
    for (Fate fate :
         {Fate::conflict, Fate::refused, Fate::unavailable, Fate::timed_out, Fate::in_doubt, Fate::abandoned})
      sum += fates(operation, fate);
    return sum;
  }

  void expect_each_run_done_once() {
    EXPECT_EQ(coordinator.completions.size(), coordinator.submitted.size());
    for (auto const& [run, times] : coordinator.completions) EXPECT_EQ(times, 1) << to_string(run);
    EXPECT_EQ(count(EventKind::completed), coordinator.submitted.size());
    EXPECT_EQ(at_end.outstanding, 0U);
  }

  asio::io_context context{1};
  SystemClock clock;
  FakeCoordinator coordinator{context};
  Window window{};
  std::optional<Recorder> recorder;
  std::optional<Fleet> fleet;
  FleetLive at_end;
  bool finished = false;
};

TEST_F(FleetTest, EveryRunIsSubmittedReceivedAndReportedOnce) {
  auto const course = trial(plan(30, 400));
  EXPECT_EQ(course.error, "");
  EXPECT_TRUE(course.drained);
  EXPECT_EQ(recorder->books().offered, 200U);
  EXPECT_EQ(recorder->books().succeeded, 200U);
  EXPECT_EQ(recorder->books().shed, 0U);
  EXPECT_EQ(coordinator.submitted.size(), 200U);
  EXPECT_EQ(count(EventKind::accepted), 200U);
  EXPECT_EQ(count(EventKind::received), 200U);
  expect_each_run_done_once();
  EXPECT_EQ(at_end.completed, 200U);
  for (Operation operation : {Operation::submit, Operation::poll, Operation::report}) {
    EXPECT_EQ(errors(operation), 0U) << to_string(operation);
  }
  EXPECT_EQ(errors(Operation::heartbeat), fates(Operation::heartbeat, Fate::abandoned)) << "on their way at the stop";
}

TEST_F(FleetTest, ParkedRunnersAreNoErrorsWhenTheTrialStops) {
  auto idle = plan(20, 0);
  idle.fleet.hold = seconds{30};
  EXPECT_TRUE(trial(idle).drained);
  EXPECT_EQ(at_end.parked, 20U);
  EXPECT_EQ(errors(Operation::poll), 0U);
  EXPECT_EQ(fleet->live().parked, 0U);
}

TEST_F(FleetTest, EveryPollIsParkedOnceConnected) {
  auto idle = plan(300, 0);
  idle.fleet.hold = seconds{30};
  make(idle);
  bool connected = false;
  asio::co_spawn(context, fleet->connect(clock.now() + seconds{5}), [&](std::exception_ptr error, Result<void> result) {
    rethrow(error);
    EXPECT_TRUE(result) << to_string(result.error());
    EXPECT_EQ(fleet->live().parked, 300U);
    connected = true;
  });
  while (!connected) context.run_one();
  asio::co_spawn(context, fleet->stop(), [&](std::exception_ptr) { finished = true; });
  while (!finished) context.run_one();
}

TEST_F(FleetTest, IdleTrafficIsRunnersByHoldPlusRunnersByHeartbeat) {
  auto idle = plan(100, 0);
  idle.fleet.hold = milliseconds{500};
  idle.fleet.heartbeat = seconds{1};
  idle.warm_up = milliseconds{200};
  idle.measure = seconds{2};
  trial(idle);
  auto const& polls = recorder->operation(Operation::poll).fates;
  auto const& beats = recorder->operation(Operation::heartbeat).fates;
  // 100 / 0.5 s and 100 / 1 s, over 2 s. A busy machine makes each hold a little longer.
  EXPECT_NEAR(static_cast<double>(polls[static_cast<std::size_t>(Fate::empty)]), 400, 32);
  EXPECT_NEAR(static_cast<double>(beats[static_cast<std::size_t>(Fate::ok)]), 200, 6);
  EXPECT_EQ(recorder->operation(Operation::poll).response.count(), 0) << "an empty poll has no latency";
}

TEST_F(FleetTest, PollsAreSpreadOverTheHoldFromTheStart) {
  auto idle = plan(50, 0);
  idle.fleet.hold = seconds{5};
  trial(idle);
  std::set<std::string> const different(coordinator.polls.begin(), coordinator.polls.end());
  EXPECT_GE(different.size(), 50U);
  EXPECT_TRUE(different.contains("/runner/runs?wait=100ms&max=1"));
  EXPECT_TRUE(different.contains("/runner/runs?wait=5s&max=1"));
}

TEST_F(FleetTest, AStalledCoordinatorShowsInResponseTimesNotInTheSchedule) {
  auto loaded = plan(20, 1000);
  loaded.warm_up = milliseconds{50};
  loaded.measure = seconds{2};
  make(loaded);
  Duration const stall = milliseconds{600};
  TimePoint const stall_begin = window.begin + milliseconds{500};
  Course course;
  asio::co_spawn(context, drive(course, seconds{10}), rethrow);
  Timer timer{context.get_executor(), stall_begin};
  timer.async_wait([&](auto) { coordinator.stall_until(stall_begin + stall); });
  while (!finished) context.run_one();

  auto const& submit = recorder->operation(Operation::submit);
  EXPECT_EQ(recorder->books().shed, 0U);
  EXPECT_EQ(submit.response.count(), 2000);
  // P(L > x) = (S − x) / T for a stall of S in a window of T: every arrival during the stall waits for its end.
  for (Duration x : {milliseconds{100}, milliseconds{300}, milliseconds{500}}) {
    double const share = static_cast<double>(submit.response.count_above(x.count())) / 2000;
    double const truth = to_seconds(stall - x) / 2.0;
    EXPECT_GE(share, truth - 0.02) << to_ms(x) << " ms";
    EXPECT_LE(share, truth + 0.1) << to_ms(x) << " ms";  // a busy machine takes its time to work off the stall
  }
  TimePoint before{};
  for (auto const& event : recorder->events()) {
    if (event.kind != EventKind::submitted) continue;
    if (before != TimePoint{}) {
      ASSERT_NEAR(to_us(event.since - before), 1000, 1) << "the schedule moved";
    }
    before = event.since;
  }
}

TEST_F(FleetTest, ArrivalsWithoutAConnectionWaitAndAreShedAtTheEnd) {
  auto starved = plan(5, 500);
  starved.submit_connections = 4;
  starved.warm_up = Duration{0};
  starved.measure = milliseconds{400};
  make(starved);
  Course course;
  asio::co_spawn(context, drive(course, seconds{10}), rethrow);
  coordinator.fault = [&](FakeRequest const& request) {
    FakeFault fault;
    if (request.target == "/runs") fault.delay = std::max(Duration{0}, window.end + milliseconds{100} - clock.now());
    return fault;
  };
  while (!finished) context.run_one();
  EXPECT_TRUE(course.drained);
  EXPECT_EQ(recorder->books().offered, 200U);
  EXPECT_EQ(recorder->books().started, 4U);
  EXPECT_EQ(recorder->books().shed, 196U);
  EXPECT_TRUE(recorder->books().balance());
  expect_each_run_done_once();
}

TEST_F(FleetTest, TheLastArrivalBeforeTheEndIsStillStarted) {
  auto last = plan(2, 0.5 / 0.3999);  // one even arrival, half a run's share into the schedule: 0.1 ms before the end
  last.warm_up = Duration{0};
  last.measure = milliseconds{400};
  EXPECT_TRUE(trial(last).drained);
  EXPECT_EQ(recorder->books().offered, 1U);
  EXPECT_EQ(recorder->books().succeeded, 1U);
}

TEST_F(FleetTest, FailedRunsComeBackUntilTheyAreDoneOrDead) {
  auto failing = plan(20, 200);
  failing.fleet.failure_rate = 0.4;
  EXPECT_TRUE(trial(failing).drained);
  EXPECT_GT(coordinator.failures, 0);
  EXPECT_EQ(count(EventKind::failed), static_cast<std::size_t>(coordinator.failures));
  std::size_t dead = 0;
  for (auto const& event : recorder->events()) dead += event.kind == EventKind::failed && event.attempt == 3 ? 1U : 0U;
  EXPECT_EQ(coordinator.completions.size() + dead, coordinator.submitted.size());
}

TEST_F(FleetTest, CallersHaveOneRunEachAndSubmitTheNextWhenTheyHaveItsResult) {
  auto closed = plan(2, 0);
  closed.load.concurrency = 3;
  auto const course = trial(closed);
  EXPECT_TRUE(course.drained);
  expect_each_run_done_once();
  EXPECT_GT(fates(Operation::call, Fate::ok), 9U);
  EXPECT_EQ(errors(Operation::call), 0U);
  EXPECT_EQ(fates(Operation::submit, Fate::ok), 0U);
  EXPECT_EQ(fates(Operation::call, Fate::ok), coordinator.submitted.size());
  int waiting = 0;
  for (auto const& event : recorder->events()) {
    if (event.kind == EventKind::submitted) ++waiting;
    if (event.kind == EventKind::accepted) --waiting;
    EXPECT_LE(waiting, 3);
  }
  EXPECT_EQ(recorder->operation(Operation::call).response.count(),
            static_cast<std::int64_t>(recorder->operation(Operation::call).fates[0]));
}

TEST_F(FleetTest, ACallerGivesUpOnALateResultAndTheRunGoesOn) {
  auto closed = plan(1, 0);
  closed.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{120}, 1.0};
  closed.load.concurrency = 1;
  closed.load.wait = milliseconds{30};
  auto const course = trial(closed);
  EXPECT_TRUE(course.drained);
  expect_each_run_done_once();
  EXPECT_GT(fates(Operation::call, Fate::timed_out), 3U);
  EXPECT_EQ(count(EventKind::accepted), coordinator.submitted.size()) << "taken, though nobody waited to the end";
}

TEST_F(FleetTest, CallersPauseAfterErrors) {
  auto closed = plan(1, 0);
  closed.load.concurrency = 2;
  coordinator.fault = [](FakeRequest const& request) {
    return request.is("POST /runs?") ? FakeFault{FakeFault::Kind::status} : FakeFault{};
  };
  trial(closed);
  EXPECT_GT(fates(Operation::call, Fate::unavailable), 1U);
  EXPECT_LT(fates(Operation::call, Fate::unavailable), 200U) << "half a second, and pauses that double from 10 ms";
}

TEST_F(FleetTest, ConfirmsStartsWhenAskedTo) {
  auto confirming = plan(20, 200);
  confirming.fleet.confirm_start = true;
  EXPECT_TRUE(trial(confirming).drained);
  EXPECT_EQ(coordinator.requests["start"], 100);
  EXPECT_EQ(fates(Operation::start, Fate::ok), 100U);
  expect_each_run_done_once();
}

TEST_F(FleetTest, ALostLeaseStopsTheRunnersWork) {
  auto long_runs = plan(4, 5);
  long_runs.fleet.run_length.mean = seconds{60};
  long_runs.fleet.run_length.shape = DurationDistribution::Shape::constant;
  long_runs.fleet.heartbeat = milliseconds{100};
  long_runs.measure = milliseconds{900};
  coordinator.fault = [&](FakeRequest const&) {
    coordinator.stale = coordinator.submitted;
    return FakeFault{};
  };
  EXPECT_FALSE(trial(long_runs, milliseconds{300}).drained);
  EXPECT_EQ(count(EventKind::received), 5U);
  EXPECT_EQ(count(EventKind::abandoned), 5U);
  for (auto const& event : recorder->events()) {
    if (event.kind == EventKind::abandoned) {
      EXPECT_LT(event.time, window.end + milliseconds{250});
    }
  }
}

// Orchestrators that are disturbed once they hold so many runs.
struct DisturbedOrchestrators : FleetTest {
  void disturb_once(FaultSpec fault, std::size_t held) {
    coordinator.fault = [this, fault, held](FakeRequest const&) {
      if (!disturbed_at && fleet->live().held >= held) {
        fleet->disturb(fault);
        disturbed_at = clock.now() + milliseconds{20};  // a poll may just have begun
      }
      return FakeFault{};
    };
  }

  static FleetPlan orchestrators(int number) {
    auto some = plan(number, 200);
    some.fleet.orchestrator.emplace();
    some.fleet.orchestrator->poll_interval = milliseconds{10};
    some.fleet.orchestrator->cold_start = {Duration{}, Duration{}};
    some.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{50}, 1.0};
    some.measure = milliseconds{700};
    return some;
  }

  std::optional<TimePoint> disturbed_at;
};

TEST_F(DisturbedOrchestrators, AKilledOneIsGoneWithItsRuns) {
  FaultSpec kill{.what = FaultSpec::What::kill, .whom = FaultSpec::Whom::runners};
  kill.lasting = std::chrono::hours{1};
  kill.number = 1;
  disturb_once(kill, 8);
  trial(orchestrators(2), milliseconds{300});
  ASSERT_TRUE(disturbed_at);
  EXPECT_GT(count(EventKind::died), 0U);
  std::size_t by_the_other = 0;
  for (auto const& event : recorder->events()) {
    if (event.kind == EventKind::died) {
      EXPECT_EQ(event.actor, 1U);
    }
    if (event.kind != EventKind::received || event.asked <= *disturbed_at) continue;
    EXPECT_EQ(event.actor, 2U) << "the dead claim nothing";
    ++by_the_other;
  }
  EXPECT_GT(by_the_other, 0U);
  for (auto const& [run, times] : coordinator.completions) EXPECT_EQ(times, 1);
}

TEST_F(DisturbedOrchestrators, ARestartedOneEndsWhatItHasAndComesBack) {
  FaultSpec restart{.what = FaultSpec::What::restart, .whom = FaultSpec::Whom::runners};
  restart.lasting = milliseconds{200};
  disturb_once(restart, 3);
  EXPECT_TRUE(trial(orchestrators(1)).drained);
  ASSERT_TRUE(disturbed_at);
  EXPECT_EQ(count(EventKind::died), 0U);
  std::size_t afterwards = 0;
  for (auto const& event : recorder->events()) {
    if (event.kind != EventKind::received || event.asked <= *disturbed_at) continue;
    EXPECT_GE(event.asked, *disturbed_at + restart.lasting - milliseconds{25}) << "it polled while it was away";
    ++afterwards;
  }
  EXPECT_GT(afterwards, 0U);
  expect_each_run_done_once();
}

// One fault in every 10th request of a kind.
struct FaultCase {
  char const* name;
  FakeFault::Kind kind;
  int status;
};

class FleetUnderFault : public FleetTest, public testing::WithParamInterface<FaultCase> {};

TEST_P(FleetUnderFault, LosesNothingAndKeepsItsBooks) {
  int n = 0;
  coordinator.fault = [&](FakeRequest const& request) {
    FakeFault fault;
    // An answered poll that is cut loses its run until the lease ends, which this coordinator doesn't know of.
    bool const may_lose_a_run = GetParam().kind != FakeFault::Kind::status && request.is("GET /runner/runs");
    if (may_lose_a_run || ++n <= 5 || n % 10 != 0) return fault;
    fault.kind = GetParam().kind;
    fault.status = GetParam().status;
    return fault;
  };
  auto troubled = plan(20, 300);
  troubled.answer_timeout = milliseconds{150};
  auto const course = trial(troubled);
  EXPECT_EQ(course.error, "");
  EXPECT_TRUE(course.drained);
  EXPECT_EQ(recorder->books().offered, 150U);
  EXPECT_GT(recorder->books().failed + errors(Operation::report) + at_end.requests_repeated, 0U);
  for (auto const& [run, times] : coordinator.completions) EXPECT_EQ(times, 1) << to_string(run);
  EXPECT_EQ(coordinator.completions.size(), coordinator.submitted.size());
  EXPECT_EQ(count(EventKind::accepted) + count(EventKind::submit_in_doubt) + count(EventKind::submit_failed), 150U);
  EXPECT_GE(count(EventKind::accepted) + count(EventKind::submit_in_doubt), coordinator.submitted.size());
}

INSTANTIATE_TEST_SUITE_P(, FleetUnderFault,
                         testing::Values(FaultCase{"status_503", FakeFault::Kind::status, 503},
                                         FaultCase{"cut", FakeFault::Kind::cut, 0},
                                         FaultCase{"closed_unread", FakeFault::Kind::refuse_unread, 0},
                                         FaultCase{"half_an_answer", FakeFault::Kind::half, 0},
                                         FaultCase{"garbage", FakeFault::Kind::garbage, 0},
                                         FaultCase{"silence", FakeFault::Kind::silence, 0}),
                         [](auto const& test) { return std::string{test.param.name}; });

TEST_F(FleetTest, RefusedReportsAreToldAndTheRunnerGoesOn) {
  coordinator.fault = [&](FakeRequest const& request) {
    FakeFault fault;
    if (!request.target.ends_with("/status")) return fault;
    fault.kind = FakeFault::Kind::status;
    fault.status = 409;
    fault.body = R"({"outcome":"stale_token"})";
    return fault;
  };
  EXPECT_FALSE(trial(plan(10, 100), milliseconds{500}).drained) << "accepted runs that nobody completed";
  EXPECT_EQ(count(EventKind::report_refused), 50U);
  EXPECT_EQ(fates(Operation::report, Fate::conflict), 50U);
  EXPECT_EQ(at_end.outstanding, 50U);
}

TEST_F(FleetTest, WhatIsUnansweredWhenTheDrainEndsIsAbandoned) {
  coordinator.fault = [&](FakeRequest const& request) {
    FakeFault fault;
    if (request.target == "/runs" && coordinator.submitted.size() >= 10) fault.kind = FakeFault::Kind::silence;
    return fault;
  };
  EXPECT_FALSE(trial(plan(10, 100), milliseconds{300}).drained);
  EXPECT_EQ(recorder->books().abandoned, 40U);
  EXPECT_EQ(recorder->books().succeeded, 10U);
  EXPECT_EQ(count(EventKind::submit_in_doubt), 40U);
  auto const& submit = recorder->operation(Operation::submit);
  EXPECT_GE(submit.response.max(), Duration{milliseconds{600}}.count()) << "its age stays in the tail";
}

TEST_F(FleetTest, NobodyListeningIsOneClearLine) {
  coordinator.stop();
  context.poll();
  context.restart();
  auto const course = trial(plan(10, 10));
  EXPECT_EQ(course.error,
            fmt::format("unavailable: the coordinator at 127.0.0.1:{} can't be reached: Connection refused",
                        coordinator.endpoint().port()));
}

TEST_F(FleetTest, TheWrongTokenIsOneClearLine) {
  coordinator.fault = [](FakeRequest const&) {
    FakeFault fault;
    fault.kind = FakeFault::Kind::status;
    fault.status = 401;
    fault.body = R"({"error":{"kind":"rejected","detail":"unknown token"}})";
    return fault;
  };
  auto const course = trial(plan(10, 10));
  EXPECT_TRUE(course.error.starts_with("rejected: the coordinator at 127.0.0.1:")) << course.error;
  EXPECT_TRUE(course.error.ends_with("answers runner-1's heartbeat with 401: unknown token")) << course.error;
}

TEST_F(FleetTest, SomethingElseListeningIsOneClearLine) {
  coordinator.fault = [](FakeRequest const&) {
    FakeFault fault;
    fault.kind = FakeFault::Kind::garbage;
    return fault;
  };
  auto const course = trial(plan(10, 10));
  EXPECT_TRUE(course.error.ends_with("is no coordinator: the answer is not HTTP/1")) << course.error;
}

TEST_F(FleetTest, TooFewDescriptorsAreNamedBeforeAnythingStarts) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  int const too_many = static_cast<int>(std::min<rlim_t>(limit.rlim_max, 2'000'000));
  auto const course = trial(plan(too_many, 0));
  EXPECT_TRUE(course.error.starts_with(fmt::format("misconfigured: {} runners need ", too_many))) << course.error;
  EXPECT_NE(course.error.find(fmt::format("this process may open {}", limit.rlim_max)), std::string::npos);
}

class FleetInterrupted : public FleetTest, public testing::WithParamInterface<int> {};

TEST_P(FleetInterrupted, EndsSoonAndBalances) {
  make(plan(100, 500));
  Course course;
  asio::co_spawn(context, drive(course, seconds{30}), rethrow);
  Timer timer{context.get_executor(), clock.now() + milliseconds{GetParam()}};
  timer.async_wait([&](auto) { fleet->interrupt(); });
  TimePoint const begin = clock.now();
  while (!finished) context.run_one();
  EXPECT_LT(clock.now() - begin, Duration{seconds{3}});
  EXPECT_TRUE(recorder->books().balance());
  EXPECT_EQ(recorder->books().in_flight, 0U);
  EXPECT_EQ(errors(Operation::poll), 0U);
  EXPECT_EQ(fleet->live().parked, 0U);
}

INSTANTIATE_TEST_SUITE_P(AfterMs, FleetInterrupted, testing::Values(0, 1, 3, 40, 100, 300, 540, 560));

TEST_F(FleetTest, StoppedTwiceAtOnceIsStoppedOnce) {
  make(plan(50, 200));
  Course course;
  int stops = 0;
  asio::co_spawn(context, drive(course, seconds{10}), rethrow);
  Timer timer{context.get_executor(), clock.now() + milliseconds{200}};
  timer.async_wait([&](auto) {
    for (int i = 0; i < 2; ++i) asio::co_spawn(context, fleet->stop(), [&](std::exception_ptr) { ++stops; });
  });
  while (!finished || stops < 2) context.run_one();
  EXPECT_TRUE(recorder->books().balance());
}

TEST_F(FleetTest, OneSeedSubmitsTheSameRuns) {
  trial(plan(10, 100), milliseconds{100});
  auto const tail = [](RunId const& id) { return to_string(id).substr(15); };  // behind the wall clock's part
  std::vector<std::string> first;
  for (auto const& event : recorder->events())
    if (event.kind == EventKind::submitted) first.push_back(tail(event.run));
  finished = false;
  fleet.reset();
  trial(plan(10, 100), milliseconds{100});
  std::vector<std::string> second;
  for (auto const& event : recorder->events())
    if (event.kind == EventKind::submitted) second.push_back(tail(event.run));
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace assay
