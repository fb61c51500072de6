#include "simulated_runners/generator.hpp"

#include "tests/unit/simulated_runners/fake_coordinator.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace assay {
namespace {

using Kind = RunEvent::Kind;

// The coordinator is on the test's own loop, which is also the one that the generator is asked from.
struct GeneratorTest : testing::Test {
  ~GeneratorTest() override { coordinator.stop(); }

  static FleetPlan plan(int runners, double runs_per_second) {
    FleetPlan plan;
    plan.fleet.hold = milliseconds{300};
    plan.fleet.heartbeat = milliseconds{300};
    plan.fleet.run_length = {DurationDistribution::Shape::exponential, milliseconds{20}, 1.0};
    plan.load.classes = {RunClass{}, RunClass{}};
    plan.runs_per_second = runs_per_second;
    plan.runners = runners;
    plan.seed = 4712;
    plan.warm_up = milliseconds{100};
    plan.measure = milliseconds{300};
    return plan;
  }

  void make(FleetPlan plan, int threads) {
    plan.coordinators = {coordinator.endpoint()};
    plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
    plan.submitter_token = make_submitter_token(plan.seed);
    plan.start = start = clock.now() + milliseconds{100};
    Window const window{start + plan.warm_up, start + plan.warm_up + plan.measure};
    generator.emplace(context, clock, plan, threads, window);
  }

  Awaitable<void> drive(Duration drain_for) {
    auto const connected = co_await generator->connect(clock.now() + seconds{10});
    if (!connected) error = to_string(connected.error());
    parked = co_await generator->snapshot();
    if (connected) {
      co_await generator->run();
      drained = co_await generator->drain(clock.now() + drain_for);
    }
    at_end = co_await generator->snapshot();
    claims = co_await generator->take_recent_claims();
    lateness = co_await generator->take_lateness();
    co_await generator->stop();
    finished = true;
  }

  // One whole trial.
  Recorder trial(FleetPlan wanted, int threads, Duration drain_for = seconds{20}) {
    make(std::move(wanted), threads);
    asio::co_spawn(context, drive(drain_for), [](std::exception_ptr problem) {
      if (problem) std::rethrow_exception(problem);
    });
    while (!finished) context.run_one();
    Recorder all = generator->take_recorder();
    EXPECT_TRUE(all.books().balance());
    EXPECT_EQ(all.books().in_flight, 0U);
    return all;
  }

  static std::uint64_t requests(Recorder const& recorder, Operation operation) {
    std::uint64_t sum = 0;
    for (auto const n : recorder.operation(operation).fates_total) sum += n;
    return sum;
  }

