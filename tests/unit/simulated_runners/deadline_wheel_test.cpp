#include "simulated_runners/deadline_wheel.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <list>
#include <optional>

namespace assay {
namespace {

struct Entry final : DeadlineWheel::Entry {
  explicit Entry(Clock const& time) : clock{time} {}
  void expired() override { fired_at.push_back(clock.now()); }

  Clock const& clock;
  std::vector<TimePoint> fired_at;
};

struct DeadlineWheelTest : testing::Test {
  asio::io_context context{1};
  SystemClock clock;
  DeadlineWheel wheel{context.get_executor(), clock};
};

TEST_F(DeadlineWheelTest, FiresOnceAndNeverEarly) {
  std::uint64_t const seed = random_seed();
  Random random{seed};
  std::list<Entry> entries;
  std::vector<TimePoint> deadlines;
  for (int i = 0; i < 500; ++i) {
    deadlines.push_back(clock.now() + microseconds{random.below(300'000)});
    wheel.arm(entries.emplace_back(clock), deadlines.back());
  }
  context.run();  // ends by itself: the wheel stands still when nothing is armed
  std::size_t i = 0;
  for (auto const& entry : entries) {
    ASSERT_EQ(entry.fired_at.size(), 1U) << "seed " << seed;
    ASSERT_GE(entry.fired_at[0], deadlines[i++]) << "seed " << seed;
  }
}

TEST_F(DeadlineWheelTest, TheLastDeadlineCountsWhicheverWayItMoved) {
  Entry later{clock}, sooner{clock}, disarmed{clock};
  auto const now = clock.now();
  wheel.arm(later, now + milliseconds{10});
  wheel.arm(later, now + milliseconds{200});
  wheel.arm(sooner, now + milliseconds{200});
  wheel.arm(sooner, now + milliseconds{10});
  wheel.arm(disarmed, now + milliseconds{10});
  disarmed.disarm();
  context.run();
  ASSERT_EQ(later.fired_at.size(), 1U);
  EXPECT_GE(later.fired_at[0], now + milliseconds{200});
  ASSERT_EQ(sooner.fired_at.size(), 1U);
  EXPECT_LT(sooner.fired_at[0], later.fired_at[0]);
  EXPECT_TRUE(disarmed.fired_at.empty());
}

TEST_F(DeadlineWheelTest, DestroyedEntriesAreForgotten) {
  {
    Entry gone{clock};
    wheel.arm(gone, clock.now() + milliseconds{10});
  }
  Entry stays{clock};
  wheel.arm(stays, clock.now() + milliseconds{30});
  context.run();
  EXPECT_EQ(stays.fired_at.size(), 1U);
}

TEST_F(DeadlineWheelTest, MayGoWhileItsTimerHasJustFired) {
  std::optional<DeadlineWheel> doomed{std::in_place, context.get_executor(), clock};
  Entry entry{clock};
  auto const now = clock.now();
  doomed->arm(entry, now + milliseconds{1});
  // Both timers are due by the time the loop looks, so that the wheel's handler is queued behind the one that ends it.
  Timer end{context.get_executor(), now};
  end.async_wait([&](auto) { doomed.reset(); });
  while (clock.now() < now + 3 * DeadlineWheel::tick) {
  }
  context.run();
  EXPECT_TRUE(entry.fired_at.empty());
}

}  // namespace
}  // namespace assay
