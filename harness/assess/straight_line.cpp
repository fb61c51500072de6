#include "harness/assess/straight_line.hpp"

#include <boost/math/statistics/linear_regression.hpp>

#include <algorithm>

namespace assay {

std::optional<StraightLine> fit_line(std::span<double const> x, std::span<double const> y) {
  auto const all_equal = [](std::span<double const> values) {
    return std::ranges::count(values, values[0]) == std::ssize(values);
  };
  if (x.size() < 3 || x.size() != y.size() || all_equal(x)) return std::nullopt;
  auto const [at_zero, slope, r_squared] = boost::math::statistics::simple_ordinary_least_squares_with_R_squared(x, y);
  return StraightLine{at_zero, slope, all_equal(y) ? 1.0 : r_squared};
}

}  // namespace assay
