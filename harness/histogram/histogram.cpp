#include "harness/histogram/histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace assay {

namespace {

unsigned log2_floor(std::uint64_t n) { return static_cast<unsigned>(std::bit_width(n)) - 1; }

// Slots per doubling: the smallest power of two that tells 10^digits values apart.
unsigned half_magnitude_of(HistogramRange const& range) {
  std::uint64_t power = 1;
  for (int digit = 0; digit < range.significant_digits; ++digit) power *= 10;
  return log2_floor(std::bit_ceil(power));
}

double middle(Histogram::Bucket const& bucket) {
  return static_cast<double>(bucket.lowest + (bucket.highest - bucket.lowest + 1) / 2);
}

}  // namespace

std::optional<std::string> HistogramRange::problem() const {
  if (lowest_discernible < 1) return fmt::format("lowest discernible value {} is below 1", lowest_discernible);
  if (highest_trackable / 2 < lowest_discernible) {
    return fmt::format("highest trackable value {} is below twice the lowest discernible value {}", highest_trackable,
                       lowest_discernible);
  }
  if (significant_digits < 0 || significant_digits > 5) {
    return fmt::format("{} significant digits are not in 0..5", significant_digits);
  }
  if (log2_floor(static_cast<std::uint64_t>(lowest_discernible)) + half_magnitude_of(*this) > 61) {
    return fmt::format("{} significant digits above {} do not fit 63 bits", significant_digits, lowest_discernible);
  }
  return std::nullopt;
}

Histogram::Histogram(HistogramRange const& range) : range_{range} {
  if (auto const problem = range.problem()) throw std::invalid_argument{"histogram range: " + *problem};
  unit_magnitude_ = log2_floor(static_cast<std::uint64_t>(range.lowest_discernible));
  half_magnitude_ = half_magnitude_of(range);
  unsigned const first_doubling =
      unit_magnitude_ + half_magnitude_ + 1;  // log2 of the first value past the linear part
  leading_zeros_base_ = 64 - static_cast<int>(first_doubling);
  mask_ = ((std::uint64_t{2} << half_magnitude_) - 1) << unit_magnitude_;
  auto const magnitude = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(range.highest_trackable)));
  unsigned const doublings = magnitude > first_doubling ? magnitude - first_doubling : 0;
  slots_ = (std::size_t{doublings} + 2) << half_magnitude_;
}

// Kept out of record() so that the common path stays a handful of inlined instructions.
void Histogram::record_outside(std::int64_t value, std::size_t index, std::int64_t count) {
  if (value < 0) {
    below_range_ += count;
  } else if (index >= slots_) {
    above_range_ += count;
  } else {
    counts_.resize(((index >> half_magnitude_) + 1) << half_magnitude_);
    counts_[index] += count;
    in_range_ += count;
  }
}

void Histogram::record_corrected(std::int64_t value, std::int64_t expected_interval) {
  record(value);
  std::int64_t const steps = expected_interval > 0 ? value / expected_interval - 1 : 0;
  if (steps <= 0) return;
  // Those above the range are counted at once: a value far outside would otherwise keep the loop busy for years.
  std::int64_t const top = highest_of(slots_ - 1);
  std::int64_t const above = value > top ? std::min(steps, (value - top - 1) / expected_interval) : 0;
  above_range_ += above;
  std::int64_t missing = value - above * expected_interval;
  for (std::int64_t step = above; step < steps; ++step) record(missing -= expected_interval);
}

void Histogram::add(Histogram const& other) {
  if (range_ == other.range_) {
    if (counts_.size() < other.counts_.size()) counts_.resize(other.counts_.size());
    std::transform(other.counts_.begin(), other.counts_.end(), counts_.begin(), counts_.begin(), std::plus{});
    in_range_ += other.in_range_;
  } else {
    for (std::size_t slot = 0; slot < other.counts_.size(); ++slot) {
      if (other.counts_[slot] != 0) record(other.lowest_of(slot), other.counts_[slot]);
    }
  }
  below_range_ += other.below_range_;
  above_range_ += other.above_range_;
}

