// Latency distributions of bounded size and bounded relative error: HdrHistogram after Gil Tene's design
// (hdrhistogram.org), slot for slot the Java implementation's, so that codec.hpp can exchange histograms with every
// HdrHistogram tool. One thread; snapshots are copies, and histograms of several threads, seconds or hosts merge by
// add(): never average quantiles.
//
// Easy to get wrong: values are plain integers in a unit of the caller's choice, nanoseconds everywhere in this
// project; and an empty histogram answers 0 to every question, so ask count() before printing a quantile.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay {

// What a histogram can tell apart. The default is for nanoseconds up to an hour: three digits from 64 µs upward, steps
// of 64 ns below that. Counts are allocated up to the largest value seen: 0 bytes when empty, 72 KiB up to 16 ms, 216
// KiB for the whole hour.
struct HistogramRange {
  std::int64_t lowest_discernible = 64;                // >= 1; rounded down to a power of two
  std::int64_t highest_trackable = 3'600'000'000'000;  // >= 2 × lowest_discernible; values up to here always fit
  int significant_digits = 3;                          // 0..5; relative error of a value is below 10^-digits

  bool operator==(HistogramRange const&) const = default;

  // Why no histogram can have this range, in one line; nothing if it can.
  std::optional<std::string> problem() const;
};

class Histogram {
 public:
  Histogram() : Histogram(HistogramRange{}) {}
  explicit Histogram(HistogramRange const& range);  // std::invalid_argument if range.problem()

  // Values that the range cannot hold, negative ones among them, are counted in out_of_range(). count >= 0.
  void record(std::int64_t value, std::int64_t count = 1) {
    std::size_t const index = index_of(value);
    if (index < counts_.size()) [[likely]] {
      counts_[index] += count;
      in_range_ += count;
    } else {
      record_outside(value, index, count);
    }
  }

  // For closed loops, where one slow answer kept others from being asked for: also records value − interval,
  // value − 2·interval … down to interval. Takes value / expected_interval steps. An interval <= 0 corrects nothing.
  void record_corrected(std::int64_t value, std::int64_t expected_interval);

  // Sum of both. With another range than ours each slot is recorded by its lowest value, as HdrHistogram does.
  void add(Histogram const& other);

  // What was recorded since `earlier`, a former state of this histogram. Nothing if it cannot be one (a count shrank:
  // the process that counts was restarted).
  std::optional<Histogram> since(Histogram const& earlier) const;

  void reset();

  // Everything ever recorded: count() = in_range() + out_of_range(). This is the n of quantiles and the figure for
  // books.
  std::int64_t count() const { return in_range_ + out_of_range(); }
  std::int64_t in_range() const { return in_range_; }
  std::int64_t out_of_range() const { return below_range_ + above_range_; }
  std::int64_t below_range() const { return below_range_; }  // negative values
  std::int64_t above_range() const { return above_range_; }
  bool empty() const { return count() == 0; }

  // Nearest rank: the smallest recorded value with at least ⌈q·count()⌉ values at or below it (q = 0: the smallest
  // one), reported as the highest value of its slot. Negative values rank first and read as 0, values above the range
  // rank last and read as the end of the range. q is clamped to 0..1.
  std::int64_t value_at_quantile(double q) const;
  std::int64_t min() const;  // lowest value of its slot
  std::int64_t max() const;  // value_at_quantile(1)

  // Over in_range() only, each value taken as the middle of its slot.
  double mean() const;
  double stddev() const;  // of the population, divided by n

  // How many are larger than `value` and every value that cannot be told apart from it; above_range() included.
  std::int64_t count_above(std::int64_t value) const;

  struct Bucket {
    std::int64_t lowest, highest;  // both inclusive: the values of this slot cannot be told apart
    std::int64_t count;            // > 0
  };
  std::vector<Bucket> buckets() const;  // ascending, only those with a count

  HistogramRange const& range() const { return range_; }

  // Same range and the same counts.
  bool operator==(Histogram const& other) const;

  // Slots, for codecs. Slots at and past slots_in_use() are all empty.
  std::size_t slots() const { return slots_; }
  std::size_t slots_in_use() const;
  std::int64_t count_at(std::size_t slot) const { return slot < counts_.size() ? counts_[slot] : 0; }
  std::int64_t lowest_of(std::size_t slot) const;
  std::int64_t highest_of(std::size_t slot) const;

 private:
  // Slots of width 1 unit for the first 2·2^half_magnitude units, then 2^half_magnitude slots for every doubling. A
  // negative value lands past the last slot of any range, so that record() needs one comparison. Counting leading zeros
  // finds the doubling; `mask_` makes everything below the first doubling count as one.
  std::size_t index_of(std::int64_t value) const {
    auto const bits = static_cast<std::uint64_t>(value);
    auto const doubling = static_cast<unsigned>(leading_zeros_base_ - std::countl_zero(bits | mask_));
    return (std::size_t{doubling} << half_magnitude_) + static_cast<std::size_t>(bits >> (doubling + unit_magnitude_));
  }

  void record_outside(std::int64_t value, std::size_t index, std::int64_t count);
  unsigned width_magnitude(std::size_t slot) const;

  HistogramRange range_;
  unsigned unit_magnitude_;  // log2 of the width of the narrowest slot
  unsigned half_magnitude_;  // log2 of the slots per doubling
  int leading_zeros_base_;
  std::uint64_t mask_;
  std::size_t slots_;
  std::vector<std::int64_t> counts_;  // by slot; grows by whole doublings, at most to slots_
  std::int64_t in_range_ = 0;
  std::int64_t below_range_ = 0;
  std::int64_t above_range_ = 0;
};

}  // namespace assay
