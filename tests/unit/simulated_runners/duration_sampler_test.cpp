#include "simulated_runners/duration_sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace assay {
namespace {

using Shape = DurationDistribution::Shape;

struct Moments {
  double mean, cv, min, max;
};

Moments moments(DurationDistribution const& distribution, double compression = 1) {
  constexpr int draws = 400'000;
  DurationSampler const sampler{distribution, compression};
  auto random = Random::stream(42, "run lengths");
  double sum = 0, squares = 0, min = 1e300, max = 0;
  for (int i = 0; i < draws; ++i) {
    double const x = to_seconds(sampler.draw(random));
    sum += x;
    squares += x * x;
    min = std::min(min, x);
    max = std::max(max, x);
  }
  double const mean = sum / draws;
  return {mean, std::sqrt(squares / draws - mean * mean) / mean, min, max};
}

TEST(DurationSampler, ConstantIsConstant) {
  auto const m = moments({Shape::constant, seconds{12}, 1.0});
  EXPECT_DOUBLE_EQ(m.min, 12);
  EXPECT_DOUBLE_EQ(m.max, 12);
}

TEST(DurationSampler, UniformSpansZeroToTwiceTheMean) {
  auto const m = moments({Shape::uniform, seconds{12}, 1.0});
  EXPECT_NEAR(m.mean, 12, 0.1);
  EXPECT_NEAR(m.cv, 1 / std::sqrt(3.0), 0.01);
  EXPECT_LT(m.min, 0.01);
  EXPECT_GT(m.max, 23.99);
  EXPECT_LT(m.max, 24);
}

TEST(DurationSampler, ExponentialHasItsMeanAndCvOne) {
  auto const m = moments({Shape::exponential, seconds{12}, 1.0});
  EXPECT_NEAR(m.mean, 12, 0.1);
  EXPECT_NEAR(m.cv, 1, 0.01);
}

TEST(DurationSampler, LognormalHasItsMeanAndCv) {
  for (double cv : {0.2, 0.5, 1.0, 1.5}) {
    auto const m = moments({Shape::lognormal, seconds{12}, cv});
    EXPECT_NEAR(m.mean, 12, 12 * 5 * cv / std::sqrt(400'000.0)) << cv;
    EXPECT_NEAR(m.cv, cv, 0.06 * cv) << cv;
  }
}

TEST(DurationSampler, CompressionDividesTheLength) {
  EXPECT_NEAR(moments({Shape::exponential, seconds{12}, 1.0}, 60).mean, 0.2, 0.002);
  EXPECT_NEAR(moments({Shape::lognormal, seconds{12}, 0.5}, 60).mean, 0.2, 0.002);
}

TEST(DurationSampler, AMeanOfZeroIsNoTimeAtAll) {
  auto random = Random::stream(1, "x");
  for (auto shape : {Shape::constant, Shape::uniform, Shape::exponential, Shape::lognormal}) {
    EXPECT_EQ(DurationSampler({shape, Duration{0}, 1.0}, 1).draw(random), Duration{0});
  }
}

}  // namespace
}  // namespace assay