std::optional<Histogram> Histogram::since(Histogram const& earlier) const {
  if (range_ != earlier.range_ || below_range_ < earlier.below_range_ || above_range_ < earlier.above_range_ ||
      slots_in_use() < earlier.slots_in_use()) {
    return std::nullopt;
  }
  Histogram difference = *this;
  for (std::size_t slot = 0; slot < std::min(counts_.size(), earlier.counts_.size()); ++slot) {
    difference.counts_[slot] -= earlier.counts_[slot];
    if (difference.counts_[slot] < 0) return std::nullopt;
  }
  difference.in_range_ -= earlier.in_range_;
  difference.below_range_ -= earlier.below_range_;
  difference.above_range_ -= earlier.above_range_;
  return difference;
}

void Histogram::reset() {
  std::fill(counts_.begin(), counts_.end(), 0);
  in_range_ = below_range_ = above_range_ = 0;
}

std::int64_t Histogram::value_at_quantile(double q) const {
  if (empty()) return 0;
  // q and the product are each rounded by at most half a unit in the last place; without taking that back, 0.07 × 100
  // would be 7.000000000000001 and ask for the eighth value.
  double const product = std::clamp(q, 0.0, 1.0) * static_cast<double>(count());
  auto const rank =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(product - product * 0x1p-51)), 1, count());
  if (rank <= below_range_) return 0;
  std::int64_t seen = below_range_;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    seen += counts_[slot];
    if (seen >= rank) return highest_of(slot);
  }
  return highest_of(slots_ - 1);
}

std::int64_t Histogram::min() const {
  if (empty() || below_range_ > 0) return 0;
  auto const first = std::find_if(counts_.begin(), counts_.end(), [](auto count) { return count != 0; });
  if (first == counts_.end()) return highest_of(slots_ - 1);
  return lowest_of(static_cast<std::size_t>(first - counts_.begin()));
}

std::int64_t Histogram::max() const {
  if (above_range_ > 0) return highest_of(slots_ - 1);
  std::size_t const used = slots_in_use();
  return used > 0 ? highest_of(used - 1) : 0;
}

double Histogram::mean() const {
  if (in_range_ == 0) return 0;
  double sum = 0;
  for (auto const& bucket : buckets()) sum += static_cast<double>(bucket.count) * middle(bucket);
  return sum / static_cast<double>(in_range_);
}

double Histogram::stddev() const {
  if (in_range_ == 0) return 0;
  double const center = mean();
  double sum = 0;
  for (auto const& bucket : buckets()) {
    double const deviation = middle(bucket) - center;
    sum += static_cast<double>(bucket.count) * deviation * deviation;
  }
  return std::sqrt(sum / static_cast<double>(in_range_));
}

std::int64_t Histogram::count_above(std::int64_t value) const {
  std::size_t const first = value < 0 ? 0 : index_of(value) + 1;
  if (first >= counts_.size()) return above_range_;
  return std::accumulate(counts_.begin() + static_cast<std::ptrdiff_t>(first), counts_.end(), above_range_);
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> result;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    if (counts_[slot] != 0) result.push_back({lowest_of(slot), highest_of(slot), counts_[slot]});
  }
  return result;
}

bool Histogram::operator==(Histogram const& other) const {
  if (range_ != other.range_ || in_range_ != other.in_range_ || below_range_ != other.below_range_ ||
      above_range_ != other.above_range_) {
    return false;
  }
  auto const used = static_cast<std::ptrdiff_t>(slots_in_use());
  return slots_in_use() == other.slots_in_use() &&
         std::equal(counts_.begin(), counts_.begin() + used, other.counts_.begin());
}

std::size_t Histogram::slots_in_use() const {
  auto const last = std::find_if(counts_.rbegin(), counts_.rend(), [](auto count) { return count != 0; });
  return static_cast<std::size_t>(counts_.rend() - last);
}

// The linear part, slots below 2·2^half_magnitude, is two "doublings" of one width.
unsigned Histogram::width_magnitude(std::size_t slot) const {
  auto const doubling = static_cast<unsigned>(slot >> half_magnitude_);
  return unit_magnitude_ + (doubling > 1 ? doubling - 1 : 0);
}

std::int64_t Histogram::lowest_of(std::size_t slot) const {
  unsigned const width = width_magnitude(slot);
  std::size_t const position = slot - (std::size_t{width - unit_magnitude_} << half_magnitude_);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(position) << width);
}

// Added without the carry past 2^63 that lowest + width could have in the last slot.
std::int64_t Histogram::highest_of(std::size_t slot) const {
  return lowest_of(slot) + ((std::int64_t{1} << width_magnitude(slot)) - 1);
}

}  // namespace assay
