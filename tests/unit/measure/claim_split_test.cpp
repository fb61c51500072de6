#include "harness/measure/claim_split.hpp"

#include <gtest/gtest.h>

#include <map>

#include "harness/base/random.hpp"

namespace assay {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) { return TimePoint{1h} + since_start; }

class Trial {
 public:
  explicit Trial(std::vector<RunClass> classes = {RunClass{}}, std::vector<RunnerKind> kinds = {RunnerKind{}})
      : classes_{std::move(classes)}, kinds_{std::move(kinds)} {}

  std::uint32_t runner(std::uint32_t kind = 0) {
    kind_of_actor_.push_back(kind);
    return static_cast<std::uint32_t>(kind_of_actor_.size() - 1);
  }

  RunId created(Duration when, std::uint32_t run_class = 0) {
    RunId const id = make_run_id(1, random_);
    events_.push_back(
        {.time = at(when), .kind = RunEvent::Kind::submitted, .run = id, .run_class = run_class, .since = at(when)});
    events_.push_back({.time = at(when), .kind = RunEvent::Kind::accepted, .run = id});
    return id;
  }

  void completed(RunId id, std::uint32_t runner, Duration when) {
    events_.push_back({.time = at(when), .kind = RunEvent::Kind::completed, .run = id, .actor = runner});
  }

  void received(RunId id, std::uint32_t runner, Duration free_since, Duration when, int attempt = 1) {
    events_.push_back({.time = at(when),
                       .kind = RunEvent::Kind::received,
                       .run = id,
                       .actor = runner,
                       .attempt = attempt,
                       .since = at(free_since)});
  }

  std::map<RunId, ClaimSplit> split(Duration end = 1h) {
    std::map<RunId, ClaimSplit> result;
    for (auto const& one : split_claims(events_, classes_, kinds_, kind_of_actor_, at(end))) result[one.run] = one;
    return result;
  }

 private:
  Random random_{1};
  std::vector<RunClass> classes_;
  std::vector<RunnerKind> kinds_;
  std::vector<std::uint32_t> kind_of_actor_{0};  // entry 0: the submitters
  std::vector<RunEvent> events_;
};

TEST(claim_split, with_a_runner_parked_all_of_it_is_dispatch) {
  Trial trial;
  auto const run = trial.created(10s);
  trial.received(run, trial.runner(), 2s, 10s + 7ms);
  auto const split = trial.split().at(run);
  EXPECT_EQ(split.claim, 7ms);
  EXPECT_EQ(split.dispatch, 7ms);
  EXPECT_EQ(split.shortage, 0ms);
}

TEST(claim_split, waiting_for_a_runner_to_become_free_is_shortage) {
  Trial trial;
  auto const run = trial.created(10s);
  trial.received(run, trial.runner(), 14s, 14s + 3ms);
  auto const split = trial.split().at(run);
  EXPECT_EQ(split.dispatch, 3ms);
  EXPECT_EQ(split.shortage, 4s);
}

TEST(claim_split, a_coordinator_that_overlooks_a_parked_runner_is_not_excused_by_a_later_one) {
  // Runner 0 is parked all along and ends up with the second run; the first run is given to runner 1, who parks 3 s
  // later.
  Trial trial;
  auto const early = trial.runner();
  auto const late = trial.runner();
  auto const first = trial.created(10s);
  auto const second = trial.created(20s);
  trial.received(first, late, 13s, 13s + 1ms);
  trial.received(second, early, 0s, 20s + 1ms);
  EXPECT_EQ(trial.split().at(first).dispatch, 3s + 1ms);
}

TEST(claim_split, one_parked_runner_serves_one_of_five_simultaneous_runs) {
  Trial trial;
  auto const only = trial.runner();
  std::vector<RunId> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(trial.created(10s));
  for (int i = 0; i < 5; ++i) {
    Duration const free = i == 0 ? Duration{0} : 10s + i * 1s;
    trial.received(runs[static_cast<std::size_t>(i)], only, free, std::max<Duration>(10s, free) + 2ms);
  }
  auto const split = trial.split();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(split.at(runs[static_cast<std::size_t>(i)]).dispatch, 2ms) << i;
    EXPECT_EQ(split.at(runs[static_cast<std::size_t>(i)]).shortage, i * 1s) << i;
  }
}

TEST(claim_split, only_eligible_runners_count) {
  Trial trial{{RunClass{.tags = {"gpu"}}, RunClass{}}, {RunnerKind{.tags = {"gpu"}}, RunnerKind{}}};
  auto const gpu = trial.runner(0);
  auto const plain = trial.runner(1);
  auto const wants_gpu = trial.created(10s, 0);
  auto const wants_nothing = trial.created(30s, 1);
  trial.received(wants_gpu, gpu, 15s, 15s + 4ms);  // the plain runner parked since 0 s could not take it
  trial.received(wants_nothing, plain, 0s, 30s + 5ms);
  EXPECT_EQ(trial.split().at(wants_gpu).shortage, 5s);
  EXPECT_EQ(trial.split().at(wants_gpu).dispatch, 4ms);
  EXPECT_EQ(trial.split().at(wants_nothing).dispatch, 5ms);
}

