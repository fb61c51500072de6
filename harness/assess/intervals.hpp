// Confidence bounds that assume no distribution: of quantiles by order statistics, of shares and of rates. Called when
// a trial's histograms become figures, and by everything that has to say how many samples are enough.
//
// `low` and `high` of every Estimate are *one-sided* bounds, each with the stated confidence (0.95): "p99 < L with 95 %
// confidence" is exactly high < L, "p99 ≥ L with 95 % confidence" is exactly low ≥ L, and [low, high] together cover 90
// %. Bounds of quantiles take the samples as independent; those of claims are widened by block_bootstrap.hpp.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/histogram/histogram.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace assay {

inline constexpr double default_confidence = 0.95;

// The smallest n for which "the q-quantile is below L" holds with `confidence` when `over` of the n samples are above
// L: the smallest n with P(Binomial(n, 1 − q) ≤ over) ≤ 1 − confidence. q and confidence in (0, 1). p99 at 95 %: 299,
// 473, 628, 773 for 0, 1, 2, 3.
std::uint64_t samples_needed(double q, std::uint64_t over = 0, double confidence = default_confidence);

// Ranks (1 … n) of the order statistics that bound the q-quantile of n independent samples from below and from above;
// no rank where n is too small for that bound (Conover, Practical Nonparametric Statistics, 3.2).
struct QuantileRanks {
  std::optional<std::uint64_t> low, high;
};
QuantileRanks quantile_ranks(double q, std::uint64_t n, double confidence = default_confidence);

// Nearest-rank quantile of everything recorded, in milliseconds, and its bounds; `nanoseconds` must not be empty. A
// value beyond the histogram's range bounds nothing from above: `high` is absent when its rank falls there.
Estimate quantile_ms(Histogram const& nanoseconds, double q, double confidence = default_confidence);

// All figures of a latency, n = 0 for an empty histogram. Values in milliseconds.
LatencyFigures latency_figures(Histogram const& nanoseconds);

// The mean of one figure over repeats, each a trial in fresh processes, with Student's t on their spread: what another
// trial's environment would have changed, which no interval within a trial can see. Nothing for fewer than three.
std::optional<Estimate> across_repeats(std::span<double const> values, double confidence = default_confidence);

// `hits` of `n` independent trials (Clopper–Pearson); n ≥ 1, hits ≤ n.
Estimate share(std::uint64_t hits, std::uint64_t n, double confidence = default_confidence);

// `events` of a Poisson process in `seconds` > 0, per second (Garwood).
Estimate rate(std::uint64_t events, double seconds, double confidence = default_confidence);

}  // namespace assay
