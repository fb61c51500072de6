#include "harness/assess/straight_line.hpp"

#include <numeric>

namespace assay {

std::optional<StraightLine> fit_line(std::span<double const> x, std::span<double const> y) {
  if (x.size() < 3 || x.size() != y.size()) return std::nullopt;
  double const n = static_cast<double>(x.size());
  double const x_mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double const y_mean = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
    yy += (y[i] - y_mean) * (y[i] - y_mean);
  }
  if (!(xx > 0)) return std::nullopt;
  double const slope = xy / xx;
  return StraightLine{y_mean - slope * x_mean, slope, yy > 0 ? xy * xy / (xx * yy) : 1.0};
}

}  // namespace assay
