#include "harness/measure/loop_monitor.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{1h};

class Woken : public testing::Test {
 protected:
  asio::io_context loop_;
  ManualClock clock_{t0};
  LoopMonitor monitor_{loop_.get_executor(), clock_, 10ms};
};

TEST_F(Woken, lateness_is_counted_from_when_it_was_due) {
  EXPECT_EQ(monitor_.woke(t0, t0 + 50us), t0 + 50us + 10ms);
  monitor_.woke(t0 + 1s, t0 + 1s + 3ms);
  auto const seen = monitor_.take();
  EXPECT_EQ(seen.lateness.count(), 2);
  EXPECT_NEAR(static_cast<double>(seen.lateness.min()), 50e3, 64);
  EXPECT_NEAR(static_cast<double>(seen.lateness.max()), 3e6, 3e3);
  EXPECT_EQ(seen.longest, Duration{3ms});
  EXPECT_EQ(seen.stalls, 0);
}

TEST_F(Woken, a_stall_is_more_than_ten_milliseconds_and_counts_once) {
  monitor_.woke(t0, t0 + 10ms);
  EXPECT_EQ(monitor_.take().stalls, 0);
  monitor_.woke(t0, t0 + 10ms + 1ns);
  EXPECT_EQ(monitor_.take().stalls, 1);
  monitor_.woke(t0, t0 + 5s);
  EXPECT_EQ(monitor_.take().stalls, 1);
}

TEST_F(Woken, a_stall_also_counts_for_the_wake_ups_it_swallowed) {
  monitor_.woke(t0, t0 + 100ms);
  auto const seen = monitor_.take();
  EXPECT_EQ(seen.lateness.count(), 10);  // late by 100, 90, … 10 ms
  EXPECT_NEAR(static_cast<double>(seen.lateness.value_at_quantile(0.5)), 50e6, 50e3);
}

TEST_F(Woken, taking_starts_over) {
  monitor_.woke(t0, t0 + 1s);
  monitor_.take();
  auto const seen = monitor_.take();
  EXPECT_TRUE(seen.lateness.empty());
  EXPECT_EQ(seen.stalls, 0);
  EXPECT_EQ(seen.longest, Duration{0});
}

TEST(loop_lateness, stalls_per_minute_is_a_rate_over_what_was_watched) {
  LoopLateness seen;
  EXPECT_EQ(seen.stalls_per_minute(), 0);
  seen.stalls = 3;
  seen.watched = 90s;
  EXPECT_DOUBLE_EQ(seen.stalls_per_minute(), 2.0);
}

TEST(loop_lateness, a_slight_stall_of_half_a_minute_may_be_the_only_one_of_the_minute) {
  LoopLateness seen;
  seen.watched = 30s;
  seen.stalls = 1;
  seen.longest = 75ms;
  EXPECT_DOUBLE_EQ(seen.stalls_per_minute(), 1.0);
  seen.longest = 76ms;
  EXPECT_DOUBLE_EQ(seen.stalls_per_minute(), 2.0);
}

// Blocks the loop itself, as a slow handler would.
void block_for(Duration time) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(loop_monitor, sees_a_handler_that_blocks_the_loop) {
  asio::io_context loop;
  SystemClock const clock;
  LoopMonitor monitor{loop.get_executor(), clock, 10ms};
  TimePoint const begin = clock.now();
  asio::co_spawn(loop, monitor.watch(), asio::detached);
  asio::post(loop, [&] {
    block_for(60ms);
    asio::post(loop, [&] { asio::post(loop, [&] { monitor.stop(); }); });  // behind the wake-up that has been due since
  });
  loop.run();
  auto const seen = monitor.take();
  EXPECT_GE(seen.stalls, 1);
  EXPECT_GE(seen.longest, Duration{45ms});
  EXPECT_GE(seen.watched, Duration{60ms});
  EXPECT_LE(seen.watched, clock.now() - begin);
  EXPECT_GE(seen.lateness.count(), 4);
}

TEST(loop_monitor, wakes_up_again_and_again_until_stopped) {
  asio::io_context loop;
  SystemClock const clock;
  LoopMonitor monitor{loop.get_executor(), clock};
  asio::co_spawn(loop, monitor.watch(), asio::detached);
  std::int64_t wake_ups = 0;
  while (wake_ups < 3 && loop.run_one() > 0) wake_ups += monitor.take().lateness.count();
  EXPECT_GE(wake_ups, 3);
  monitor.stop();
  loop.run();  // returns: nothing is left to wait for
}

TEST(loop_lateness, of_several_loops_counts_a_stall_of_any_of_them) {
  LoopLateness a, b;
  a.lateness.record(100);
  b.lateness.record(200, 2);
  a.stalls = 1;
  b.stalls = 2;
  a.longest = 20ms;
  b.longest = 30ms;
  a.watched = b.watched = 60s;
  a.add(b);
  EXPECT_EQ(a.lateness.count(), 3);
  EXPECT_EQ(a.longest, Duration{30ms});
  EXPECT_DOUBLE_EQ(a.stalls_per_minute(), 3.0) << "they were watched at the same time";
}

}  // namespace
}  // namespace assay
