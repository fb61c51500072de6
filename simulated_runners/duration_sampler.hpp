// Draws run lengths. Used by RunnerMachine; the caller's random stream is handed in, so that each runner keeps its own.
#pragma once

#include "harness/base/random.hpp"
#include "harness/scenario/scenario.hpp"

namespace assay {

class DurationSampler {
 public:
  // Lengths are divided by `time_compression` > 0; `cv` of the distribution counts for lognormal only.
  DurationSampler(DurationDistribution const& distribution, double time_compression);

  Duration draw(Random& random) const;

 private:
  DurationDistribution::Shape shape_;
  double mean_;                // seconds, compressed
  double mu_ = 0, sigma_ = 0;  // of the logarithm; lognormal only
};

}  // namespace assay
