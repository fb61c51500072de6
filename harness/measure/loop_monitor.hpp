// How late an event loop runs its timers: a coroutine that asks to be woken every 10 ms and notes by how much it was
// not. Generator and coordinator each run one on their own loop. Late wake-ups are delays of our own making in every
// latency that loop measures; METHOD.md makes a trial invalid with more than one stall over 10 ms a minute.
//
// Easy to get wrong: while a loop is stalled it also misses the wake-ups that would have told. Lateness is therefore
// recorded corrected for coordinated omission; stalls are counted once each, however long.
#pragma once

#include "harness/base/async.hpp"
#include "harness/histogram/histogram.hpp"

namespace assay {

struct LoopLateness {
  Histogram lateness;       // ns
  std::int64_t stalls = 0;  // wake-ups later than LoopMonitor::stall
  Duration longest{0};
  Duration watched{0};

  // Of another loop, watched during the same time: a stall of any of them is one.
  void add(LoopLateness const& other);
  // 0 when nothing was watched. Less than a minute counts as one while no stall took more than a quarter of a percent of
  // what was watched: one such stall in half a minute is no proof of two in a whole, and of the percent that a p99 looks
  // at it is the smaller part.
  double stalls_per_minute() const;
};

class LoopMonitor {
 public:
  static constexpr Duration stall = milliseconds{10};

  // A stall is seen for sure when it lasts `period` + 10 ms, a shorter one when a wake-up falls into its beginning. A
  // wake-up of an idle loop costs 20 to 50 µs on a virtual machine, nearly all of it the kernel's: 0.2 % of a core
  // every 20 ms.
  LoopMonitor(Executor executor, Clock const& clock, Duration period = milliseconds{20});

  // Ends after stop(). The monitor outlives it.
  Awaitable<void> watch();
  void stop();

  // What was seen since the last take().
  LoopLateness take();

  // The thinking of watch(): woken at `now` when it should have been `due`. Returns when to be woken next.
  TimePoint woke(TimePoint due, TimePoint now);

 private:
  void count_watched();

  Clock const& clock_;
  Duration period_;
  Timer timer_;
  bool stopped_ = false;
  std::optional<TimePoint> watched_from_;  // while watching
  LoopLateness seen_;
};

}  // namespace assay
