#include "harness/histogram/log_summary.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using namespace std::chrono_literals;

Histogram of(HistogramRange const& range, std::initializer_list<std::int64_t> values) {
  Histogram histogram{range};
  for (auto value : values) histogram.record(value);
  return histogram;
}

TEST(log_summary, adds_up_the_intervals_of_each_tag_and_of_all) {
  HistogramRange const range{1, 1'000'000, 3};
  HistogramLog log;
  log.entries.push_back({"b", 0s, 1s, of(range, {100, 200})});
  log.entries.push_back({"a", 0s, 1s, of(range, {5})});
  log.entries.push_back({"b", 4s, 2s, of(range, {300})});
  auto const summary = summarize(log);
  ASSERT_EQ(summary.tags.size(), 2U);
  EXPECT_EQ(summary.tags[0].tag, "b");
  EXPECT_EQ(summary.tags[0].intervals, 2U);
  EXPECT_EQ(summary.tags[0].begin, Duration{0s});
  EXPECT_EQ(summary.tags[0].end, Duration{6s});
  EXPECT_EQ(summary.tags[0].histogram, of(range, {100, 200, 300}));
  EXPECT_EQ(summary.tags[1].histogram, of(range, {5}));
  EXPECT_EQ(summary.all.intervals, 3U);
  EXPECT_EQ(summary.all.histogram, of(range, {5, 100, 200, 300}));
}

// Intervals of one tag may come from recorders that grew, or from several tools.
TEST(log_summary, loses_no_value_of_intervals_with_different_ranges) {
  HistogramLog log;
  log.entries.push_back({"", 0s, 1s, of({1, 300, 2}, {7, 250})});
  log.entries.push_back({"", 1s, 1s, of({1'000, 3'600'000'000, 4}, {2'000'000'000})});
  auto const summary = summarize(log);
  EXPECT_EQ(summary.all.histogram.count(), 3);
  EXPECT_EQ(summary.all.histogram.out_of_range(), 0);
  EXPECT_EQ(summary.all.histogram.min(), 7);
  EXPECT_NEAR(static_cast<double>(summary.all.histogram.max()), 2e9, 2e5);
}

TEST(log_summary, of_an_empty_log_is_empty) {
  auto const summary = summarize({});
  EXPECT_TRUE(summary.tags.empty());
  EXPECT_EQ(summary.all.intervals, 0U);
  EXPECT_TRUE(summary.all.histogram.empty());
}

}  // namespace
}  // namespace assay
