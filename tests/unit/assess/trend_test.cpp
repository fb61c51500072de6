#include "harness/assess/trend.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace assay {
namespace {

std::vector<double> seconds(std::size_t n) {
  std::vector<double> x(n);
  std::iota(x.begin(), x.end(), 0.0);
  return x;
}

TEST(slope, of_a_line_is_exact) {
  auto const x = seconds(40);
  std::vector<double> y;
  for (double t : x) y.push_back(3 + 2.5 * t);
  auto const found = slope(x, y);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->value, 2.5, 1e-12);
  EXPECT_NEAR(*found->low, 2.5, 1e-9);
  EXPECT_NEAR(*found->high, 2.5, 1e-9);
}

TEST(slope, needs_three_different_points_and_five_for_bounds) {
  EXPECT_FALSE(slope(std::vector{1.0, 2.0}, std::vector{1.0, 2.0}));
  EXPECT_FALSE(slope(std::vector{1.0, 1.0, 1.0}, std::vector{1.0, 2.0, 3.0}));
  auto const three = slope(std::vector{1.0, 2.0, 3.0}, std::vector{1.0, 2.0, 4.0});
  ASSERT_TRUE(three);
  EXPECT_FALSE(three->high);
}

// A textbook case, so that the arithmetic is held against something else than itself: for errors without
// autocorrelation the Newey-West bounds come near the ordinary ones.
TEST(slope, of_noise_has_bounds_that_hold_the_truth) {
  auto const seed = random_seed();
  Random random{seed};
  auto const x = seconds(60);
  int beyond = 0;
  constexpr int experiments = 1000;
  for (int i = 0; i < experiments; ++i) {
    std::vector<double> y;
    for (double t : x) y.push_back(0.1 * t + random.exponential(2));
    beyond += *slope(x, y)->low > 0.1;
  }
  EXPECT_LT(beyond, 110) << "nominal 50, seed " << seed;
  EXPECT_GT(beyond, 15) << "seed " << seed;
}

TEST(backlog, grows_when_more_is_offered_than_served) {
  Random random{5};
  auto const x = seconds(40);
  std::vector<double> overloaded, steady;
  double backlog = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    backlog += 50 + (random.uniform() - 0.5) * 60;  // 5 % more than the 1,000/s that are served
    overloaded.push_back(backlog);
    steady.push_back(random.exponential(3));
  }
  EXPECT_TRUE(backlog_grows(*slope(x, overloaded), 1000, 40));
  EXPECT_FALSE(backlog_grows(*slope(x, steady), 1000, 40));
}

TEST(backlog, does_not_grow_because_of_a_slope_that_chance_explains) {
  EXPECT_FALSE(backlog_grows({.value = 0.2, .low = 0.1, .high = 0.3}, 100, 40)) << "8 runs where chance moves 63";
  EXPECT_FALSE(backlog_grows({.value = 20, .low = -1, .high = 41}, 100, 40));
  EXPECT_TRUE(backlog_grows({.value = 20, .low = 18, .high = 22}, 100, 40));
  EXPECT_FALSE(backlog_grows({.value = 20, .low = {}, .high = {}}, 100, 40)) << "no bound, no claim";
}

TEST(halves, differ_when_the_second_is_slower) {
  Random random{5};
  std::vector<double> drifting, steady;
  for (int i = 0; i < 60; ++i) {
    drifting.push_back(2 + 0.1 * i + random.uniform());
    steady.push_back(2 + random.uniform());
  }
  auto const found = compare_halves(drifting);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->change.value, 3.0, 0.5);
  EXPECT_GT(*found->change.low, 1.0);
  auto const same = compare_halves(steady);
  EXPECT_LT(*same->change.low, 0.0);
  EXPECT_GT(*same->change.high, 0.0);
  EXPECT_FALSE(compare_halves(std::vector<double>(19, 1.0)));
}

}  // namespace
}  // namespace assay
