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

}  // namespace
}  // namespace assay
