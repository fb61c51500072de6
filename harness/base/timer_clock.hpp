// What timers wait for: the steady clock, and within a simulation the time that stands still until nothing is left to
// do and then jumps to the next timer. The one seam by which coroutines, schedules and time-outs of the real program
// run on simulated time, unchanged. Easy to get wrong: it is a matter of the thread, so make the SimulatedTime before
// the first Timer and destroy it after the last, and hand it to whoever takes a Clock.
//
//   SimulatedTime time{start};
//   while (!done) {
//     context.poll();             // everything that is ready at this moment
//     if (!done && !time.jump()) … // nobody waits for time any more: a deadlock
//   }
#pragma once

#include "harness/base/clock.hpp"

#include <utility>

namespace assay {

class SimulatedTime final : public Clock {
 public:
  explicit SimulatedTime(TimePoint start) : now_{start}, before_{std::exchange(of_this_thread, this)} {}
  ~SimulatedTime() override { of_this_thread = before_; }
  SimulatedTime(SimulatedTime const&) = delete;
  SimulatedTime& operator=(SimulatedTime const&) = delete;

  TimePoint now() const override { return now_; }
  std::uint64_t unix_ms() const override {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count());
  }

  // To the earliest timer, or to one that was cancelled meanwhile: nothing happens then. False: there is none.
  bool jump() {
    if (next_ <= now_ || next_ == TimePoint::max()) return false;
    now_ = next_;
    return true;
  }

 private:
  friend struct TimerClock;
  friend struct TimerWait;
  constinit static inline thread_local SimulatedTime* of_this_thread = nullptr;

  TimePoint now_;
  TimePoint next_ = TimePoint::max();
  SimulatedTime* before_;
};

// As Asio wants a clock and its wait traits to be.
struct TimerClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = TimePoint;
  static constexpr bool is_steady = true;

  static TimePoint now() {
    auto const* const simulated = SimulatedTime::of_this_thread;
    return simulated != nullptr ? simulated->now_ : std::chrono::steady_clock::now();
  }
};

struct TimerWait {
  // Asio asks this with the time left to its earliest timer whenever it sets its one timer of the kernel. In a
  // simulation that one is to fire at once, so that each poll() looks for timers that are due; and who jumps has to
  // know where to.
  static Duration to_wait_duration(Duration left) {
    auto* const simulated = SimulatedTime::of_this_thread;
    if (simulated == nullptr) return left;
    simulated->next_ = simulated->now_ + left;
    return Duration{0};
  }
  static Duration to_wait_duration(TimePoint when) { return to_wait_duration(when - TimerClock::now()); }
};

}  // namespace assay