  asio::io_context context{1};
  SystemClock clock;
  FakeCoordinator coordinator{context};
  TimePoint start;
  std::optional<Generator> generator;
  std::string error;
  bool drained = false, finished = false;
  Generator::Snapshot parked, at_end;
  Histogram claims;
  LoopLateness lateness;
};

class GeneratorOnThreads : public GeneratorTest, public testing::WithParamInterface<int> {};

TEST_P(GeneratorOnThreads, DoesEveryRunOnceAndAddsUpWhatItsThreadsSaw) {
  Recorder const all = trial(plan(31, 500), GetParam());
  EXPECT_EQ(error, "");
  EXPECT_EQ(generator->threads(), static_cast<std::size_t>(GetParam()));
  EXPECT_EQ(parked.live.parked, 31U);
  EXPECT_TRUE(drained);

  auto const runs = coordinator.submitted.size();
  EXPECT_GT(runs, 100U);
  EXPECT_EQ(all.books().offered, runs);
  EXPECT_EQ(all.books().succeeded, runs);
  EXPECT_EQ(at_end.books, all.books());
  EXPECT_EQ(at_end.live.outstanding + at_end.live.held, 0U);
  EXPECT_EQ(at_end.live.completed, runs);
  EXPECT_EQ(coordinator.completions.size(), runs);
  for (auto const& [run, times] : coordinator.completions) EXPECT_EQ(times, 1) << to_string(run);
  // Also those that the thread of another submission received; each is told to the one that knows when it was due.
  EXPECT_EQ(claims.count(), static_cast<std::int64_t>(runs));

  // What arrived there was counted here; what was under way at the stop may not have arrived.
  EXPECT_EQ(requests(all, Operation::submit), static_cast<std::uint64_t>(coordinator.requests["submit"]));
  EXPECT_EQ(requests(all, Operation::report), static_cast<std::uint64_t>(coordinator.requests["report"]));
  EXPECT_GE(requests(all, Operation::poll), static_cast<std::uint64_t>(coordinator.requests["poll"]));
  EXPECT_GT(requests(all, Operation::heartbeat), 31U);  // more than one interval long
  EXPECT_GT(lateness.lateness.count(), GetParam() * 10);
  EXPECT_GT(lateness.watched, Duration{milliseconds{400}});

  TimePoint before = TimePoint::min();
  std::map<RunId, std::set<Kind>> lives;
  std::set<std::uint32_t> actors;
  for (auto const& event : all.events()) {
    EXPECT_GE(event.time, GetParam() > 1 ? before : TimePoint::min()) << "events are in the order of time";
    before = event.time;
    EXPECT_TRUE(lives[event.run].insert(event.kind).second) << to_string(event.kind);
    actors.insert(event.actor);
  }
  EXPECT_EQ(lives.size(), runs);
  for (auto const& [run, kinds] : lives) {
    EXPECT_EQ(kinds, (std::set{Kind::submitted, Kind::accepted, Kind::received, Kind::completed})) << to_string(run);
  }
  EXPECT_LE(*actors.rbegin(), 31U);
}

INSTANTIATE_TEST_SUITE_P(Threads, GeneratorOnThreads, testing::Values(1, 2, 3));

TEST_F(GeneratorTest, TheSameRunsComeAtTheSameMomentsOnHoweverManyThreads) {
  using Arrival = std::tuple<Duration, std::uint32_t, std::string>;  // due after the start, class, id
  auto const arrivals = [&](int threads) {
    finished = false;
    Recorder const all = trial(plan(20, 300), threads, milliseconds{10});  // whether they get done is no matter
    std::set<Arrival> found;
    for (auto const& event : all.events()) {
      auto const id = to_string(event.run).substr(15);  // behind the wall clock's part
      if (event.kind == Kind::submitted) found.insert({event.since - start, event.run_class, id});
    }
    return found;
  };
  auto const by_one = arrivals(1);
  EXPECT_GT(by_one.size(), 50U);
  EXPECT_EQ(arrivals(2), by_one);
  EXPECT_EQ(arrivals(5), by_one);
}

TEST_F(GeneratorTest, HasNoMoreThreadsThanRunners) {
  trial(plan(2, 50), 8);
  EXPECT_EQ(generator->threads(), 2U);
  EXPECT_TRUE(drained);
}

TEST_F(GeneratorTest, ADrainThatDoesNotComeToAnEndIsCutOff) {
  auto wanted = plan(10, 200);
  wanted.fleet.run_length = {DurationDistribution::Shape::constant, std::chrono::hours{1}, 1.0};
  Recorder const all = trial(wanted, 2, milliseconds{50});
  EXPECT_FALSE(drained);
  EXPECT_EQ(at_end.live.parked, 0U);
  std::size_t abandoned = 0;
  for (auto const& event : all.events()) abandoned += event.kind == Kind::abandoned ? 1U : 0U;
  EXPECT_EQ(abandoned, 10U) << "what the runners held";
}

TEST_F(GeneratorTest, SaysWhyItCannotConnect) {
  coordinator.stop();
  trial(plan(10, 100), 2);
  EXPECT_TRUE(error.starts_with("unavailable: the coordinator at 127.0.0.1:")) << error;
}

class GeneratorInterrupted : public GeneratorTest, public testing::WithParamInterface<int> {};

TEST_P(GeneratorInterrupted, EndsSoonAndBalances) {
  Timer timer{context.get_executor(), clock.now() + milliseconds{GetParam()}};
  timer.async_wait([&](auto) { generator->interrupt(); });
  trial(plan(60, 400), 3);  // checks the books
  EXPECT_FALSE(drained);
  EXPECT_EQ(at_end.live.parked, 0U);
}

INSTANTIATE_TEST_SUITE_P(AfterMs, GeneratorInterrupted, testing::Values(0, 5, 110, 300, 500));

}  // namespace
}  // namespace assay
