#include "simulated_runners/load_profile.hpp"

#include <algorithm>
#include <cmath>

namespace assay {

LoadProfile::LoadProfile(LoadProfileSpec const& spec, double base_rate, Duration warm_up, Duration measure)
    : end_{warm_up + measure} {
  using Shape = LoadProfileSpec::Shape;
  double const warming = to_seconds(warm_up);
  double const measured = to_seconds(measure);
  auto const constant = [&](double length, double factor) { add(length, base_rate * factor, base_rate * factor); };
  switch (spec.shape) {
    case Shape::steady: constant(warming + measured, 1.0); break;
    case Shape::ramp:
      constant(warming, spec.from);
      add(measured, base_rate * spec.from, base_rate * spec.to);
      break;
    case Shape::steps:
      constant(warming, spec.levels.empty() ? 1.0 : spec.levels.front());
      for (double level : spec.levels) constant(measured / static_cast<double>(spec.levels.size()), level);
      break;
    case Shape::burst: {
      double const every = to_seconds(spec.every);
      double const lasting = std::min(to_seconds(spec.lasting), every);
      double const calm = (every - lasting) / 2;
      constant(warming, 1.0);
      double left = measured;
      auto const part = [&](double length, double factor) {
        constant(std::min(length, left), factor);
        left -= std::min(length, left);
      };
      while (left > 0 && every > 0) {
        part(calm, 1.0);
        part(lasting, spec.factor);
        part(calm, 1.0);
      }
      break;
    }
  }
}

void LoadProfile::add(double length, double rate, double end_rate) {
  if (length <= 0) return;
  Segment const segment{length_, length, rate, (end_rate - rate) / length, total_};
  segments_.push_back(segment);
  length_ += length;
  total_ += segment.content(length);
}

double LoadProfile::rate_at(Duration offset) const {
  double const t = to_seconds(offset);
  for (auto const& s : segments_) {
    if (t >= s.begin && t < s.begin + s.length) return s.rate + s.slope * (t - s.begin);
  }
  return 0;
}

double LoadProfile::expected_by(Duration offset) const {
  double const t = to_seconds(offset);
  if (t <= 0 || segments_.empty()) return 0;
  if (t >= length_) return total_;
  auto const after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                      [](double at, Segment const& segment) { return at < segment.begin; });
  auto const& s = *std::prev(after);
  return s.before + s.content(t - s.begin);
}

Duration LoadProfile::when(double expected) const {
  if (segments_.empty() || expected <= 0) return Duration{0};
  // The last segment that starts with fewer runs than asked for: segments without load are skipped by themselves.
  auto const after = std::lower_bound(segments_.begin(), segments_.end(), expected,
                                      [](Segment const& segment, double at) { return segment.before < at; });
  auto const& s = *std::prev(after);
  double const x = expected - s.before;
  // Root of rate·t + slope·t²/2 = x in the form that loses no digits when the slope is small or zero.
  double const root = std::sqrt(std::max(0.0, s.rate * s.rate + 2 * s.slope * x));
  double const t = std::min(2 * x / (s.rate + root), s.length);
  return std::min(from_seconds(s.begin + t), end_);
}

}  // namespace assay
