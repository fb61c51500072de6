// Bounds for claims that share their bad moments: no narrower than for independent ones, and wide enough to hold the
// truth as often as they say.
#include "harness/assess/block_bootstrap.hpp"
#include "harness/assess/intervals.hpp"
#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

constexpr Duration measured = seconds{60};
constexpr Duration hold = seconds{4};

TEST(block_length, is_the_hold_where_ten_of_them_fit_and_else_a_tenth_of_the_phase) {
  EXPECT_EQ(block_length(seconds{600}, seconds{30}), Duration{seconds{30}});
  EXPECT_EQ(block_length(seconds{300}, seconds{30}), Duration{seconds{30}});
  EXPECT_EQ(block_length(seconds{40}, seconds{30}), Duration{seconds{4}});
}

// 20 samples a second. Every second has a luck of its own, which all of its samples share.
TimedSamples sample(Random random, bool dependent) {
  TimedSamples samples{measured, hold};
  double luck = 1;
  for (int i = 0; i < 1200; ++i) {
    if (i % 20 == 0) luck = dependent ? random.exponential(1.0) : 1;
    samples.record(i * milliseconds{50}, static_cast<std::int64_t>(1e6 * luck * random.exponential(1.0)));
  }
  return samples;
}

TEST(block_bootstrap, leaves_everything_but_the_bounds_alone_and_never_narrows_them) {
  for (bool const dependent : {false, true}) {
    auto const samples = sample(Random{5}, dependent);
    auto const plain = latency_figures(samples.histogram());
    auto const widened = samples.figures();
    EXPECT_EQ(widened.n, plain.n);
    EXPECT_EQ(widened.mean, plain.mean);
    EXPECT_EQ(widened.p99.value, plain.p99.value);
    for (auto const member : {&LatencyFigures::p50, &LatencyFigures::p95, &LatencyFigures::p99}) {
      EXPECT_LE(*(widened.*member).low, *(plain.*member).low);
      EXPECT_GE(*(widened.*member).high, *(plain.*member).high);
    }
    EXPECT_FALSE(widened.p999.high) << "1,200 samples bound no p99.9, however they are resampled";
  }
}

TEST(block_bootstrap, is_reproducible) {
  EXPECT_EQ(sample(Random{5}, true).figures().p95.high, sample(Random{5}, true).figures().p95.high);
}

TEST(block_bootstrap, two_bad_seconds_widen_the_bounds_to_their_own_values) {
  TimedSamples samples{measured, hold};
  for (int i = 0; i < 6000; ++i) samples.record(i * milliseconds{10}, i / 200 == 15 ? 80'000'000 : 1'000'000);
  auto const plain = latency_figures(samples.histogram());
  EXPECT_LT(*plain.p95.high, 2);  // 200 of 6,000 are bad, "certainly" less than 5 %
  EXPECT_GT(*samples.figures().p95.high, 79);
}

// A fixed seed: a coverage test with a drawn one fails one day. The truth is that of a product of two exponentials.
TEST(block_bootstrap, holds_the_truth_more_often_than_independence_would_have_it) {
  std::vector<double> truth;
  Random random{77};
  for (int i = 0; i < 1'000'000; ++i) truth.push_back(random.exponential(1.0) * random.exponential(1.0));
  auto const rank = truth.begin() + 900'000;
  std::nth_element(truth.begin(), rank, truth.end());

  int plain_misses = 0, misses = 0;
  constexpr int experiments = 200;
  for (std::uint64_t i = 0; i < experiments; ++i) {
    auto const samples = sample(Random::stream(78, "experiment", i), true);
    plain_misses += *latency_figures(samples.histogram()).p90.high < *rank;
    misses += *samples.figures().p90.high < *rank;
  }
  EXPECT_GT(plain_misses, experiments / 5) << "the samples of this test depend on each other";
  EXPECT_LT(misses, experiments * 0.12);
  EXPECT_LT(3 * misses, plain_misses * 2);
}

TEST(block_bootstrap, bears_few_samples_and_none) {
  TimedSamples nothing{measured, hold};
  EXPECT_EQ(nothing.figures().n, 0U);
  TimedSamples one{milliseconds{1}, hold};
  one.record(seconds{5}, 1'000'000);  // outside of the phase
  EXPECT_EQ(one.figures().n, 1U);
  EXPECT_NEAR(one.figures().p50.value, 1, 0.01);
}

}  // namespace
}  // namespace assay
