// Every guard of docs/method.md can fail, alone, and then no trial is valid whatever its latencies say; and what was
// not measured passes for nothing.
#include "harness/assess/guards.hpp"

#include "harness/assess/objectives.hpp"
#include "tests/unit/assess/a_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace assay {
namespace {

using State = Guard::State;

struct GuardCase {
  std::string name;
  std::function<void(InstrumentFigures&)> just_well, just_not, unmeasured;
};

void PrintTo(GuardCase const& guard, std::ostream* out) { *out << guard.name; }

template <class Member, class Value>
GuardCase guard_case(std::string name, Member InstrumentFigures::*figure, Value just_well, Value just_not) {
  return {std::move(name), [=](auto& f) { f.*figure = just_well; }, [=](auto& f) { f.*figure = just_not; },
          [=](auto& f) { f.*figure = {}; }};
}

Guard const& named(std::vector<Guard> const& guards, std::string const& name) {
  for (auto const& guard : guards) {
    if (guard.name == name) return guard;
  }
  throw std::out_of_range{name};
}

class EachGuard : public testing::TestWithParam<GuardCase> {};

TEST_P(EachGuard, FailsJustBeyondItsBoundAndAlone) {
  auto figures = good_instrument();
  GetParam().just_well(figures);
  for (auto const& guard : judge_instrument(figures)) EXPECT_EQ(guard.state, State::passed) << guard.name;
  GetParam().just_not(figures);
  for (auto const& guard : judge_instrument(figures)) {
    EXPECT_EQ(guard.state, guard.name == GetParam().name ? State::failed : State::passed) << guard.name;
  }
}

TEST_P(EachGuard, MakesATrialInvalidWhateverItsLatenciesSay) {
  auto trial = a_trial();
  ASSERT_TRUE(trial.valid());
  auto figures = good_instrument();
  GetParam().just_not(figures);
  trial.guards = judge_instrument(figures);
  EXPECT_FALSE(trial.valid());
  EXPECT_THAT(why_not_judged(trial), testing::HasSubstr(GetParam().name));
}

TEST_P(EachGuard, IsNotPassedByWhatWasNotMeasured) {
  auto figures = good_instrument();
  GetParam().unmeasured(figures);
  EXPECT_EQ(named(judge_instrument(figures), GetParam().name).state, State::not_available);
}

HalvesComparison halves(double certain_change_ms) {
  return {.first = 2, .second = 4, .change = {.value = 2, .low = certain_change_ms, .high = 3}};
}

INSTANTIATE_TEST_SUITE_P(
    Method, EachGuard,
    testing::Values(guard_case("achieved_rate", &InstrumentFigures::achieved_share, 0.99, 0.9899),
                    guard_case("generator_cpu", &InstrumentFigures::generator_cpu_share, 0.80, 0.801),
                    guard_case("schedule_lag", &InstrumentFigures::schedule_lag_p99_ms, 1.0, 1.01),
                    guard_case("loop_stalls", &InstrumentFigures::loop_stalls_per_minute, 1.0, 1.1),
                    guard_case("books", &InstrumentFigures::books_balance, true, false),
                    guard_case("steal", &InstrumentFigures::steal_share, 0.02, 0.021),
                    guard_case("cpu_pressure", &InstrumentFigures::cpu_pressure_share, 0.90, 0.91),
                    guard_case("memory_pressure", &InstrumentFigures::memory_pressure_share, 0.02, 0.021),
                    guard_case("throttled", &InstrumentFigures::throttled_share, 0.02, 0.021),
                    guard_case("descriptors", &InstrumentFigures::descriptors_share, 0.90, 0.91),
                    guard_case("ports", &InstrumentFigures::ports_share, 0.80, 0.81),
                    guard_case("out_of_range", &InstrumentFigures::out_of_range, std::uint64_t{0}, std::uint64_t{1}),
                    guard_case("clock_error", &InstrumentFigures::clock_error_ms, 500.0, 501.0),
                    guard_case("stationary", &InstrumentFigures::dispatch_halves, halves(1.0), halves(1.01))),
    [](auto const& guard) { return guard.param.name; });

TEST(guards, are_all_tried_here) {
  std::vector<std::string> names;
  for (auto const& guard : judge_instrument(good_instrument())) names.push_back(guard.name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("achieved_rate", "generator_cpu", "schedule_lag", "loop_stalls", "books",
                                            "steal", "cpu_pressure", "memory_pressure", "throttled", "descriptors",
                                            "ports", "out_of_range", "clock_error", "stationary"));
}

TEST(guards, of_which_five_are_essential_and_none_passes_unmeasured) {
  std::vector<std::string> essential;
  for (auto const& guard : judge_instrument({})) {
    EXPECT_EQ(guard.state, State::not_available) << guard.name;
    if (is_essential(guard.name)) essential.push_back(guard.name);
  }
  EXPECT_THAT(essential,
              testing::UnorderedElementsAre("achieved_rate", "generator_cpu", "schedule_lag", "loop_stalls", "books"));
}

TEST(guards, take_the_lag_for_small_only_beside_what_it_delays) {
  auto figures = good_instrument();
  figures.schedule_lag_p99_ms = 4.9;
  figures.dispatch_p99_ms = 100;
  EXPECT_EQ(named(judge_instrument(figures), "schedule_lag").state, State::passed);
  figures.dispatch_p99_ms = 90;
  EXPECT_EQ(named(judge_instrument(figures), "schedule_lag").state, State::failed);
}

TEST(guards, are_not_listed_where_they_say_nothing) {
  auto figures = good_instrument();
  figures.in_process = true;
  figures.scheduled = false;
  figures.generator_cpu_share = figures.cpu_pressure_share = 1;
  figures.schedule_lag_p99_ms.reset();
  std::vector<std::string> names;
  for (auto const& guard : judge_instrument(figures)) {
    names.push_back(guard.name);
    EXPECT_NE(guard.state, State::failed) << guard.name;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"achieved_rate", "books", "steal", "stationary"}));
  EXPECT_THAT(
      names,
      testing::Not(testing::Contains(testing::AnyOf("generator_cpu", "cpu_pressure", "loop_stalls", "schedule_lag"))));
}

TEST(guards, find_a_trend_that_goes_down_too) {
  auto figures = good_instrument();
  figures.dispatch_halves = HalvesComparison{.first = 4, .second = 1, .change = {.value = -3, .low = -4, .high = -2}};
  EXPECT_EQ(named(judge_instrument(figures), "stationary").state, State::failed);
}

TEST(guards, let_only_the_same_clock_pass_where_no_bound_says_what_matters) {
  auto figures = good_instrument();
  figures.gate_ms.reset();
  EXPECT_EQ(named(judge_instrument(figures), "clock_error").state, State::passed);
  figures.clock_error_ms = 0.1;
  EXPECT_EQ(named(judge_instrument(figures), "clock_error").state, State::failed);
}

TEST(guards, fail_on_what_is_not_a_number) {
  auto figures = good_instrument();
  figures.steal_share = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(named(judge_instrument(figures), "steal").state, State::failed);
}

}  // namespace
}  // namespace assay
