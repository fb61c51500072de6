// What timers wait for: the steady clock, and within a simulation a time that stands still while anything can be done
// and jumps to the next timer when nothing can. The one seam by which coroutines, schedules and time-outs of the real
// program run on simulated time, unchanged: io_context::run_one() just never waits. Easy to get wrong: it is a matter
// of the thread, so make the SimulatedTime before the first io_context and destroy it after the last, and hand it to
// whoever takes a Clock.
#pragma once

#include "harness/base/clock.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace assay {

class SimulatedTime final : public Clock {
 public:
  // Throws std::logic_error where timerfd works: only without it does Asio ask how long to wait just when it would wait
  // (tests/simulation/no_timerfd.cpp).
  explicit SimulatedTime(TimePoint start) : now_{start}, before_{std::exchange(of_this_thread, this)} {
    if (int const timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); timer >= 0) {
      ::close(timer);
      of_this_thread = before_;
      throw std::logic_error{"simulated time needs a program in which timerfd_create() fails"};
    }
  }
  ~SimulatedTime() override { of_this_thread = before_; }
  SimulatedTime(SimulatedTime const&) = delete;
  SimulatedTime& operator=(SimulatedTime const&) = delete;

  TimePoint now() const override { return now_; }
  std::uint64_t unix_ms() const override {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count());
  }

 private:
  friend struct TimerClock;
  friend struct TimerWait;
  constinit static inline thread_local SimulatedTime* of_this_thread = nullptr;

  static constexpr Duration forever = std::chrono::hours{24 * 365};

  // Nothing is left to do for this long.
  void jump(Duration ahead) {
    if (ahead > forever) throw std::logic_error{"simulated time: everybody waits for something that cannot happen"};
    if (ahead > Duration{0}) now_ += ahead;
  }

  TimePoint now_;
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
  static Duration to_wait_duration(Duration left) {
    auto* const simulated = SimulatedTime::of_this_thread;
    if (simulated == nullptr) return left;
    simulated->jump(left);
    return Duration{0};
  }
  static Duration to_wait_duration(TimePoint when) { return to_wait_duration(when - TimerClock::now()); }
};

}  // namespace assay
