#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace assay {
namespace {

TEST(random, the_same_seed_gives_the_same_stream) {
  auto a = Random::stream(42, "runner", 7);
  auto b = Random::stream(42, "runner", 7);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a(), b());
}

TEST(random, streams_differ_by_seed_name_and_index) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {1, 2})
    for (auto name : {"runner", "submitter"})
      for (std::uint64_t index : {0, 1, 2}) first.insert(Random::stream(seed, name, index)());
  EXPECT_EQ(first.size(), 12U);
}

TEST(random, exponential_has_its_mean) {
  Random random{7};
  double sum = 0;
  constexpr int n = 200'000;
  for (int i = 0; i < n; ++i) sum += random.exponential(3.0);
  EXPECT_NEAR(sum / n, 3.0, 5 * 3.0 / std::sqrt(n));  // five standard errors
}

TEST(random, below_stays_below_and_reaches_every_value) {
  Random random{7};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(5));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace assay
