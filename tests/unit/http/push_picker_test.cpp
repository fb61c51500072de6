#include "reference_coordinator/http/push_picker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace assay {
namespace {

std::vector<Candidate> some_candidates(Random& random) {
  std::vector<Candidate> candidates(1 + random.below(12));
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    auto const slots = static_cast<std::uint32_t>(1 + random.below(8));
    candidates[i] = {i, static_cast<std::uint32_t>(random.below(slots)), slots,
                     static_cast<std::uint32_t>(random.below(4))};
  }
  return candidates;
}

double least_load(std::vector<Candidate> const& candidates) {
  return std::min_element(candidates.begin(), candidates.end(),
                          [](auto const& a, auto const& b) { return a.load() < b.load(); })
      ->load();
}

TEST(PushPicker, EveryNameMakesAPickerThatChoosesACandidate) {
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random{seed};
  for (auto const name : picker_names()) {
    auto const picker = make_picker(name, seed);
    ASSERT_NE(picker, nullptr) << name;
    for (int i = 0; i < 500; ++i) {
      auto const candidates = some_candidates(random);
      EXPECT_LT(picker->pick(candidates), candidates.size()) << name;
    }
  }
  EXPECT_EQ(make_picker("roulette", seed), nullptr);
}

TEST(PushPicker, OneSeedMakesTheSameChoices) {
  for (auto const name : picker_names()) {
    auto const one = make_picker(name, 7);
    auto const other = make_picker(name, 7);
    Random random{11};
    for (int i = 0; i < 100; ++i) {
      auto const candidates = some_candidates(random);
      EXPECT_EQ(one->pick(candidates), other->pick(candidates)) << name;
    }
  }
}

TEST(PushPicker, LeastLoadedNeverTakesOneThatWorksMore) {
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random{seed};
  auto const picker = make_picker("least_loaded", seed);
  for (int i = 0; i < 2000; ++i) {
    auto const candidates = some_candidates(random);
    EXPECT_EQ(candidates[picker->pick(candidates)].load(), least_load(candidates));
  }
}

TEST(PushPicker, CapabilityAwareTakesTheLeastCapableAndOfThoseTheLeastLoaded) {
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random{seed};
  auto const picker = make_picker("capability_aware", seed);
  for (int i = 0; i < 2000; ++i) {
    auto const candidates = some_candidates(random);
    Candidate const& picked = candidates[picker->pick(candidates)];
    for (Candidate const& other : candidates) {
      EXPECT_LE(picked.capabilities, other.capabilities);
      EXPECT_TRUE(other.capabilities > picked.capabilities || picked.load() <= other.load());
    }
  }
}

TEST(PushPicker, TwoChoicesNeverTakesTheMostLoadedOfAll) {
  std::uint64_t const seed = random_seed();
  auto const picker = make_picker("two_choices", seed);
  std::vector<Candidate> const candidates{{1, 3, 4, 0}, {2, 1, 4, 0}, {3, 2, 4, 0}};
  for (int i = 0; i < 1000; ++i) EXPECT_NE(picker->pick(candidates), 0U) << "seed " << seed;
}

// Equal candidates: each is picked with probability 1/n, so its count lies within 6 standard deviations of the mean.
TEST(PushPicker, EqualsAreEquallyLikelyWithEveryPicker) {
  std::uint64_t const seed = random_seed();
  std::vector<Candidate> const candidates{{1, 1, 4, 2}, {2, 1, 4, 2}, {3, 1, 4, 2}, {4, 1, 4, 2}, {5, 1, 4, 2}};
  constexpr int draws = 20'000;
  double const share = 1.0 / static_cast<double>(candidates.size());
  double const deviation = std::sqrt(draws * share * (1 - share));
  for (auto const name : picker_names()) {
    auto const picker = make_picker(name, seed);
    std::map<std::size_t, int> counts;
    for (int i = 0; i < draws; ++i) ++counts[picker->pick(candidates)];
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      EXPECT_NEAR(counts[i], draws * share, 6 * deviation) << name << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace assay
