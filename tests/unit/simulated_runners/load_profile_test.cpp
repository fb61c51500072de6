#include "simulated_runners/load_profile.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay {
namespace {

using Shape = LoadProfileSpec::Shape;

LoadProfileSpec ramp(double from, double to) {
  LoadProfileSpec spec;
  spec.shape = Shape::ramp;
  spec.from = from;
  spec.to = to;
  return spec;
}

LoadProfileSpec steps(std::vector<double> levels) {
  LoadProfileSpec spec;
  spec.shape = Shape::steps;
  spec.levels = std::move(levels);
  return spec;
}

LoadProfileSpec burst(Duration every, Duration lasting, double factor) {
  LoadProfileSpec spec;
  spec.shape = Shape::burst;
  spec.every = every;
  spec.lasting = lasting;
  spec.factor = factor;
  return spec;
}

std::vector<LoadProfile> every_shape() {
  return {LoadProfile{{}, 50, seconds{5}, seconds{40}},
          LoadProfile{ramp(0, 2), 50, seconds{5}, seconds{40}},
          LoadProfile{ramp(3, 0), 50, seconds{5}, seconds{40}},
          LoadProfile{steps({1, 0, 4}), 50, seconds{5}, seconds{40}},
          LoadProfile{burst(seconds{7}, seconds{2}, 9), 50, seconds{5}, seconds{40}},
          LoadProfile{burst(seconds{7}, seconds{2}, 0), 50, Duration{0}, seconds{40}}};
}

TEST(LoadProfile, SteadyIsRateTimesTimeThroughWarmUpAndMeasure) {
  LoadProfile const profile{{}, 100, seconds{5}, seconds{40}};
  EXPECT_DOUBLE_EQ(profile.total(), 4500);
  EXPECT_DOUBLE_EQ(profile.expected_by(seconds{5}), 500);
  EXPECT_EQ(profile.when(500), Duration{seconds{5}});
  EXPECT_EQ(profile.end(), Duration{seconds{45}});
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{44}), 100);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{45}), 0);
}

TEST(LoadProfile, RampWarmsUpAtItsStartAndThenChangesLinearly) {
  LoadProfile const profile{ramp(0.5, 1.5), 100, seconds{10}, seconds{40}};
  EXPECT_DOUBLE_EQ(profile.expected_by(seconds{10}), 500);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{9}), 50);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{30}), 100);
  // A quarter into the ramp: 50 + 75 runs/s, on average 62.5, over 10 s.
  EXPECT_NEAR(profile.expected_by(seconds{20}), 500 + 625, 1e-9);
  EXPECT_DOUBLE_EQ(profile.total(), 500 + 4000);
}

TEST(LoadProfile, StepsAreEquallyLongAndWarmUpStandsOnTheFirst) {
  LoadProfile const profile{steps({2, 1, 4}), 10, seconds{3}, seconds{30}};
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{1}), 20);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{12}), 20);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{14}), 10);
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{32}), 40);
  EXPECT_DOUBLE_EQ(profile.total(), 60 + 200 + 100 + 400);
}

TEST(LoadProfile, BurstsLieInTheMiddleOfEachPeriod) {
  LoadProfile const profile{burst(seconds{10}, seconds{2}, 5), 100, seconds{5}, seconds{30}};
  EXPECT_DOUBLE_EQ(profile.rate_at(seconds{4}), 100);
  EXPECT_DOUBLE_EQ(profile.rate_at(milliseconds{8'900}), 100);
  EXPECT_DOUBLE_EQ(profile.rate_at(milliseconds{9'100}), 500);
  EXPECT_DOUBLE_EQ(profile.rate_at(milliseconds{10'900}), 500);
  EXPECT_DOUBLE_EQ(profile.rate_at(milliseconds{11'100}), 100);
  EXPECT_NEAR(profile.total(), 500 + 3 * (800 + 1000), 1e-6);
}

TEST(LoadProfile, WhenIsTheInverseOfExpectedBy) {
  for (auto const& profile : every_shape()) {
    for (double expected = 0.25; expected < profile.total(); expected += 0.75) {
      Duration const at = profile.when(expected);
      ASSERT_NEAR(profile.expected_by(at), expected, 1e-5) << to_seconds(at);
    }
  }
}

TEST(LoadProfile, WhenNeverGoesBackAndStaysWithinTheTrial) {
  for (auto const& profile : every_shape()) {
    Duration before{0};
    for (double expected = 0; expected <= profile.total(); expected += 0.37) {
      Duration const at = profile.when(expected);
      ASSERT_GE(at, before);
      ASSERT_LE(at, profile.end());
      before = at;
    }
  }
}

TEST(LoadProfile, NothingIsDueWhileTheFactorIsZero) {
  LoadProfile const profile{steps({1, 0, 1}), 10, Duration{0}, seconds{30}};
  EXPECT_DOUBLE_EQ(profile.expected_by(seconds{10}), profile.expected_by(seconds{20}));
  EXPECT_GT(profile.when(100.001), Duration{seconds{20}});
}

TEST(LoadProfile, WithoutLoadNothingIsExpected) {
  LoadProfile const profile{{}, 0, seconds{5}, seconds{40}};
  EXPECT_EQ(profile.total(), 0);
  EXPECT_EQ(profile.expected_by(seconds{40}), 0);
}

}  // namespace
}  // namespace assay
