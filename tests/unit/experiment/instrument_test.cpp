// From what was observed to what the guards are asked: each figure comes from where docs/method.md says, over the
// measured phase. Whether it is good enough is tests/unit/assess/guards_test.cpp's.
#include "harness/experiment/instrument.hpp"

#include "harness/experiment/assessment_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr TimePoint begin{seconds{1000}};
constexpr double measured_s = 10;

// A trial on a quiet machine; every test spoils one thing.
struct InstrumentTest : testing::Test {
  InstrumentTest() {
    evidence.plan.scenario = &scenario;
    evidence.recorder.emplace(Window{begin, begin + seconds{10}});
    evidence.measure_begin = begin;
    evidence.measure_end = begin + seconds{10};
    evidence.loop.watched = seconds{10};
    HostStats quiet;
    quiet.cpu = HostStats::Cpu{seconds{100}, seconds{100}, Duration{}};
    quiet.cpu_pressure = quiet.memory_pressure = HostStats::Pressure{seconds{5}, std::nullopt};
    quiet.throttling = HostStats::Throttling{0, 0, seconds{1}};
    evidence.host_begin = quiet;
    quiet.cpu = HostStats::Cpu{seconds{105}, seconds{115}, Duration{}};
    evidence.host_end = quiet;
    evidence.begin.emplace();
    evidence.end.emplace();
    result.measured_s = measured_s;
    result.books = {.offered = 100, .started = 100, .succeeded = 100, .balance = true};
    result.schedule_lag.n = result.dispatch_latency.n = 100;
    result.schedule_lag.p99.value = 0.1;
    result.dispatch_latency.p99.value = 2;
    result.generator.available = true;
    result.generator.cpu_cores_mean = 0.1;
    answered(begin + seconds{1}, Duration{});
  }

  // A question to the coordinator that took 2 ms, by a clock that is off by `skew`.
  void answered(TimePoint asked, Duration skew) {
    auto& sample = evidence.samples.emplace_back();
    sample.stats_asked = asked;
    sample.stats_answered = asked + milliseconds{2};
    sample.stats.emplace();
    sample.stats->taken_at = asked + milliseconds{1} + skew;
  }

  std::vector<std::string> failed(std::uint64_t out_of_range = 0) const {
    std::vector<std::string> names;
    for (auto const& guard : guards_of(evidence, result, splits, out_of_range)) {
      if (guard.state == Guard::State::failed) names.push_back(guard.name);
    }
    return names;
  }

