// Containers that one orchestrator keeps ready, so that a run needs no cold start. Fed with times: no clock, no timer.
// Full at the beginning; while it isn't, one container is made at a time, each in `refill`. So it is a token bucket: in
// any time t it can serve at most size + t ÷ refill runs, whatever their order. Easy to get wrong: the container under
// way was begun when the pool stopped being full, not when somebody asks.
#pragma once

#include "harness/base/clock.hpp"

namespace assay {

class WarmPool {
 public:
  // size ≥ 0; refill > 0.
  WarmPool(int size, Duration refill) : size_{size}, refill_{refill}, ready_{size} {}

  // True: there was one, and it is gone now. Times must not go back.
  bool take(TimePoint now);
  int ready(TimePoint now);

 private:
  void advance(TimePoint now);

  int size_;
  Duration refill_;
  int ready_;
  TimePoint next_ready_;  // of the one being made; means nothing when full
};

}  // namespace assay
