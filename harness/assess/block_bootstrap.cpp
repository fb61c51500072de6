#include "harness/assess/block_bootstrap.hpp"

#include "harness/assess/intervals.hpp"
#include "harness/base/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace assay {

namespace {

constexpr int least_blocks = 10;
constexpr std::uint32_t cells_per_block = 4;
// The 5th and 95th percentile of a thousand resamples are known to within a percentile; more samples than that take
// fewer resamples, so that no trial costs more than about a second.
constexpr std::size_t most_resamples = 1000, least_resamples = 200;
constexpr std::size_t affordable_steps = 200'000'000;
constexpr std::uint64_t seed = 1;  // one set of samples has one set of bounds
constexpr double ns_per_ms = 1e6;

constexpr std::array<double, 5> quantiles{0.5, 0.9, 0.95, 0.99, 0.999};

}  // namespace

Duration block_length(Duration measured, Duration hold) { return std::min(hold, measured / least_blocks); }

TimedSamples::TimedSamples(Duration measured, Duration hold)
    : cell_{std::max<Duration>(block_length(measured, hold) / cells_per_block, nanoseconds{1})},
      cells_{static_cast<std::uint32_t>(std::max<std::int64_t>(measured / cell_, 1))} {}

void TimedSamples::record(Duration at, std::int64_t ns) {
  auto const cell = std::clamp<std::int64_t>(at / cell_, 0, cells_ - 1);
  samples_.push_back({ns, static_cast<std::uint32_t>(cell)});
  all_.record(ns);
}

LatencyFigures TimedSamples::figures() const {
  LatencyFigures figures = latency_figures(all_);
  if (samples_.empty()) return figures;
  std::vector<Sample> descending = samples_;
  std::sort(descending.begin(), descending.end(), [](auto const& a, auto const& b) { return a.value > b.value; });
  std::vector<std::uint64_t> in_cell(cells_);
  for (auto const& sample : descending) ++in_cell[sample.cell];

  // A resample is how often each cell was drawn. Its quantiles are found from above, the extreme ones first.
  auto random = Random::stream(seed, "block bootstrap");
  auto const resamples = std::clamp(affordable_steps / descending.size(), least_resamples, most_resamples);
  std::array<std::vector<double>, quantiles.size()> found;
  std::vector<std::uint32_t> weight(cells_);
  for (std::size_t i = 0; i < resamples; ++i) {
    std::fill(weight.begin(), weight.end(), 0U);
    for (std::uint32_t drawn = 0; drawn < cells_; drawn += cells_per_block) {
      auto const first = static_cast<std::uint32_t>(random.below(cells_));
      for (std::uint32_t k = 0; k < std::min(cells_per_block, cells_ - drawn); ++k) ++weight[(first + k) % cells_];
    }
    double total = 0;
    for (std::uint32_t cell = 0; cell < cells_; ++cell) total += static_cast<double>(weight[cell] * in_cell[cell]);
    if (total == 0) continue;
    double above = 0;  // of the resample, strictly before `sample`
    std::size_t next = quantiles.size();
    for (auto sample = descending.begin(); next > 0 && sample != descending.end(); ++sample) {
      above += weight[sample->cell];
      // Nearest rank: the largest value with no more than (1 − q)·n values above it.
      while (next > 0 && above > total * (1 - quantiles[next - 1]) + 1e-9 * total) {
        found[--next].push_back(static_cast<double>(sample->value) / ns_per_ms);
      }
    }
  }

  std::array<Estimate*, quantiles.size()> const estimates{&figures.p50, &figures.p90, &figures.p95, &figures.p99,
                                                          &figures.p999};
  for (std::size_t q = 0; q < quantiles.size(); ++q) {
    auto& values = found[q];
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    auto const beyond = static_cast<std::size_t>((1 - default_confidence) * static_cast<double>(values.size()));
    auto& estimate = *estimates[q];
    if (estimate.low) estimate.low = std::min(*estimate.low, std::max(0.0, values[beyond]));
    if (estimate.high) estimate.high = std::max(*estimate.high, values[values.size() - 1 - beyond]);
  }
  return figures;
}

}  // namespace assay
