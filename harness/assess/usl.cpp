#include "harness/assess/usl.hpp"

#include "harness/assess/intervals.hpp"

#include <fmt/format.h>
#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace assay {

namespace {

using Vector = std::array<double, 3>;  // of γ, σ, κ
using Matrix = std::array<Vector, 3>;
using Free = std::array<bool, 3>;

constexpr int most_steps = 1000;
constexpr double scatter_worth_a_remark = 0.1;

double curve(Vector const& p, double n) { return p[0] * n / (1 + p[1] * (n - 1) + p[2] * n * (n - 1)); }

Vector gradient(Vector const& p, double n) {
  double const divisor = 1 + p[1] * (n - 1) + p[2] * n * (n - 1);
  double const x = p[0] * n / divisor;
  return {n / divisor, -x * (n - 1) / divisor, -x * n * (n - 1) / divisor};
}

double squares(Vector const& p, std::span<UslPoint const> points) {
  double sum = 0;
  for (auto const& point : points) sum += std::pow(point.x - curve(p, point.n), 2);
  return sum;
}

// Gauss–Jordan with pivoting on the free rows and columns; nothing when they are singular.
std::optional<Matrix> inverse(Matrix m, Free const& free) {
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    result[i][i] = 1;
    if (free[i]) continue;
    m[i] = {};
    for (auto& row : m) row[i] = 0;
    m[i][i] = 1;
  }
  for (std::size_t column = 0; column < 3; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column; row < 3; ++row) {
      if (std::abs(m[row][column]) > std::abs(m[pivot][column])) pivot = row;
    }
    if (!(std::abs(m[pivot][column]) > 1e-14)) return std::nullopt;
    std::swap(m[pivot], m[column]);
    std::swap(result[pivot], result[column]);
    for (std::size_t row = 0; row < 3; ++row) {
      if (row == column) continue;
      double const factor = m[row][column] / m[column][column];
      for (std::size_t i = 0; i < 3; ++i) {
        m[row][i] -= factor * m[column][i];
        result[row][i] -= factor * result[column][i];
      }
    }
    double const scale = m[column][column];
    for (std::size_t i = 0; i < 3; ++i) {
      m[column][i] /= scale;
      result[column][i] /= scale;
    }
  }
  return result;
}

// JᵀJ in units of each parameter's own weight (returned in `scale`), so that γ in the thousands and κ in the millionths
// meet in one well-conditioned matrix.
Matrix normal_matrix(Vector const& p, std::span<UslPoint const> points, Free const& free, Vector& scale) {
  Matrix product{};
  for (auto const& point : points) {
    auto const g = gradient(p, point.n);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) product[i][j] += g[i] * g[j];
    }
  }
  for (std::size_t i = 0; i < 3; ++i) scale[i] = free[i] ? std::sqrt(product[i][i]) : 1;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) product[i][j] /= scale[i] * scale[j];
  }
  return product;
}

// N ÷ X is linear in 1/γ, σ/γ and κ/γ: an ordinary regression gives a place to start from.
Vector starting_point(std::span<UslPoint const> points, Free const& free) {
  Matrix product{};
  Vector right{};
  for (auto const& point : points) {
    Vector const row{1, free[1] ? point.n - 1 : 0, free[2] ? point.n * (point.n - 1) : 0};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) product[i][j] += row[i] * row[j];
      right[i] += row[i] * point.n / point.x;
    }
  }
  double largest_slope = 0;
  for (auto const& point : points) largest_slope = std::max(largest_slope, point.x / point.n);
  auto const solved = inverse(product, free);
  if (!solved) return {largest_slope, 0, 0};
  Vector c{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) c[i] += (*solved)[i][j] * right[j];
  }
  if (!(c[0] > 0)) return {largest_slope, 0, 0};
  return {1 / c[0], free[1] ? std::max(0.0, c[1] / c[0]) : 0, free[2] ? std::max(0.0, c[2] / c[0]) : 0};
}

