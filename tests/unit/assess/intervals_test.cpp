#include "harness/assess/intervals.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace assay {
namespace {

Histogram milliseconds(std::initializer_list<std::pair<int, int>> value_and_count) {
  Histogram histogram;
  for (auto [ms, count] : value_and_count) histogram.record(ms * 1'000'000LL, count);
  return histogram;
}

TEST(samples_needed, are_those_of_the_method) {
  EXPECT_EQ(samples_needed(0.99, 0), 299U);
  EXPECT_EQ(samples_needed(0.99, 1), 473U);
  EXPECT_EQ(samples_needed(0.99, 2), 628U);
  EXPECT_EQ(samples_needed(0.99, 3), 773U);
  EXPECT_EQ(samples_needed(0.95, 0), 59U);
  EXPECT_EQ(samples_needed(0.95, 1), 93U);
  EXPECT_EQ(samples_needed(0.95, 2), 124U);
  EXPECT_EQ(samples_needed(0.95, 3), 153U);
  EXPECT_EQ(samples_needed(0.999, 0), 2995U);
}

TEST(quantile_bound, p99_below_the_limit_needs_exactly_those_samples) {
  struct Case {
    double q;
    int over, n;
  };
  for (auto [q, over, n] :
       {Case{0.99, 0, 299}, Case{0.99, 1, 473}, Case{0.99, 2, 628}, Case{0.99, 3, 773}, Case{0.95, 0, 59},
        Case{0.95, 1, 93}, Case{0.95, 2, 124}, Case{0.95, 3, 153}, Case{0.999, 0, 2995}}) {
    auto const below_5s = [&](int samples) {
      auto const high = quantile_ms(milliseconds({{10, samples - over}, {8000, over}}), q).high;
      return high && *high < 5000;
    };
    EXPECT_TRUE(below_5s(n)) << q << " with " << over << " over";
    EXPECT_FALSE(below_5s(n - 1)) << q << " with " << over << " over";
  }
}

TEST(quantile_bound, is_absent_where_n_is_too_small) {
  auto const figures = latency_figures(milliseconds({{10, 100}}));
  EXPECT_TRUE(figures.p95.high);
  EXPECT_FALSE(figures.p99.high);
  EXPECT_FALSE(figures.p999.high);
  EXPECT_TRUE(figures.p99.low);
}

TEST(quantile_bound, of_values_beyond_the_range_is_open_above) {
  Histogram histogram;
  histogram.record(1'000'000, 900);
  histogram.record(4'000'000'000'000'000, 100);  // longer than an hour
  auto const p99 = quantile_ms(histogram, 0.99);
  EXPECT_FALSE(p99.high);
  ASSERT_TRUE(p99.low);
  EXPECT_NEAR(*p99.low, 3'600'000, 3'600);
  EXPECT_TRUE(quantile_ms(histogram, 0.5).high);
}

TEST(quantile_bound, encloses_the_value_and_uses_nearest_rank) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(i * 1'000'000LL);
  auto const figures = latency_figures(histogram);
  EXPECT_EQ(figures.n, 1000U);
  EXPECT_NEAR(figures.p50.value, 500, 0.5);
  EXPECT_NEAR(figures.p99.value, 990, 1);
  EXPECT_NEAR(figures.max, 1000, 1);
  EXPECT_NEAR(figures.mean, 500.5, 0.5);
  EXPECT_LT(*figures.p99.low, figures.p99.value);
  EXPECT_GT(*figures.p99.high, figures.p99.value);
}

TEST(latency_figures, of_nothing_say_so) { EXPECT_EQ(latency_figures(Histogram{}).n, 0U); }

// The promise of a one-sided 95 % bound: over many experiments the truth is beyond it in at most 5 % of them.
TEST(quantile_bound, covers_the_true_quantile_in_95_of_100_experiments) {
  auto const seed = random_seed();
  Random random{seed};
  double const truth = -std::log(0.01) * 100;  // p99 of an exponential with a mean of 100 ms
  int above = 0, below = 0;
  constexpr int experiments = 1000;
  for (int i = 0; i < experiments; ++i) {
    Histogram histogram;
    for (int k = 0; k < 600; ++k) histogram.record(static_cast<std::int64_t>(random.exponential(100) * 1e6));
    auto const p99 = quantile_ms(histogram, 0.99);
    above += *p99.high < truth;
    below += *p99.low > truth;
  }
  // 5 % and four standard errors.
  EXPECT_LE(above, experiments * 0.05 + 4 * std::sqrt(experiments * 0.05 * 0.95)) << "seed " << seed;
  EXPECT_LE(below, experiments * 0.05 + 4 * std::sqrt(experiments * 0.05 * 0.95)) << "seed " << seed;
  EXPECT_GT(above, 0) << "a bound that never misses is not a 95 % bound, seed " << seed;
}

TEST(across_repeats, is_students_t_on_their_spread) {
  // t with 2 degrees of freedom at 95 %: 2.920; the standard error of 4, 5, 9 is √(7 ÷ 3).
  auto const mean = across_repeats(std::array{4.0, 5.0, 9.0});
  ASSERT_TRUE(mean);
  EXPECT_EQ(mean->value, 6);
  EXPECT_NEAR(*mean->low, 6 - 2.920 * std::sqrt(7.0 / 3), 1e-3);
  EXPECT_NEAR(*mean->high, 6 + 2.920 * std::sqrt(7.0 / 3), 1e-3);
  EXPECT_EQ(across_repeats(std::array{1.0, 1.0, 100.0})->low, 0) << "no latency is negative";
  EXPECT_LT(*across_repeats(std::array{-1.0, 1.0, 100.0})->low, -1) << "a slope may be";
  EXPECT_FALSE(across_repeats(std::array{4.0, 5.0})) << "two say nothing about their spread";
}

TEST(share, has_the_rule_of_three) {
  auto const none = share(0, 1000);
  EXPECT_EQ(none.value, 0);
  EXPECT_EQ(*none.low, 0);
  EXPECT_NEAR(*none.high, 3.0 / 1000, 1e-4);
  auto const half = share(500, 1000);
  EXPECT_NEAR(*half.low, 0.4735, 1e-3);
  EXPECT_NEAR(*half.high, 0.5265, 1e-3);
}

TEST(rate, has_poisson_bounds) {
  auto const none = rate(0, 10);
  EXPECT_EQ(*none.low, 0);
  EXPECT_NEAR(*none.high, 0.29957, 1e-4);  // −ln 0.05 in ten seconds
  auto const ten = rate(10, 1);
  EXPECT_NEAR(*ten.low, 5.4254, 1e-3);
  EXPECT_NEAR(*ten.high, 16.962, 1e-2);
}

}  // namespace
}  // namespace assay
