#include "harness/histogram/histogram.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <stdexcept>

namespace assay {
namespace {

constexpr HistogramRange microseconds_of_an_hour{1, 3'600'000'000, 3};
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

// ASSAY_SEED replays a failure.
std::uint64_t test_seed() {
  char const* const given = std::getenv("ASSAY_SEED");
  return given != nullptr ? std::stoull(given) : random_seed();
}

// Spread evenly over the orders of magnitude up to `limit`, as latencies are.
std::int64_t log_uniform(Random& random, std::int64_t limit) {
  return static_cast<std::int64_t>(std::exp(random.uniform() * std::log(static_cast<double>(limit))));
}

// Nearest rank by definition: the smallest value with at least q·n values at or below it. In integers, so that 0.9 of
// 3,370 is 3,033 and not the 3,034 of a q that is a little more than 0.9.
std::int64_t nearest_rank(std::vector<std::int64_t> const& sorted, std::size_t q_in_10000ths) {
  std::size_t rank = 1;
  while (rank * 10'000 < q_in_10000ths * sorted.size()) ++rank;
  return sorted[rank - 1];
}

TEST(histogram, empty_answers_zero_and_says_that_it_is_empty) {
  Histogram const histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.value_at_quantile(0.5), 0);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.stddev(), 0);
  EXPECT_EQ(histogram.count_above(0), 0);
  EXPECT_TRUE(histogram.buckets().empty());
}

TEST(histogram, every_slot_follows_its_neighbour_and_keeps_the_promised_width) {
  for (HistogramRange const range :
       {HistogramRange{}, microseconds_of_an_hour, HistogramRange{1, 300, 3}, HistogramRange{1, 2, 0},
        HistogramRange{1000, largest, 2}, HistogramRange{7, 1'000'000, 5}}) {
    Histogram const histogram{range};
    auto const slots = histogram.slots();
    ASSERT_EQ(histogram.lowest_of(0), 0);
    ASSERT_GE(histogram.highest_of(slots - 1), range.highest_trackable);
    double const error = std::pow(10, -range.significant_digits);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      auto const lowest = histogram.lowest_of(slot);
      auto const highest = histogram.highest_of(slot);
      ASSERT_TRUE(slot == 0 || lowest == histogram.highest_of(slot - 1) + 1) << slot;
      auto const width = highest - lowest + 1;
      ASSERT_TRUE(width <= range.lowest_discernible ||
                  static_cast<double>(width) <= error * static_cast<double>(lowest))
          << slot;
    }
  }
}

TEST(histogram, a_value_is_counted_in_the_slot_that_holds_it) {
  Random random{test_seed()};
  for (HistogramRange const range : {HistogramRange{}, microseconds_of_an_hour, HistogramRange{1, largest, 3}}) {
    for (int i = 0; i < 2'000; ++i) {
      auto const value = log_uniform(random, range.highest_trackable);
      Histogram histogram{range};
      histogram.record(value);
      auto const buckets = histogram.buckets();
      ASSERT_EQ(buckets.size(), 1U);
      ASSERT_LE(buckets[0].lowest, value);
      ASSERT_GE(buckets[0].highest, value);
      ASSERT_EQ(buckets[0].count, 1);
    }
  }
}

TEST(histogram, quantiles_are_within_the_promised_error_of_a_sorted_vector) {
  auto const seed = test_seed();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  for (std::uint64_t round = 0; round < 20; ++round) {
    auto random = Random::stream(seed, "quantiles", round);
    HistogramRange const range{1, 3'600'000'000'000, 1 + static_cast<int>(random.below(4))};
    Histogram histogram{range};
    std::vector<std::int64_t> values(1 + random.below(5'000));
    for (auto& value : values) histogram.record(value = log_uniform(random, range.highest_trackable));
    std::sort(values.begin(), values.end());
    double const error = std::pow(10, -range.significant_digits);
    for (std::size_t q : {0, 100, 700, 1'000, 2'500, 5'000, 7'500, 9'000, 9'500, 9'900, 9'990, 9'999, 10'000}) {
      auto const truth = nearest_rank(values, q);
      auto const answer = histogram.value_at_quantile(static_cast<double>(q) / 10'000);
      ASSERT_GE(answer, truth) << "q " << q << " n " << values.size();
      ASSERT_LE(static_cast<double>(answer - truth), error * static_cast<double>(truth) + 1)
          << "q " << q << " n " << values.size();
    }
    for (int i = 0; i < 100; ++i) {
      auto const limit = log_uniform(random, range.highest_trackable);
      auto const& slot_end = [&] {
        Histogram probe{range};
        probe.record(limit);
        return probe.max();
      }();
      auto const above = values.end() - std::upper_bound(values.begin(), values.end(), slot_end);
      ASSERT_EQ(histogram.count_above(limit), above) << limit;
    }
    double sum = 0;
    for (auto value : values) sum += static_cast<double>(value);
    double const mean = sum / static_cast<double>(values.size());
    double squares = 0;
    for (auto value : values) squares += std::pow(static_cast<double>(value) - mean, 2);
    double const stddev = std::sqrt(squares / static_cast<double>(values.size()));
    ASSERT_NEAR(histogram.mean(), mean, error * mean + 1);
    ASSERT_NEAR(histogram.stddev(), stddev, error * (mean + stddev) + 1);
    ASSERT_LE(histogram.min(), values.front());
    ASSERT_GE(histogram.max(), values.back());
  }
}

TEST(histogram, rank_is_exact_where_floating_point_is_not) {
  for (std::int64_t n : {10, 100, 1'000, 10'000}) {
    Histogram histogram{{1, 100'000, 5}};
    for (std::int64_t value = 1; value <= n; ++value) histogram.record(value);
    for (std::int64_t percent = 1; percent <= 100; ++percent) {
      ASSERT_EQ(histogram.value_at_quantile(static_cast<double>(percent) / 100), (percent * n + 99) / 100)
          << percent << " % of " << n;
    }
  }
}

TEST(histogram, correction_adds_what_coordinated_omission_hid) {
  Histogram histogram{microseconds_of_an_hour};
  for (int i = 0; i < 10'000; ++i) histogram.record_corrected(1'000, 10'000);
  histogram.record_corrected(100'000'000, 10'000);
  EXPECT_EQ(histogram.count(), 20'000);
  EXPECT_NEAR(static_cast<double>(histogram.value_at_quantile(0.50)), 1e3, 1e0);
  EXPECT_NEAR(static_cast<double>(histogram.value_at_quantile(0.75)), 5e7, 5e4);
  EXPECT_NEAR(static_cast<double>(histogram.value_at_quantile(0.90)), 8e7, 8e4);
  EXPECT_NEAR(static_cast<double>(histogram.value_at_quantile(0.99)), 9.8e7, 9.8e4);
}

TEST(histogram, correction_without_an_interval_or_of_a_short_value_adds_nothing) {
  Histogram histogram;
  histogram.record_corrected(5'000'000, 0);
  histogram.record_corrected(5'000'000, -1);
  histogram.record_corrected(5'000'000, 2'500'001);
  histogram.record_corrected(-5'000'000, 1'000);
  EXPECT_EQ(histogram.count(), 4);
}

TEST(histogram, correction_of_a_value_above_the_range_counts_every_step) {
  Histogram histogram{{1, 1'000'000, 3}};
  auto const top = histogram.highest_of(histogram.slots() - 1);
  histogram.record_corrected(3 * top, 1'000);
  std::int64_t in_range = 0, above = 1;
  for (auto missing = 3 * top - 1'000; missing >= 1'000; missing -= 1'000) ++(missing > top ? above : in_range);
  EXPECT_EQ(histogram.in_range(), in_range);
  EXPECT_EQ(histogram.above_range(), above);
  histogram.record_corrected(largest, 1'000'000);  // ends, and does not overflow
}

TEST(histogram, what_does_not_fit_is_counted_and_keeps_its_place_in_the_order) {
  Histogram histogram{{1, 1'000'000, 3}};
  auto const top = histogram.highest_of(histogram.slots() - 1);
  for (std::int64_t value : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::min(), -largest})
    histogram.record(value);
  for (std::int64_t value : {top + 1, largest}) histogram.record(value);
  histogram.record(500, 5);
  EXPECT_EQ(histogram.count(), 10);
  EXPECT_EQ(histogram.in_range(), 5);
  EXPECT_EQ(histogram.out_of_range(), 5);
  EXPECT_EQ(histogram.below_range(), 3);
  EXPECT_EQ(histogram.above_range(), 2);
  EXPECT_EQ(histogram.value_at_quantile(0.3), 0);
  EXPECT_EQ(histogram.value_at_quantile(0.31), 500);
  EXPECT_EQ(histogram.value_at_quantile(0.8), 500);
  EXPECT_EQ(histogram.value_at_quantile(0.81), top);
  EXPECT_EQ(histogram.max(), top);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.count_above(499), 7);
  EXPECT_EQ(histogram.count_above(500), 2);
  EXPECT_EQ(histogram.count_above(largest), 2);
  EXPECT_EQ(histogram.count_above(-1), 7);
  EXPECT_EQ(histogram.mean(), 500);
}

TEST(histogram, the_ends_of_the_range_fit) {
  for (HistogramRange const range :
       {HistogramRange{}, HistogramRange{1, largest, 3}, HistogramRange{1, 2, 0}, HistogramRange{1, 2, 5}}) {
    Histogram histogram{range};
    histogram.record(0);
    histogram.record(range.highest_trackable);
    EXPECT_EQ(histogram.in_range(), 2);
    EXPECT_GE(histogram.max(), range.highest_trackable);
    EXPECT_EQ(histogram.min(), 0);
  }
}

TEST(histogram, merging_parts_gives_the_whole) {
  auto const seed = test_seed();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Random random{seed};
  Histogram whole;
  std::vector<Histogram> parts(5);
  for (int i = 0; i < 20'000; ++i) {
    auto const value = log_uniform(random, largest) * (random.below(100) == 0 ? -1 : 1);
    whole.record(value);
    parts[random.below(parts.size())].record(value);
  }
  Histogram sum;
  for (auto const& part : parts) sum.add(part);
  EXPECT_EQ(sum, whole);
  EXPECT_EQ(sum.count(), 20'000);
  Histogram backwards;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) backwards.add(*part);
  EXPECT_EQ(backwards, whole);
}

TEST(histogram, merging_another_range_keeps_every_count) {
  Histogram coarse{{1, 1'000'000, 1}};
  coarse.record(12'345, 7);
  coarse.record(-5);
  Histogram narrow{{1, 1'000, 3}};
  narrow.record(10);
  narrow.add(coarse);
  EXPECT_EQ(narrow.count(), 9);
  EXPECT_EQ(narrow.above_range(), 7);
  EXPECT_EQ(narrow.below_range(), 1);
}

TEST(histogram, the_difference_of_two_snapshots_is_what_came_between) {
  Histogram growing;
  growing.record(1'000'000, 3);
  growing.record(-1);
  Histogram const earlier = growing;
  Histogram between;
  for (auto* histogram : {&growing, &between}) {
    histogram->record(1'000'000);
    histogram->record(2'000'000'000, 2);
    histogram->record(largest);
  }
  ASSERT_TRUE(growing.since(earlier));
  EXPECT_EQ(*growing.since(earlier), between);
  EXPECT_EQ(*growing.since(growing), Histogram{});
}

TEST(histogram, there_is_no_difference_to_a_histogram_that_was_no_former_state) {
  Histogram before, restarted;
  before.record(1'000, 5);
  restarted.record(1'000, 4);
  restarted.record(1'000'000, 100);
  EXPECT_FALSE(restarted.since(before));
  EXPECT_FALSE(Histogram{}.since(before));
  EXPECT_FALSE(Histogram(microseconds_of_an_hour).since(Histogram{}));
}

TEST(histogram, equality_looks_at_counts_and_not_at_their_history) {
  Histogram a, b;
  a.record(3'000'000'000'000);
  a.reset();
  EXPECT_EQ(a, b);
  EXPECT_TRUE(a.empty());
  a.record(5'000);
  EXPECT_NE(a, b);
  b.record(5'001);  // the same 64 ns
  EXPECT_EQ(a, b);
  b.record(-1);
  EXPECT_NE(a, b);
  EXPECT_NE(Histogram{microseconds_of_an_hour}, Histogram{});
}

TEST(histogram, an_impossible_range_is_refused_with_a_reason) {
  for (HistogramRange const range :
       {HistogramRange{0, 100, 3}, HistogramRange{-1, 100, 3}, HistogramRange{60, 100, 3}, HistogramRange{1, 100, 6},
        HistogramRange{1, 100, -1}, HistogramRange{std::int64_t{1} << 55, largest, 3}}) {
    EXPECT_TRUE(range.problem());
    EXPECT_THROW(Histogram{range}, std::invalid_argument);
  }
}

}  // namespace
}  // namespace assay
