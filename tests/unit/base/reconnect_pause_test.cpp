// How often a server is asked to take a connection, counted on a clock that only these tests move.
#include "harness/base/reconnect_pause.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

struct Outage {
  int attempts = 0;
  Duration last_gap{};
};

// From a break at time 0 on, until `length`; every attempt fails, or is accepted and hung up after `accepted_for`.
Outage attempts_during(ReconnectPause& pause, TimePoint now, Duration length,
                       std::optional<Duration> accepted_for = std::nullopt) {
  TimePoint const end = now + length;
  Outage outage;
  for (;;) {
    TimePoint const when = pause.next_try(now);
    EXPECT_GE(when, now);
    if (when >= end) return outage;
    outage.last_gap = when - now;
    ++outage.attempts;
    now = when;
    if (!accepted_for) continue;
    pause.connected(now);
    now += *accepted_for;
  }
}

class ReconnectPauses : public testing::TestWithParam<std::uint64_t> {
 protected:
  std::uint64_t const seed = GetParam();
  ReconnectPause pause{seed};
  TimePoint const start{std::chrono::hours{1}};
};

TEST_P(ReconnectPauses, the_first_try_is_at_once) {
  pause.connected(start);
  EXPECT_EQ(pause.next_try(start + seconds{60}), start + seconds{60});
}

TEST_P(ReconnectPauses, ten_seconds_without_a_server_are_a_dozen_attempts_or_two) {
  pause.connected(start);
  Outage const outage = attempts_during(pause, start + seconds{60}, seconds{10});
  // At once, 20 ms … 1.28 s doubling, then one to two seconds each.
  EXPECT_GE(outage.attempts, 10);
  EXPECT_LE(outage.attempts, 18);
  EXPECT_LE(outage.last_gap, ReconnectPause::longest);
}

TEST_P(ReconnectPauses, a_server_that_accepts_and_hangs_up_is_no_busy_loop) {
  pause.connected(start);
  Outage const outage = attempts_during(pause, start + seconds{60}, seconds{60}, milliseconds{1});
  EXPECT_LE(outage.attempts, 70);
}

TEST_P(ReconnectPauses, after_a_connection_that_lasted_they_begin_anew) {
  attempts_during(pause, start, seconds{60});
  pause.connected(start + seconds{60});
  TimePoint const broken = start + seconds{60} + ReconnectPause::lasting;
  EXPECT_EQ(pause.next_try(broken), broken);
  EXPECT_LE(pause.next_try(broken), broken + ReconnectPause::first);
}

INSTANTIATE_TEST_SUITE_P(seeds, ReconnectPauses, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace assay
