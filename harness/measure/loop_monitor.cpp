#include "harness/measure/loop_monitor.hpp"

#include <algorithm>

namespace assay {

void LoopLateness::add(LoopLateness const& other) {
  lateness.add(other.lateness);
  stalls += other.stalls;
  longest = std::max(longest, other.longest);
  watched = std::max(watched, other.watched);
}

double LoopLateness::stalls_per_minute() const {
  if (watched <= Duration{0}) return 0;
  constexpr Duration minute = seconds{60};
  bool const slight = longest <= watched / 400;
  return static_cast<double>(stalls) * 60 / to_seconds(slight ? std::max(watched, minute) : watched);
}

LoopMonitor::LoopMonitor(Executor executor, Clock const& clock, Duration period)
    : clock_{clock}, period_{period}, timer_{executor} {}

Awaitable<void> LoopMonitor::watch() {
  watched_from_ = clock_.now();
  TimePoint due = *watched_from_ + period_;
  while (!stopped_) {
    timer_.expires_at(due);
    [[maybe_unused]] auto [error] = co_await timer_.async_wait(as_result);
    // Also after stop(), which may itself have waited behind a stall.
    if (TimePoint const now = clock_.now(); now >= due) due = woke(due, now);
  }
}

void LoopMonitor::stop() {
  count_watched();
  watched_from_.reset();
  stopped_ = true;
  timer_.cancel();
}

LoopLateness LoopMonitor::take() {
  count_watched();
  return std::exchange(seen_, LoopLateness{});
}

void LoopMonitor::count_watched() {
  if (!watched_from_) return;
  TimePoint const now = clock_.now();
  seen_.watched += now - *watched_from_;
  watched_from_ = now;
}

TimePoint LoopMonitor::woke(TimePoint due, TimePoint now) {
  Duration const late = now - due;
  seen_.lateness.record_corrected(late.count(), period_.count());
  seen_.longest = std::max(seen_.longest, late);
  if (late > stall) ++seen_.stalls;
  return now + period_;
}

}  // namespace assay
