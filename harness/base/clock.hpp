// Time as the project uses it: one monotonic clock, handed in. Only SystemClock reads the machine's clock, so that
// everything that decides can run on a ManualClock in a test. The steady clock is CLOCK_MONOTONIC, which all processes
// of one host share: time points of generator and coordinator on one host can be compared, and across hosts they can't.
#pragma once

#include <chrono>
#include <cstdint>

namespace assay {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual std::uint64_t unix_ms() const = 0;  // wall clock, for what people and ids call time; never for measuring
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  std::uint64_t unix_ms() const override {
    auto const wall = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(wall).count());
  }
};

// Stands still until told otherwise. For tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint start = TimePoint{}) : now_{start} {}
  TimePoint now() const override { return now_; }
  std::uint64_t unix_ms() const override {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count());
  }
  void advance(Duration step) { now_ += step; }
  void set(TimePoint time) { now_ = time; }

 private:
  TimePoint now_;
};

inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline double to_ms(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }
inline double to_us(Duration d) { return std::chrono::duration<double, std::micro>(d).count(); }
inline Duration from_seconds(double s) { return Duration{static_cast<std::int64_t>(s * 1e9)}; }

}  // namespace assay
