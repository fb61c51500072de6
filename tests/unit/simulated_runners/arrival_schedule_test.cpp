#include "simulated_runners/arrival_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

std::vector<Duration> all(ArrivalSchedule schedule) {
  std::vector<Duration> arrivals;
  while (auto const offset = schedule.next()) arrivals.push_back(*offset);
  EXPECT_EQ(schedule.next(), std::nullopt) << "an exhausted schedule stays exhausted";
  return arrivals;
}

std::vector<Duration> arrivals_of(LoadProfile const& profile, LoadSpec::Arrivals kind, std::uint64_t seed) {
  return all({profile, {kind, Random::stream(seed, "arrivals")}});
}

LoadProfile steady(double rate, Duration measure) { return {{}, rate, Duration{0}, measure}; }

// The largest distance between the empirical distribution of `values` and the exponential one of this mean, times √n
// (Kolmogorov 1933). Above 1.95 in 1 of 1,000 fair samples.
double kolmogorov_smirnov(std::vector<double> values, double mean) {
  std::sort(values.begin(), values.end());
  double distance = 0;
  auto const n = static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    double const truth = 1 - std::exp(-values[i] / mean);
    distance = std::max({distance, truth - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - truth});
  }
  return distance * std::sqrt(n);
}

TEST(ArrivalSchedule, EvenArrivalsAreExactInNumberAndSpacing) {
  LoadProfile const profile{{}, 100, seconds{5}, seconds{40}};
  auto const arrivals = arrivals_of(profile, LoadSpec::Arrivals::even, 1);
  ASSERT_EQ(arrivals.size(), 4500U);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    ASSERT_NEAR(to_us(arrivals[i]), (static_cast<double>(i) + 0.5) * 10'000, 0.01);
  }
  auto const warming = std::count_if(arrivals.begin(), arrivals.end(), [](Duration at) { return at < seconds{5}; });
  EXPECT_EQ(warming, 500);
}

TEST(ArrivalSchedule, PoissonGapsAreExponential) {
  for (std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    auto const arrivals = arrivals_of(steady(1000, seconds{20}), LoadSpec::Arrivals::poisson, seed);
    std::vector<double> gaps;
    Duration before{0};
    for (Duration at : arrivals) gaps.push_back(to_seconds(at - std::exchange(before, at)));
    EXPECT_LT(kolmogorov_smirnov(gaps, 1.0 / 1000), 1.95) << "seed " << seed;
  }
}

TEST(ArrivalSchedule, PoissonCountsHaveTheVarianceOfTheirMean) {
  double sum = 0, squares = 0;
  constexpr int trials = 400;
  for (std::uint64_t seed = 1; seed <= trials; ++seed) {
    auto const n = static_cast<double>(arrivals_of(steady(100, seconds{1}), LoadSpec::Arrivals::poisson, seed).size());
    sum += n;
    squares += n * n;
  }
  double const mean = sum / trials;
  double const variance = squares / trials - mean * mean;
  EXPECT_NEAR(mean, 100, 3 * 10 / std::sqrt(trials));
  EXPECT_NEAR(variance, 100, 3 * 100 * std::sqrt(2.0 / trials)) << "seeds 1 to " << trials;
}

TEST(ArrivalSchedule, PoissonFollowsTheProfile) {
  LoadProfileSpec spec;
  spec.shape = LoadProfileSpec::Shape::burst;
  spec.every = seconds{10};
  spec.lasting = seconds{2};
  spec.factor = 10;
  LoadProfile const profile{spec, 100, seconds{5}, seconds{40}};
  auto const arrivals = arrivals_of(profile, LoadSpec::Arrivals::poisson, 7);
  for (Duration from{0}; from < profile.end(); from += seconds{1}) {
    auto const within = std::count_if(arrivals.begin(), arrivals.end(),
                                      [&](Duration at) { return at >= from && at < from + seconds{1}; });
    double const expected = profile.expected_by(from + seconds{1}) - profile.expected_by(from);
    ASSERT_NEAR(static_cast<double>(within), expected, 4.5 * std::sqrt(expected)) << "second " << to_seconds(from);
  }
}

TEST(ArrivalSchedule, NeverGoesBackAndEndsBeforeTheProfileDoes) {
  for (auto kind : {LoadSpec::Arrivals::even, LoadSpec::Arrivals::poisson}) {
    auto const arrivals = arrivals_of(steady(5000, seconds{2}), kind, 3);
    EXPECT_TRUE(std::is_sorted(arrivals.begin(), arrivals.end()));
    EXPECT_LT(arrivals.back(), Duration{seconds{2}});
  }
}

TEST(ArrivalSchedule, OneSeedIsOneSchedule) {
  auto const profile = steady(500, seconds{2});
  EXPECT_EQ(arrivals_of(profile, LoadSpec::Arrivals::poisson, 11),
            arrivals_of(profile, LoadSpec::Arrivals::poisson, 11));
  EXPECT_NE(arrivals_of(profile, LoadSpec::Arrivals::poisson, 11),
            arrivals_of(profile, LoadSpec::Arrivals::poisson, 12));
}

TEST(ArrivalSchedule, WithoutLoadThereIsNone) {
  EXPECT_TRUE(arrivals_of(steady(0, seconds{10}), LoadSpec::Arrivals::poisson, 1).empty());
  EXPECT_TRUE(arrivals_of(steady(0, seconds{10}), LoadSpec::Arrivals::even, 1).empty());
}

}  // namespace
}  // namespace assay
