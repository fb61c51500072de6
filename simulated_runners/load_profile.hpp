// The offered rate over a trial as a function of time, and its integral and inverse in closed form. ArrivalSchedule
// turns them into arrivals; nothing here reads a clock, so nothing can drift. Easy to get wrong: offsets count from the
// start of the *warm-up*, during which the profile stands at its start value; the shape itself spans the measured
// phase. A new shape is a few lines in the constructor: every profile is a list of segments whose rate is constant or
// changes linearly.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/scenario/scenario.hpp"

#include <vector>

namespace assay {

class LoadProfile {
 public:
  // `base_rate` ≥ 0: runs per second at factor 1. Bursts lie in the middle of each `every`, so that the phase starts
  // calm and the aftermath of the last burst is still measured.
  LoadProfile(LoadProfileSpec const& spec, double base_rate, Duration warm_up, Duration measure);

  double rate_at(Duration offset) const;      // runs per second; 0 outside [0, end())
  double expected_by(Duration offset) const;  // runs due in [0, offset)
  Duration when(double expected) const;       // the inverse; `expected` in [0, total()]
  double total() const { return total_; }
  Duration end() const { return end_; }  // warm-up + measured phase

 private:
  struct Segment {
    double begin, length;  // seconds
    double rate, slope;    // runs per second at `begin`; runs per second²
    double before;         // runs due before `begin`

    double content(double t) const { return t * (rate + slope * t / 2); }
  };

  void add(double length, double rate, double end_rate);

  std::vector<Segment> segments_;  // without gaps, none of length 0
  double total_ = 0;
  double length_ = 0;
  Duration end_;
};

}  // namespace assay