// Levenberg–Marquardt over the free parameters. Nothing when it does not converge.
std::optional<Vector> minimise(std::span<UslPoint const> points, Free const& free) {
  Vector p = starting_point(points, free);
  double best = squares(p, points);
  double damping = 1e-3;
  for (int step = 0; step < most_steps; ++step) {
    Vector scale{}, right{};
    Matrix product = normal_matrix(p, points, free, scale);
    for (auto const& point : points) {
      auto const g = gradient(p, point.n);
      for (std::size_t i = 0; i < 3; ++i) right[i] += g[i] * (point.x - curve(p, point.n)) / scale[i];
    }
    for (std::size_t i = 0; i < 3; ++i) product[i][i] *= 1 + damping;
    auto const solved = inverse(product, free);
    if (!solved) return std::nullopt;
    Vector next = p;
    double moved = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      if (!free[i]) continue;
      double change = 0;
      for (std::size_t j = 0; j < 3; ++j) change += free[j] ? (*solved)[i][j] * right[j] : 0;
      next[i] += change / scale[i];
      moved = std::max(moved, std::abs(change / scale[i]) / (std::abs(p[i]) + 1e-12));
    }
    bool possible = next[0] > 0;
    for (auto const& point : points) {
      possible = possible && 1 + next[1] * (point.n - 1) + next[2] * point.n * (point.n - 1) > 0;
    }
    double const reached = possible ? squares(next, points) : best;
    if (possible && reached <= best) {
      bool const done = moved < 1e-12;
      p = next;
      best = reached;
      damping = std::max(damping / 10, 1e-12);
      if (done) return p;
    } else {
      if (damping > 1e12) return p;  // no direction leads further down: this is the bottom, to the last bit
      damping *= 10;
    }
  }
  return std::nullopt;
}

double t_quantile(std::size_t degrees) {
  boost::math::students_t_distribution<double> const t{static_cast<double>(degrees)};
  return boost::math::quantile(t, default_confidence);
}

double standard_error(Matrix const& covariance, Vector const& g) {
  double variance = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) variance += g[i] * covariance[i][j] * g[j];
  }
  return std::sqrt(std::max(0.0, variance));
}

struct Candidate {
  Vector p{};
  Free free{};
  double squares = 0;
};

// The best of the fits with and without contention and coherency, among those whose σ and κ are not negative.
std::optional<Candidate> best_fit(std::span<UslPoint const> points, bool& wants_negative) {
  std::optional<Candidate> best;
  for (Free const free :
       {Free{true, true, true}, Free{true, false, true}, Free{true, true, false}, Free{true, false, false}}) {
    auto const p = minimise(points, free);
    if (!p) continue;
    if ((*p)[1] < 0 || (*p)[2] < 0) {
      wants_negative = wants_negative || free == Free{true, true, true};
      continue;
    }
    double const sum = squares(*p, points);
    if (!best || sum < best->squares * (1 - 1e-9)) best = Candidate{*p, free, sum};
  }
  return best;
}

// Where the curve is highest, when that is within reach. On the logarithm, so that no bound is negative.
void find_peak(UslFit& fit) {
  double const sigma = fit.sigma.value, kappa = fit.kappa.value;
  double const n = kappa > 0 && sigma < 1 ? std::sqrt((1 - sigma) / kappa) : fit.reach() * 2;
  if (n > fit.reach()) {
    fit.remarks.push_back(
        fmt::format("No peak up to N = {:g}, twice the largest level; nothing is said beyond.", fit.reach()));
    return;
  }
  Vector const by_log{0, -1 / (2 * (1 - sigma)), -1 / (2 * kappa)};
  double const t = t_quantile(fit.degrees), error = standard_error(fit.covariance, by_log);
  Estimate peak{.value = n, .low = n * std::exp(-t * error), .high = n * std::exp(t * error)};
  if (fit.kappa.low && *fit.kappa.low <= 0) {
    peak.high.reset();
    fit.remarks.emplace_back("κ can't be told from 0 with 95 % confidence, so there may be no peak at all.");
  }
  fit.peak_n = peak;
  fit.peak_x = fit.predict(n);
}

