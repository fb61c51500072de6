#include "harness/assess/intervals.hpp"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay {
namespace {

namespace math = boost::math;

// P(Binomial(n, p) ≤ k); the library wants k ≤ n.
double binomial_cdf(std::uint64_t n, double p, std::uint64_t k) {
  if (k >= n) return 1.0;
  return math::cdf(math::binomial_distribution<double>{static_cast<double>(n), p}, static_cast<double>(k));
}

// The smallest x in [first, last) for which `holds` is true, which must be false before and true after; `last` if
// nowhere.
template <class Predicate>
std::uint64_t first_true(std::uint64_t first, std::uint64_t last, Predicate holds) {
  while (first < last) {
    std::uint64_t const middle = first + (last - first) / 2;
    if (holds(middle))
      last = middle;
    else
      first = middle + 1;
  }
  return first;
}

// Every recorded value in order, the out-of-range ones at the ends, seen by rank.
class Ranked {
 public:
  explicit Ranked(Histogram const& histogram)
      : buckets_{histogram.buckets()},
        below_{static_cast<std::uint64_t>(histogram.below_range())},
        n_{static_cast<std::uint64_t>(histogram.count())},
        end_{histogram.range().highest_trackable} {}

  std::uint64_t n() const { return n_; }

  // Not larger, and not smaller, than the value of this rank (1 … n). Nothing bounds a value beyond the range from
  // above.
  double at_least(std::uint64_t rank) const {
    auto const* bucket = find(rank);
    if (bucket) return static_cast<double>(bucket->lowest);
    return rank <= below_ ? 0.0 : static_cast<double>(end_);
  }
  std::optional<double> at_most(std::uint64_t rank) const {
    auto const* bucket = find(rank);
    if (bucket) return static_cast<double>(bucket->highest);
    if (rank <= below_) return 0.0;
    return std::nullopt;
  }
  double value(std::uint64_t rank) const { return at_most(rank).value_or(static_cast<double>(end_)); }

 private:
  Histogram::Bucket const* find(std::uint64_t rank) const {
    if (rank <= below_) return nullptr;
    std::uint64_t seen = below_;
    for (auto const& bucket : buckets_) {
      seen += static_cast<std::uint64_t>(bucket.count);
      if (rank <= seen) return &bucket;
    }
    return nullptr;
  }

  std::vector<Histogram::Bucket> buckets_;
  std::uint64_t below_, n_;
  std::int64_t end_;
};

constexpr double ns_per_ms = 1e6;

// ⌈q·n⌉ without the last-digit error of q: 0.99 × 100 is rank 99, not 100.
std::uint64_t nearest_rank(double q, std::uint64_t n) {
  double const exact = q * static_cast<double>(n);
  auto const rank = static_cast<std::uint64_t>(std::ceil(exact - 1e-9 * std::max(1.0, exact)));
  return std::clamp<std::uint64_t>(rank, 1, n);
}

Estimate quantile_ms(Ranked const& ranked, double q, double confidence) {
  std::uint64_t const n = ranked.n();
  Estimate estimate{.value = ranked.value(nearest_rank(q, n)) / ns_per_ms, .low = {}, .high = {}};
  auto const ranks = quantile_ranks(q, n, confidence);
  if (ranks.low) estimate.low = ranked.at_least(*ranks.low) / ns_per_ms;
  if (ranks.high) {
    if (auto const bound = ranked.at_most(*ranks.high)) estimate.high = *bound / ns_per_ms;
  }
  return estimate;
}

}  // namespace

std::uint64_t samples_needed(double q, std::uint64_t over, double confidence) {
  auto const enough = [=](std::uint64_t n) { return binomial_cdf(n, 1 - q, over) <= 1 - confidence; };
  std::uint64_t limit = over + 2;
  while (!enough(limit)) limit *= 2;
  return first_true(over + 1, limit, enough);
}

QuantileRanks quantile_ranks(double q, std::uint64_t n, double confidence) {
  QuantileRanks ranks;
  if (n == 0) return ranks;
  // P(X(k) ≤ quantile) = P(Binomial(n, q) ≥ k): the largest k for which P(Binomial ≤ k − 1) ≤ 1 − confidence.
  std::uint64_t const too_high =
      first_true(1, n + 1, [&](std::uint64_t k) { return binomial_cdf(n, q, k - 1) > 1 - confidence; });
  if (too_high > 1) ranks.low = too_high - 1;
  // P(X(k) ≥ quantile) = P(Binomial(n, q) ≤ k − 1): the smallest k for which that is at least `confidence`.
  std::uint64_t const high =
      first_true(1, n + 1, [&](std::uint64_t k) { return binomial_cdf(n, q, k - 1) >= confidence; });
  if (high <= n) ranks.high = high;
  return ranks;
}

Estimate quantile_ms(Histogram const& nanoseconds, double q, double confidence) {
  return quantile_ms(Ranked{nanoseconds}, q, confidence);
}

LatencyFigures latency_figures(Histogram const& nanoseconds) {
  LatencyFigures figures;
  if (nanoseconds.empty()) return figures;
  Ranked const ranked{nanoseconds};
  figures.n = ranked.n();
  figures.min = static_cast<double>(nanoseconds.min()) / ns_per_ms;
  figures.mean = nanoseconds.mean() / ns_per_ms;
  figures.max = static_cast<double>(nanoseconds.max()) / ns_per_ms;
  auto const quantile = [&](double q) { return quantile_ms(ranked, q, default_confidence); };
  figures.p50 = quantile(0.50);
  figures.p90 = quantile(0.90);
  figures.p95 = quantile(0.95);
  figures.p99 = quantile(0.99);
  figures.p999 = quantile(0.999);
  return figures;
}

std::optional<Estimate> across_repeats(std::span<double const> values, double confidence) {
  if (values.size() < 3) return std::nullopt;
  auto const n = static_cast<double>(values.size());
  double const mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (double const value : values) squares += (value - mean) * (value - mean);
  double const t = math::quantile(math::students_t_distribution<double>{n - 1}, confidence);
  double const margin = t * std::sqrt(squares / (n - 1) / n);
  // What is never negative has no mean below 0, however far the repeats are apart.
  double const floor = std::min(0.0, *std::min_element(values.begin(), values.end()));
  return Estimate{
      .value = mean, .low = floor < 0 ? mean - margin : std::max(floor, mean - margin), .high = mean + margin};
}

Estimate share(std::uint64_t hits, std::uint64_t n, double confidence) {
  using Binomial = math::binomial_distribution<double>;
  auto const total = static_cast<double>(n), found = static_cast<double>(hits);
  return {.value = found / total,
          .low = Binomial::find_lower_bound_on_p(total, found, 1 - confidence),
          .high = Binomial::find_upper_bound_on_p(total, found, 1 - confidence)};
}

Estimate rate(std::uint64_t events, double seconds, double confidence) {
  auto const count = static_cast<double>(events);
  auto const bound = [](double degrees, double p) {
    return math::quantile(math::chi_squared_distribution<double>{degrees}, p) / 2;
  };
  return {.value = count / seconds,
          .low = events == 0 ? 0.0 : bound(2 * count, 1 - confidence) / seconds,
          .high = bound(2 * count + 2, confidence) / seconds};
}

}  // namespace assay
