// When to connect again after a connection broke or could not be made: at once, then after pauses that double up to two
// seconds. Used by everything that keeps a connection to a server (the links of the PostgreSQL and Redis backends).
// Easy to get wrong: a connection that breaks off as soon as it is made says nothing good about the server, so only one
// that has lasted starts the pauses anew; else a server that accepts and hangs up would be a busy loop.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/random.hpp"

#include <optional>

namespace assay {

class ReconnectPause {
 public:
  static constexpr Duration first = milliseconds{20};
  static constexpr Duration longest = seconds{2};
  static constexpr Duration lasting = seconds{1};  // a connection that was good

  explicit ReconnectPause(std::uint64_t seed) : random_{seed} {}

  void connected(TimePoint now) { connected_at_ = now; }
  // After a break, or an attempt that failed. Half of each pause is left to chance, so that the links of all
  // coordinators do not come back in step.
  TimePoint next_try(TimePoint now);

 private:
  Random random_;
  std::optional<TimePoint> connected_at_;
  Duration pause_{};
};

}  // namespace assay