std::optional<Error> refusal(std::span<UslPoint const> points) {
  std::set<double> levels;
  for (auto const& point : points) {
    if (!(point.n > 0) || !(point.x > 0) || !std::isfinite(point.n) || !std::isfinite(point.x)) {
      return Error{
          ErrorKind::rejected,
          fmt::format("N = {:g}, X = {:g}: both must be above 0 to say anything about scaling", point.n, point.x)};
    }
    levels.insert(point.n);
  }
  if (levels.size() >= least_usl_levels) return std::nullopt;
  return Error{ErrorKind::rejected,
               fmt::format("{} different levels of N are too few: three parameters go through anything like that. "
                           "Measure {} or more, best from 1 to beyond where throughput stops growing",
                           levels.size(), least_usl_levels)};
}

}  // namespace

double UslFit::at(double n) const { return curve({gamma.value, sigma.value, kappa.value}, n); }

Estimate UslFit::predict(double n) const {
  Vector const p{gamma.value, sigma.value, kappa.value};
  double const margin = t_quantile(degrees) * standard_error(covariance, gradient(p, n));
  return {.value = at(n), .low = at(n) - margin, .high = at(n) + margin};
}

Result<UslFit> fit_usl(std::span<UslPoint const> points) {
  if (auto const refused = refusal(points)) return *refused;
  bool wants_negative = false;
  auto const best = best_fit(points, wants_negative);
  if (!best) return Error{ErrorKind::rejected, "no curve of the Universal Scalability Law comes near these points"};

  UslFit fit;
  fit.points = points.size();
  std::set<double> levels;
  double mean_x = 0;
  for (auto const& point : points) {
    levels.insert(point.n);
    fit.residuals.push_back(point.x - curve(best->p, point.n));
    mean_x += point.x / static_cast<double>(points.size());
  }
  fit.levels = levels.size();
  fit.smallest_n = *levels.begin();
  fit.largest_n = *levels.rbegin();
  fit.degrees = points.size() - static_cast<std::size_t>(std::count(best->free.begin(), best->free.end(), true));
  fit.residual_error = std::sqrt(best->squares / static_cast<double>(fit.degrees));

  Vector scale{};
  auto const inverted = inverse(normal_matrix(best->p, points, best->free, scale), best->free);
  if (!inverted) return Error{ErrorKind::rejected, "these levels of N can't tell γ, σ and κ apart"};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      bool const known = best->free[i] && best->free[j];
      fit.covariance[i][j] =
          known ? (*inverted)[i][j] * fit.residual_error * fit.residual_error / (scale[i] * scale[j]) : 0;
    }
  }
  double const t = t_quantile(fit.degrees);
  std::array<Estimate*, 3> const estimates{&fit.gamma, &fit.sigma, &fit.kappa};
  for (std::size_t i = 0; i < 3; ++i) {
    estimates[i]->value = best->p[i];
    if (!best->free[i]) continue;
    double const margin = t * std::sqrt(fit.covariance[i][i]);
    estimates[i]->low = best->p[i] - margin;
    estimates[i]->high = best->p[i] + margin;
  }

  if (wants_negative) {
    fit.remarks.emplace_back(
        "The points curve upwards more than this law allows (σ or κ below 0 would fit better): look for what makes "
        "larger levels more efficient before believing the fit.");
  }
  if (fit.residual_error > scatter_worth_a_remark * mean_x) {
    fit.remarks.push_back(fmt::format("The points scatter about the curve by {:.0f} % of their mean.",
                                      100 * fit.residual_error / mean_x));
  }
  find_peak(fit);
  return fit;
}

}  // namespace assay
