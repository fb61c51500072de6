#include "harness/assess/trend.hpp"

#include "harness/assess/intervals.hpp"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace assay {
namespace {

double mean_of(std::span<double const> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double t_quantile(double degrees) {
  return boost::math::quantile(boost::math::students_t_distribution<double>{degrees}, default_confidence);
}

constexpr std::size_t batches_per_half = 5;

struct BatchMeans {
  double mean = 0;
  double squared_error = 0;  // variance of `mean`
};

BatchMeans batch_means(std::span<double const> half) {
  std::array<double, batches_per_half> means{};
  for (std::size_t i = 0; i < batches_per_half; ++i) {
    std::size_t const begin = half.size() * i / batches_per_half, end = half.size() * (i + 1) / batches_per_half;
    means[i] = mean_of(half.subspan(begin, end - begin));
  }
  double const centre = mean_of(means);
  double squares = 0;
  for (double m : means) squares += (m - centre) * (m - centre);
  return {mean_of(half), squares / static_cast<double>(batches_per_half - 1) / static_cast<double>(batches_per_half)};
}

}  // namespace

std::optional<Estimate> slope(std::span<double const> x, std::span<double const> y) {
  std::size_t const n = std::min(x.size(), y.size());
  if (n < 3) return std::nullopt;
  double const x_mean = mean_of(x.first(n)), y_mean = mean_of(y.first(n));
  double sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    sxx += (x[i] - x_mean) * (x[i] - x_mean);
    sxy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  if (!(sxx > 0)) return std::nullopt;
  Estimate estimate{.value = sxy / sxx, .low = {}, .high = {}};
  if (n < 5) return estimate;

  std::vector<double> score(n);
  for (std::size_t i = 0; i < n; ++i) score[i] = (x[i] - x_mean) * (y[i] - y_mean - estimate.value * (x[i] - x_mean));
  auto const count = static_cast<double>(n);
  auto const lags = static_cast<std::size_t>(std::floor(4 * std::pow(count / 100, 2.0 / 9)));
  double variance = 0;
  for (std::size_t lag = 0; lag <= lags && lag < n; ++lag) {
    double sum = 0;
    for (std::size_t i = lag; i < n; ++i) sum += score[i] * score[i - lag];
    double const weight = 1 - static_cast<double>(lag) / static_cast<double>(lags + 1);
    variance += lag == 0 ? sum : 2 * weight * sum;
  }
  double const error = std::sqrt(std::max(0.0, variance) * count / (count - 2)) / sxx;
  double const reach = t_quantile(count - 2) * error;
  estimate.low = estimate.value - reach;
  estimate.high = estimate.value + reach;
  return estimate;
}

bool backlog_grows(Estimate const& backlog_per_s, double offered_per_s, double window_s) {
  if (!backlog_per_s.low || *backlog_per_s.low <= 0) return false;
  return backlog_per_s.value * window_s > 2 * std::sqrt(std::max(0.0, offered_per_s) * window_s);
}

std::optional<HalvesComparison> compare_halves(std::span<double const> series) {
  if (series.size() < 4 * batches_per_half) return std::nullopt;
  std::size_t const half = series.size() / 2;
  auto const first = batch_means(series.first(half)), second = batch_means(series.last(half));
  HalvesComparison result{.first = first.mean, .second = second.mean, .change = {}};
  double const change = second.mean - first.mean;
  double const variance = first.squared_error + second.squared_error;
  double degrees = 2 * (batches_per_half - 1);
  if (variance > 0)
    degrees = variance * variance * static_cast<double>(batches_per_half - 1) /
              (first.squared_error * first.squared_error + second.squared_error * second.squared_error);
  double const reach = t_quantile(degrees) * std::sqrt(variance);
  result.change = {.value = change, .low = change - reach, .high = change + reach};
  return result;
}

}  // namespace assay
