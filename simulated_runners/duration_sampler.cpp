#include "simulated_runners/duration_sampler.hpp"

#include <cmath>
#include <numbers>

namespace assay {

// The logarithm of a lognormal has variance ln(1 + cv²) and mean ln(mean) − variance/2.
DurationSampler::DurationSampler(DurationDistribution const& distribution, double time_compression)
    : shape_{distribution.shape}, mean_{to_seconds(distribution.mean) / time_compression} {
  if (shape_ != DurationDistribution::Shape::lognormal || mean_ <= 0) return;
  double const variance = std::log1p(distribution.cv * distribution.cv);
  sigma_ = std::sqrt(variance);
  mu_ = std::log(mean_) - variance / 2;
}

Duration DurationSampler::draw(Random& random) const {
  using Shape = DurationDistribution::Shape;
  if (mean_ <= 0) return Duration{0};
  switch (shape_) {
    case Shape::constant: break;
    case Shape::uniform: return from_seconds(2 * mean_ * random.uniform());
    case Shape::exponential: return from_seconds(random.exponential(mean_));
    case Shape::lognormal: {
      // Box and Muller 1958, with two independent uniforms; 1 − u keeps the logarithm finite.
      double const radius = std::sqrt(-2 * std::log(1 - random.uniform()));
      double const normal = radius * std::cos(2 * std::numbers::pi * random.uniform());
      return from_seconds(std::exp(mu_ + sigma_ * normal));
    }
  }
  return from_seconds(mean_);
}

}  // namespace assay
