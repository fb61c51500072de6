// When runs are due: a precomputed open-loop schedule, whatever the coordinator does meanwhile. The submitter asks for
// one offset after the other. Values only: no clock, no sleeping, no accumulated error, and one seed gives one
// schedule.
#pragma once

#include "harness/base/random.hpp"
#include "simulated_runners/load_profile.hpp"

#include <optional>

namespace assay {

// Positions on the axis of expected runs. Even: ½, 1½, 2½, … (the middle of each run's share, so that a phase of n
// expected runs gets n of them). Poisson: the running sum of exponentials with mean 1, which the profile's inverse
// turns into a Poisson process of the profile's rate (time-change of a unit-rate process; Çinlar 1975, section 4.7).
class ArrivalProcess {
 public:
  ArrivalProcess(LoadSpec::Arrivals kind, Random random) : kind_{kind}, random_{random} {}

  double next() {
    position_ += kind_ == LoadSpec::Arrivals::poisson ? random_.exponential(1.0) : position_ == 0 ? 0.5 : 1.0;
    return position_;
  }

 private:
  LoadSpec::Arrivals kind_;
  Random random_;
  double position_ = 0;
};

class ArrivalSchedule {
 public:
  ArrivalSchedule(LoadProfile profile, ArrivalProcess process)
      : profile_{std::move(profile)}, process_{std::move(process)} {}

  // Offset of the next arrival from the start of the warm-up, never decreasing, below profile.end(); nothing: that was
  // all.
  std::optional<Duration> next() {
    if (over_) return std::nullopt;
    double const position = process_.next();
    Duration const offset = profile_.when(position);
    over_ = position > profile_.total() || offset >= profile_.end();
    return over_ ? std::nullopt : std::optional{offset};
  }

 private:
  LoadProfile profile_;
  ArrivalProcess process_;
  bool over_ = false;
};

}  // namespace assay