TEST(claim_split, the_second_attempt_does_not_count) {
  Trial trial;
  auto const runner = trial.runner();
  auto const run = trial.created(10s);
  trial.received(run, runner, 2s, 10s + 1ms, 1);
  trial.received(run, runner, 40s, 60s, 2);
  EXPECT_EQ(trial.split().at(run).claim, 1ms);
}

TEST(claim_split, a_run_that_nobody_received_keeps_its_age) {
  Trial trial;
  auto const run = trial.created(10s);
  auto const split = trial.split(25s).at(run);
  EXPECT_FALSE(split.delivered);
  EXPECT_EQ(split.claim, 15s);
  EXPECT_EQ(split.shortage, 15s);  // there is no runner at all
}

TEST(claim_split, a_run_that_nobody_received_while_a_runner_was_free_is_the_coordinators_fault) {
  Trial trial;
  auto const runner = trial.runner();
  auto const first = trial.created(5s);
  trial.received(first, runner, 0s, 5s);
  trial.completed(first, runner, 12s);
  auto const lost = trial.created(10s);
  auto const split = trial.split(25s).at(lost);
  EXPECT_EQ(split.shortage, 2s);   // until the runner became free
  EXPECT_EQ(split.dispatch, 13s);  // and from then on
}

// Against the order statistics: with one class the k-th hand-out of a coordinator that costs nothing is at max(C_k,
// P_k).
TEST(claim_split, agrees_with_the_order_statistics_for_one_class) {
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE(seed);
  Random random{seed};
  for (int round = 0; round < 200; ++round) {
    Trial trial;
    std::vector<Duration> created, free;
    std::vector<RunId> runs;
    int const n = 1 + static_cast<int>(random.below(40));
    for (int i = 0; i < n; ++i) created.push_back(Duration{static_cast<std::int64_t>(random.below(10'000'000))});
    for (int i = 0; i < n; ++i) free.push_back(Duration{static_cast<std::int64_t>(random.below(10'000'000))});
    std::sort(created.begin(), created.end());
    std::sort(free.begin(), free.end());
    for (int i = 0; i < n; ++i) runs.push_back(trial.created(created[static_cast<std::size_t>(i)]));
    Duration total_shortage{};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      Duration const ideal = std::max(created[i], free[i]);
      trial.received(runs[i], trial.runner(), free[i], ideal + 1us);
      total_shortage += ideal - created[i];
    }
    Duration shortage{};
    for (auto const& [run, split] : trial.split()) {
      EXPECT_EQ(split.dispatch, 1us);
      shortage += split.shortage;
    }
    EXPECT_EQ(shortage, total_shortage);
  }
}

// An orchestrator's poll, due at 10.9 s, brought what was created at 10.2 s while a place was free.
TEST(claim_split, the_wait_for_an_orchestrators_poll_is_dispatch_and_told_apart) {
  std::vector<RunEvent> events;
  RunId run;
  run.bytes[0] = 1;
  events.push_back({.time = at(10'200ms), .kind = RunEvent::Kind::submitted, .run = run, .since = at(10'200ms)});
  events.push_back({.time = at(10'200ms), .kind = RunEvent::Kind::accepted, .run = run});
  events.push_back({.time = at(10'903ms),
                    .kind = RunEvent::Kind::received,
                    .run = run,
                    .actor = 1,
                    .attempt = 1,
                    .since = at(0s),
                    .asked = at(10'900ms)});
  auto const split = split_claims(events, {RunClass{}}, {RunnerKind{}}, {0, 0}, at(1h), 5).at(0);
  EXPECT_EQ(split.dispatch, 703ms);
  EXPECT_EQ(split.poll_wait, 700ms);
  EXPECT_EQ(split.shortage, 0ms);
}

// Of two places one works until the end and the other was free all along: what nobody received could have been taken.
TEST(claim_split, a_free_place_of_a_busy_orchestrator_excuses_nobody) {
  auto const split_with = [](int places) {
    std::vector<RunEvent> events;
    RunId taken, left;
    taken.bytes[0] = 1;
    left.bytes[0] = 2;
    for (auto const& [run, when] : {std::pair{taken, 10s}, std::pair{left, 20s}}) {
      events.push_back({.time = at(when), .kind = RunEvent::Kind::submitted, .run = run, .since = at(when)});
      events.push_back({.time = at(when), .kind = RunEvent::Kind::accepted, .run = run});
    }
    ClaimToken const token{1, 1};
    events.push_back({.time = at(11s),
                      .kind = RunEvent::Kind::received,
                      .run = taken,
                      .actor = 1,
                      .attempt = 1,
                      .token = token,
                      .since = at(0s)});
    events.push_back({.time = at(60s), .kind = RunEvent::Kind::abandoned, .run = taken, .actor = 1, .token = token});
    for (auto const& one : split_claims(events, {RunClass{}}, {RunnerKind{}}, {0, 0}, at(60s), places))
      if (one.run == left) return one;
    return ClaimSplit{};
  };
  EXPECT_EQ(split_with(2).dispatch, 40s);
  EXPECT_EQ(split_with(1).shortage, 40s) << "the only place was taken";
}

}  // namespace
}  // namespace assay
