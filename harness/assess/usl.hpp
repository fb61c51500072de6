// The Universal Scalability Law fitted to throughputs X at load levels N (N. J. Gunther, Guerrilla Capacity Planning,
// 2007):
//
//   X(N) = γ·N ÷ (1 + σ·(N − 1) + κ·N·(N − 1))
//
// γ: throughput of one, undisturbed; σ: share that everybody has to queue for (contention); κ: cost of keeping each
// pair consistent (coherency), the only term that makes more of N give less of X. Used by `assay fit`. Easy to get
// wrong: a curve of three parameters goes through nearly anything, so a fit is worth its intervals and its residual,
// and nothing beyond twice the largest level measured.
//
// As everywhere, `low` and `high` are one-sided bounds of 95 % each (intervals.hpp): here Student's t on the
// linearised model.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/base/error.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct UslPoint {
  double n = 0, x = 0;
};

inline constexpr std::size_t least_usl_levels = 6;
inline constexpr double usl_reach = 2;  // predictions end at this many times the largest level

struct UslFit {
  std::size_t points = 0, levels = 0;
  double smallest_n = 0, largest_n = 0;

  Estimate gamma, sigma, kappa;      // σ, κ ≥ 0; no bounds where the best value lies on that border
  double residual_error = 0;         // standard error of the residuals, in the unit of X
  std::size_t degrees = 0;           // points − parameters that were free
  std::vector<double> residuals;     // X − fitted, in the order of the points
  std::optional<Estimate> peak_n;    // where X is largest: √((1 − σ) ÷ κ); nothing when it is beyond the reach
  std::optional<Estimate> peak_x;    // X there
  std::vector<std::string> remarks;  // what to know before believing it, one sentence each

  double reach() const { return usl_reach * largest_n; }
  double at(double n) const;
  // Of the curve at n, not of a single measurement there. n in (0, reach()].
  Estimate predict(double n) const;

  // Of (γ, σ, κ); a parameter on its border has zeros.
  std::array<std::array<double, 3>, 3> covariance{};
};

// Least squares on X, all points alike. ErrorKind::rejected in words: fewer than six different levels, values that are
// not positive, points that no such curve can be fitted to.
Result<UslFit> fit_usl(std::span<UslPoint const> points);

// CSV: a header that names N and X among its columns (any case, any order), or no header and N first, X second.
// Blank lines and those that begin with # are skipped. ErrorKind::rejected names every line that can't be read.
Result<std::vector<UslPoint>> parse_usl_points(std::string_view csv);

}  // namespace assay
