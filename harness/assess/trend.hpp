// Does a series taken every second go anywhere? The slope of backlog and pending writes over the measured phase, and
// whether the second half of that phase looks like the first. Neighbouring seconds resemble each other, so both allow
// for autocorrelation. As everywhere, `low` and `high` are one-sided bounds of 95 % each (intervals.hpp).
#pragma once

#include "harness/assess/assessment.hpp"

#include <optional>
#include <span>

namespace assay {

// Least-squares slope of y over x, in units of y per unit of x; Student's t with n − 2 degrees of freedom on Newey–West
// (1987) standard errors with Bartlett weights and ⌊4·(n/100)^(2/9)⌋ lags. Nothing for fewer than 3 points or when all
// x are equal. x and y are equally long. No bounds for fewer than 5 points.
std::optional<Estimate> slope(std::span<double const> x, std::span<double const> y);

// "Unstable at this rate": the slope's lower bound is above 0 and the backlog grew by more than the randomness of
// arrivals can explain, two standard deviations of a Poisson count over the window. Without the second half one stable
// trial in twenty would be called unstable. `backlog_per_s` is the slope of the backlog, `window_s` what it was taken
// over.
bool backlog_grows(Estimate const& backlog_per_s, double offered_per_s, double window_s);

struct HalvesComparison {
  double first = 0, second = 0;  // means of the halves, in the unit of the series
  Estimate change;               // second − first
};

// Means of the first and second half, with bounds of the change by Welch's t on five batch means per half. Nothing for
// fewer than 20 values. `series` is in order of time, evenly spaced.
std::optional<HalvesComparison> compare_halves(std::span<double const> series);

}  // namespace assay
