// How often runs waited longer for a free runner than this, with an interval: for holding trials against queueing
// theory.
#pragma once

#include "harness/measure/claim_split.hpp"
#include "harness/measure/recorder.hpp"

#include <boost/math/distributions/students_t.hpp>

#include <cmath>
#include <vector>

namespace assay::test {

struct ShareWithError {
  double share = 0, reach = 0;  // the truth lies within share ± reach with 95 % confidence
};

// Of the runs created in `window`; Student's t on the means of `batches`, because neighbouring runs wait together.
// Batches must be long against the time in which a queue forgets.
inline ShareWithError share_longer_than(std::vector<ClaimSplit> const& splits, Window window, Duration bound,
                                        std::size_t batches) {
  std::vector<double> longer(batches), all(batches);
  double const length = to_seconds(window.end - window.begin);
  for (auto const& split : splits) {
    if (!window.contains(split.created)) continue;
    double const position = to_seconds(split.created - window.begin) / length;
    auto const batch = static_cast<std::size_t>(position * static_cast<double>(batches));
    ++all[batch];
    if (split.shortage > bound) ++longer[batch];
  }
  ShareWithError result;
  double total = 0;
  for (std::size_t i = 0; i < batches; ++i) {
    result.share += longer[i];
    total += all[i];
  }
  result.share /= total;
  double squares = 0;
  for (std::size_t i = 0; i < batches; ++i) {
    double const off = longer[i] / all[i] - result.share;
    squares += off * off;
  }
  auto const n = static_cast<double>(batches);
  double const t = boost::math::quantile(boost::math::students_t_distribution<double>{n - 1}, 0.975);
  result.reach = t * std::sqrt(squares / (n - 1) / n);
  return result;
}

}  // namespace assay::test
