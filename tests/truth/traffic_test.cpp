// What a fleet sends when nothing happens, by arithmetic alone: N runners, hold H, heartbeat B make N/H + N/B requests
// a second. PR-007's 500 runners, 30 s and 60 s are 25.0/s; here everything is fifteen times faster.
#include "tests/truth/truth_trial.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay::truth {
namespace {

TEST(IdleTraffic, IsRunnersByHoldAndRunnersByHeartbeat) {
  constexpr int runners = 500;
  constexpr int faster = 15;
  auto trial = a_trial(runners, 0, milliseconds{1}, seconds{4});
  trial.scenario.fleet.hold = seconds{30} / faster;
  trial.scenario.fleet.heartbeat = seconds{60} / faster;
  std::string why_not;
  // Without arrivals there is nothing to be late with, and no latency that could have a trend.
  auto const measured = measure_validly(trial, {}, why_not);
  if (!why_not.empty()) GTEST_SKIP() << "Skipped: " << why_not;
  auto const& sent = measured.result.requests_per_minute;
  double const polls = sent.at("poll") / faster;
  double const heartbeats = sent.at("heartbeat") / faster;
  fmt::print(
      "at the modelled pace: {:.1f} polls and {:.1f} heartbeats a minute, {:.1f} together; truth 1000, 500, 1500\n",
      polls, heartbeats, polls + heartbeats);
  EXPECT_NEAR(polls, 1000, 20);
  EXPECT_NEAR(heartbeats, 500, 10);
  auto const modelled = modelled_requests_per_minute(trial.scenario.fleet, runners, 0, 0);
  double sum = 0;
  for (auto const& [kind, per_minute] : modelled) sum += per_minute;
  EXPECT_NEAR(sum / faster, 1500, 1);
}

}  // namespace
}  // namespace assay::truth
