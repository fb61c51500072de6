// A measured quantity by name, with what is needed to judge it. The one place that knows where in a TrialResult a
// figure lives.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/figure_names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace assay {

struct Figure {
  Estimate estimate;
  std::uint64_t n = 0;  // samples behind it; 0 where that means nothing
  std::string unit;
  // A count, a maximum, a mean over the whole phase: judged as it stands. Otherwise a missing bound means that the
  // samples are too few to say anything on that side.
  bool exact = false;

  // The truth is above, or not above, with 95 % confidence; ±infinity where nothing is known.
  double at_least() const;
  double at_most() const;
};

// Nothing if the trial did not measure it, or if it is no pair of known_metrics().
std::optional<Figure> figure(TrialResult const& trial, std::string_view metric, std::string_view statistic);

// p50 → 0.5, p99.9 → 0.999; nothing for what is no quantile.
std::optional<double> quantile_named(std::string_view statistic);

// "4.56 ms", "0.21 cores", "12.5/s", "17": three digits and the unit, for sentences.
std::string show(double value, std::string_view unit);
// "4.56 ms (95 % bounds 4.2 ms and 5.1 ms)"; only the value when it is exact or unbounded.
std::string show(Figure const& figure);

}  // namespace assay
