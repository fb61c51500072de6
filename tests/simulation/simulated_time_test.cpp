#include "harness/base/async.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

constexpr TimePoint start{seconds{1000}};

struct SimulatedTimeTest : testing::Test {
  void run() {
    context.restart();
    context.run();
  }

  Awaitable<void> sleep(Duration how_long) {
    co_await sleep_until(time.now() + how_long);
    woken.push_back(time.now() - start);
  }

  void spawn(Awaitable<void> work) { asio::co_spawn(context, std::move(work), asio::detached); }

  SimulatedTime time{start};
  asio::io_context context{1};
  std::vector<Duration> woken;
};

TEST_F(SimulatedTimeTest, TimersFireInTheirOrderAndExactlyWhenTheyAreDue) {
  spawn(sleep(seconds{3600}));
  spawn(sleep(nanoseconds{1}));
  spawn(sleep(milliseconds{7}));
  auto const real = std::chrono::steady_clock::now();
  run();
  EXPECT_EQ(woken, (std::vector<Duration>{nanoseconds{1}, milliseconds{7}, seconds{3600}}));
  EXPECT_LT(std::chrono::steady_clock::now() - real, seconds{60}) << "an hour was waited for";
}

TEST_F(SimulatedTimeTest, ACancelledTimerDelaysNobodyAndATimerSetLaterIsNotForgotten) {
  Timer cancelled{context.get_executor(), start + seconds{1}};
  cancelled.async_wait([&](boost::system::error_code error) {
    EXPECT_TRUE(error);
    spawn(sleep(seconds{5}));
  });
  spawn(sleep(seconds{2}));
  context.poll();
  cancelled.cancel();
  run();
  EXPECT_EQ(woken, (std::vector<Duration>{seconds{2}, seconds{5}}));
}

TEST_F(SimulatedTimeTest, WaitingForWhatCannotHappenIsAnError) {
  Signal signal{context.get_executor()};
  bool heard = false;
  asio::co_spawn(context, signal.wait_until(), [&](std::exception_ptr, bool) { heard = true; });
  EXPECT_THROW(context.run(), std::logic_error);
  signal.notify();
  run();
  EXPECT_TRUE(heard);
  EXPECT_EQ(time.now(), start);
}

TEST_F(SimulatedTimeTest, TheMachinesTimeComesBackAfterwards) {
  EXPECT_EQ(TimerClock::now(), start);
  {
    SimulatedTime inner{start + seconds{1}};
    EXPECT_EQ(TimerClock::now(), start + seconds{1});
  }
  EXPECT_EQ(TimerClock::now(), start);
}

}  // namespace
}  // namespace assay