  Scenario scenario;
  Evidence evidence;
  TrialResult result;
  std::vector<ClaimSplit> splits;
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(InstrumentTest, AQuietMachineFailsNothing) { EXPECT_THAT(failed(), IsEmpty()); }

TEST_F(InstrumentTest, ArrivalsThatWereNotStarted) {
  result.books.started = 98;
  EXPECT_THAT(failed(), ElementsAre("achieved_rate"));
}

TEST_F(InstrumentTest, AGeneratorThatHadNoCoreToSpare) {
  result.generator.cpu_cores_mean = 0.95;
  EXPECT_THAT(failed(), ElementsAre("generator_cpu"));
}

TEST_F(InstrumentTest, SubmissionsThatLeftLate) {
  result.schedule_lag.p99.value = 1.5;
  EXPECT_THAT(failed(), ElementsAre("schedule_lag"));
}

TEST_F(InstrumentTest, ALoopThatStoodStill) {
  evidence.loop.stalls = 1;  // in ten seconds: six a minute
  evidence.loop.longest = seconds{1};
  EXPECT_THAT(failed(), ElementsAre("loop_stalls"));
}

TEST_F(InstrumentTest, BooksThatDontBalance) {
  result.books.balance = false;
  EXPECT_THAT(failed(), ElementsAre("books"));
}

TEST_F(InstrumentTest, TimeThatTheHypervisorTook) {
  evidence.host_end->cpu = HostStats::Cpu{seconds{105}, seconds{114}, seconds{1}};  // a second of twenty
  EXPECT_THAT(failed(), ElementsAre("steal"));
}

TEST_F(InstrumentTest, TasksThatStoodInLineForACpu) {
  evidence.host_end->cpu_pressure->some += milliseconds{9500};
  EXPECT_THAT(failed(), ElementsAre("cpu_pressure"));
}

TEST_F(InstrumentTest, TasksThatWaitedForMemory) {
  evidence.host_end->memory_pressure->some += milliseconds{300};
  EXPECT_THAT(failed(), ElementsAre("memory_pressure"));
}

TEST_F(InstrumentTest, AQuotaThatRanOut) {
  evidence.host_end->throttling->throttled += milliseconds{300};
  EXPECT_THAT(failed(), ElementsAre("throttled"));
}

TEST_F(InstrumentTest, DescriptorsThatRanShort) {
  auto const limit = read_host_facts().descriptors;
  if (!limit) GTEST_SKIP() << "this machine has no limit";
  result.coordinator.descriptors_max = 0.95 * static_cast<double>(*limit);
  EXPECT_THAT(failed(), ElementsAre("descriptors"));
}

TEST_F(InstrumentTest, LocalPortsThatRanShort) {
  auto const ports = read_host_facts().ephemeral_ports;
  if (!ports) GTEST_SKIP() << "this machine does not say which ports it has";
  evidence.end->fleet.connections_opened = static_cast<std::uint64_t>(0.9 * ports->count());
  EXPECT_THAT(failed(), ElementsAre("ports"));
  evidence.end->fleet.source_addresses = 2;
  EXPECT_THAT(failed(), IsEmpty());
}

TEST_F(InstrumentTest, LatenciesThatNoHistogramHolds) { EXPECT_THAT(failed(1), ElementsAre("out_of_range")); }

TEST_F(InstrumentTest, AClockThatIsOffEitherWay) {
  scenario.objectives = {{.metric = "claim_latency", .statistic = "p99", .bound = 250}};
  answered(begin + seconds{2}, milliseconds{20});
  EXPECT_THAT(failed(), IsEmpty()) << "within a tenth of the bound";
  answered(begin + seconds{3}, milliseconds{80});
  EXPECT_THAT(failed(), ElementsAre("clock_error"));
  evidence.samples.pop_back();
  answered(begin + seconds{3}, -milliseconds{80});
  EXPECT_THAT(failed(), ElementsAre("clock_error"));
}

// Twice as slow in the second half.
TEST_F(InstrumentTest, ALatencyWithATrend) {
  evidence.measure_end = begin + seconds{40};
  evidence.recorder.emplace(Window{begin, evidence.measure_end});
  for (int i = 0; i < 400; ++i) {
    ClaimSplit split;
    split.created = begin + milliseconds{100} * i;
    split.dispatch = split.claim = i < 200 ? milliseconds{4} : milliseconds{8};
    splits.push_back(split);
  }
  EXPECT_THAT(failed(), ElementsAre("stationary"));
}

TEST(exit_status, is_4_for_a_trial_that_cannot_be_trusted_or_whose_backlog_grew) {
  Assessment assessment;
  assessment.verdict.decision = Decision::not_needed;
  auto& trial = assessment.trials.emplace_back();
  trial.books.balance = true;
  EXPECT_EQ(exit_status_of(assessment), ExitStatus::pass);
  trial.stable = false;
  EXPECT_EQ(exit_status_of(assessment), ExitStatus::inconclusive);
  trial.stable = true;
  trial.guards = {{.name = "steal", .state = Guard::State::failed}};
  EXPECT_EQ(exit_status_of(assessment), ExitStatus::inconclusive);
  trial.ledger.lost = 1;
  EXPECT_EQ(exit_status_of(assessment), ExitStatus::invariant_broken);
}

}  // namespace
}  // namespace assay
