#include "reference_coordinator/http/fair_turns.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

namespace assay {
namespace {

std::vector<std::string> const two{"source:long", "source:short"};

TEST(FairTurns, SlotsAreSharedOutWhole) {
  FairTurns turns;
  for (std::uint32_t slots : {0U, 1U, 2U, 7U, 100U}) {
    auto const counts = turns.share(slots, two);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), slots);
  }
  EXPECT_TRUE(turns.share(5, {}).empty());
}

TEST(FairTurns, SourcesOfEqualRunsGetEquallyMany) {
  FairTurns turns;
  auto const counts = turns.share(100, two);
  EXPECT_EQ(counts[0], 50U);
  EXPECT_EQ(counts[1], 50U);
}

TEST(FairTurns, ASourceOfTenTimesLongerRunsGetsATenthAsMany) {
  FairTurns turns;
  turns.finished(two[0], seconds{10});
  turns.finished(two[1], seconds{1});
  std::uint32_t longs = 0, shorts = 0;
  for (int i = 0; i < 110; ++i) {  // one slot at a time, as they come free
    auto const counts = turns.share(1, two);
    longs += counts[0];
    shorts += counts[1];
  }
  EXPECT_EQ(longs, 10U);
  EXPECT_EQ(shorts, 100U);
}

TEST(FairTurns, AnIdleSourceSavesNothingUp) {
  FairTurns turns;
  for (int i = 0; i < 1000; ++i) {
    auto const counts = turns.share(10, two);
    turns.unused(two[0], counts[0]);  // it never has anything
  }
  auto const counts = turns.share(100, two);
  EXPECT_LE(counts[0], 51U);
}

// Whatever the lengths and however slots come free: while all have runs waiting, the time given to any two sources
// differs by at most two quanta, each the longest mean there is (deficit round robin's own bound, for whole rounds and
// the one under way).
TEST(FairTurns, BackloggedSourcesGetTheSameTimeToWithinTwoQuanta) {
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random{seed};
  for (int trial = 0; trial < 50; ++trial) {
    FairTurns turns;
    std::vector<std::string> sources;
    double quantum = 0;
    for (std::size_t i = 0; i < 2 + random.below(5); ++i) {
      sources.push_back("source:" + std::to_string(i));
      turns.finished(sources.back(), milliseconds{1 + random.below(1000)});
      quantum = std::max(quantum, turns.cost_of(sources.back()));
    }
    std::map<std::string, double> given;
    for (int i = 0; i < 300; ++i) {
      auto const counts = turns.share(static_cast<std::uint32_t>(1 + random.below(20)), sources);
      for (std::size_t s = 0; s < sources.size(); ++s) given[sources[s]] += counts[s] * turns.cost_of(sources[s]);
    }
    for (auto const& [one, time] : given) {
      for (auto const& [other, other_time] : given) EXPECT_LE(time - other_time, 2 * quantum + 1e-6) << one << other;
    }
  }
}

TEST(FairTurns, AnUnknownSourceCostsWhatTheOthersDo) {
  FairTurns turns;
  turns.finished("source:a", seconds{2});
  turns.finished("source:b", seconds{4});
  EXPECT_DOUBLE_EQ(turns.cost_of("source:new"), 3.0);
}

}  // namespace
}  // namespace assay
