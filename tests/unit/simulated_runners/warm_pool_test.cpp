#include "simulated_runners/warm_pool.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

TimePoint const begin{seconds{1000}};

TEST(WarmPool, StartsFullAndServesAsManyAsItHolds) {
  WarmPool pool{3, seconds{2}};
  EXPECT_EQ(pool.ready(begin), 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.take(begin));
  EXPECT_FALSE(pool.take(begin));
  EXPECT_EQ(pool.ready(begin), 0);
}

TEST(WarmPool, MakesOneContainerAtATime) {
  WarmPool pool{2, seconds{2}};
  pool.take(begin);
  pool.take(begin + seconds{1});  // the first one's replacement is half done
  EXPECT_FALSE(pool.take(begin + milliseconds{1999}));
  EXPECT_TRUE(pool.take(begin + seconds{2}));
  EXPECT_EQ(pool.ready(begin + seconds{4}), 1);
  EXPECT_EQ(pool.ready(begin + seconds{5}), 1);
  EXPECT_EQ(pool.ready(begin + seconds{6}), 2);
  EXPECT_EQ(pool.ready(begin + seconds{60}), 2) << "never more than its size";
}

TEST(WarmPool, BeginsTheNextOneWhenItStopsBeingFullNotWhenAsked) {
  WarmPool pool{1, seconds{2}};
  pool.take(begin + seconds{10});
  EXPECT_FALSE(pool.take(begin + seconds{11}));
  EXPECT_TRUE(pool.take(begin + seconds{12}));
}

TEST(WarmPool, OfSizeZeroIsNoPool) {
  WarmPool pool{0, seconds{2}};
  EXPECT_FALSE(pool.take(begin));
  EXPECT_FALSE(pool.take(begin + std::chrono::hours{1}));
}

// What a token bucket can give: in any time t no more than size + t ÷ refill; and everything when demand is lower than
// the refill can follow.
TEST(WarmPool, IsATokenBucketForAnyDemand) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    auto random = Random::stream(seed, "warm pool");
    int const size = 1 + static_cast<int>(random.below(8));
    Duration const refill = milliseconds{1 + random.below(2000)};
    Duration const mean_gap = milliseconds{1 + random.below(2000)};
    WarmPool pool{size, refill};
    std::vector<TimePoint> hits;
    TimePoint now = begin;
    for (int i = 0; i < 200; ++i) {
      now += from_seconds(random.exponential(to_seconds(mean_gap)));
      if (pool.take(now)) hits.push_back(now);
      ASSERT_GE(pool.ready(now), 0);
      ASSERT_LT(pool.ready(now), size) << "one was just taken, or there was none";
    }
    for (std::size_t first = 0; first < hits.size(); ++first) {
      for (std::size_t last = first; last < hits.size(); ++last) {
        auto const served = static_cast<std::int64_t>(last - first + 1);
        // One may have been nearly done when the time began.
        ASSERT_LE(served, size + 1 + (hits[last] - hits[first]) / refill);
      }
    }
  }
}

TEST(WarmPool, ServesEveryRunThatComesSlowerThanItRefills) {
  WarmPool pool{1, seconds{2}};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.take(begin + i * seconds{2}));
  WarmPool slow{1, seconds{2}};
  int hits = 0;
  for (int i = 0; i < 1000; ++i) hits += slow.take(begin + i * seconds{1}) ? 1 : 0;
  EXPECT_EQ(hits, 500) << "half of twice the demand";
}

}  // namespace
}  // namespace assay
