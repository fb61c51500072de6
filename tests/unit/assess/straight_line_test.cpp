#include "harness/assess/straight_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

TEST(straight_line, goes_through_points_that_lie_on_one) {
  auto const line = fit_line(std::vector<double>{1, 2, 4, 10}, std::vector<double>{5, 7, 11, 23});
  ASSERT_TRUE(line);
  EXPECT_NEAR(line->slope, 2, 1e-12);
  EXPECT_NEAR(line->at_zero, 3, 1e-12);
  EXPECT_NEAR(line->r_squared, 1, 1e-12);
}

// Anscombe's first set (1973): y = 3.00 + 0.500 x, R² = 0.667.
TEST(straight_line, agrees_with_anscombe) {
  std::vector<double> const x{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  std::vector<double> const y{8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  auto const line = fit_line(x, y);
  ASSERT_TRUE(line);
  EXPECT_NEAR(line->slope, 0.500, 0.001);
  EXPECT_NEAR(line->at_zero, 3.00, 0.01);
  EXPECT_NEAR(line->r_squared, 0.667, 0.001);
}

TEST(straight_line, says_nothing_of_two_points_or_of_one_level) {
  EXPECT_FALSE(fit_line(std::vector<double>{1, 2}, std::vector<double>{1, 2}));
  EXPECT_FALSE(fit_line(std::vector<double>{2, 2, 2}, std::vector<double>{1, 2, 3}));
}

}  // namespace
}  // namespace assay
