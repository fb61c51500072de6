// Clauses 15–17 and 43 between coordinators, where a backend's wake is `notified`: what one has that it cannot use
// reaches who waits at another.
#include "tests/conformance/claim_store_fixture.hpp"
#include "tests/conformance/running_matcher.hpp"
#include "tests/support/cutting_proxy.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace assay::test {
namespace {

class wake_up : public claim_store {
 protected:
  void SetUp() override {
    claim_store::SetUp();
    if (!IsSkipped() && can().wake != Capabilities::Wake::notified) {
      GTEST_SKIP() << GetParam() << " declares that a wake is " << to_string(can().wake);
    }
  }

  // What a coordinator opens, and what it heard of others.
  struct Coordinator {
    Coordinator(asio::io_context& context, OpenedStore whole) : io{context}, opened{std::move(whole)} {
      opened.wake_up->listen([this] { ++heard; });
    }
    ~Coordinator() {
      if (opened.replies) run_coroutine(io, opened.replies->close());
      run_coroutine(io, opened.wake_up->close());
      run_coroutine(io, opened.store->close());
    }
    Coordinator(Coordinator const&) = delete;
    Coordinator& operator=(Coordinator const&) = delete;

    ClaimStore& store() { return *opened.store; }
    void announce() { opened.wake_up->announce(); }

    asio::io_context& io;
    OpenedStore opened;
    int heard = 0;
  };

  bool hears(Coordinator const& coordinator, int times) {
    TimePoint const deadline = clock.now() + seconds{30};
    while (coordinator.heard < times && clock.now() < deadline) let_pass(milliseconds{1});
    return coordinator.heard >= times;
  }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, wake_up, testing::ValuesIn(names()), [](auto const& backend) {
  std::string name = backend.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(wake_up, c15_a_submission_at_another_coordinator_wakes_a_poll_that_is_parked_here) {
  Coordinator here{io, open_whole()}, there{io, open_whole()};
  RunningMatcher waiting{io, clock, here.store(), never};
  here.opened.wake_up->listen([&] { waiting->work_may_exist(); });
  PollId const poll = waiting.park("linux");
  ASSERT_TRUE(waiting.quiet());
  RunningMatcher busy{io, clock, there.store(), never, [&] { there.announce(); }};
  RunSpec const spec = run("linux");
  EXPECT_THAT(must(busy->submit({spec})), testing::ElementsAre(Outcome::ok));
  Assignment const assignment = waiting.answer(poll);
  here.opened.wake_up->listen(nullptr);  // it outlives the matcher
  EXPECT_EQ(assignment.end, Assignment::End::assigned);
  ASSERT_EQ(assignment.claims.size(), 1U);
  EXPECT_EQ(assignment.claims[0].run, spec.id);
}

TEST_P(wake_up, c17_announcements_close_together_are_one_and_the_next_is_another) {
  Coordinator here{io, open_whole()}, there{io, open_whole()};
  for (int i = 0; i < 1000; ++i) there.announce();
  ASSERT_TRUE(hears(here, 1));
  there.announce();  // right after one: it must not get lost in the pause that keeps them apart
  ASSERT_TRUE(hears(here, 2));
  EXPECT_EQ(here.heard, 2);
}

TEST_P(wake_up, c16_who_could_not_hear_for_a_while_counts_as_woken) {
  SKIP_WITHOUT_SERVER();
  Coordinator here{io, open_whole()};
  data().stop_server();
  data().start_server();
  EXPECT_TRUE(hears(here, 1)) << "what was announced meanwhile is lost";
  Coordinator there{io, open_whole()};
  int const before = here.heard;
  there.announce();
  EXPECT_TRUE(hears(here, before + 1)) << "it listens again";
}

TEST_P(wake_up, c43_a_connection_that_went_silent_is_noticed_though_nothing_is_expected_from_it) {
  if (data().server_port() == 0) GTEST_SKIP() << GetParam() << ": the suite reaches its server by no TCP";
  CuttingProxy proxy{io, data().server_port()};
  Coordinator here{io, open_whole(data().url_over(proxy.port()), seconds{1})}, there{io, open_whole()};
  proxy.fall_silent();
  EXPECT_TRUE(hears(here, 1)) << "a new connection counts as woken";
  int const before = here.heard;
  there.announce();
  EXPECT_TRUE(hears(here, before + 1));
}

TEST_P(wake_up, c43_a_server_that_went_silent_is_given_up_and_nothing_is_lost_or_doubled) {
  if (data().server_port() == 0) GTEST_SKIP() << GetParam() << ": the suite reaches its server by no TCP";
  EXPECT_THAT(submit(runs(10)), testing::Each(Outcome::ok));
  CuttingProxy proxy{io, data().server_port()};
  Coordinator half{io, open_whole(data().url_over(proxy.port()), seconds{1})};
  auto const held = must(half.store().claim(one_demand("", 4), seconds{60}));
  ASSERT_FALSE(held.empty());
  proxy.fall_silent();
  auto const undecided = [](Outcome outcome) {
    return outcome == Outcome::in_doubt || outcome == Outcome::unavailable;
  };
  std::vector<RunSpec> const doubtful = runs(1);
  auto const cut_off = ask(half.store().submit(doubtful));
  if (cut_off) {
    EXPECT_TRUE(undecided(cut_off->at(0))) << to_string(cut_off->at(0));
  } else {
    EXPECT_THAT(cut_off.error().kind, testing::AnyOf(ErrorKind::in_doubt, ErrorKind::timed_out));
  }

  // Each connection finds out for itself.
  TimePoint const deadline = clock.now() + seconds{30};
  auto const eventually = [&](auto call) {
    auto outcomes = ask(call());
    while ((!outcomes || std::any_of(outcomes->begin(), outcomes->end(), undecided)) && clock.now() < deadline) {
      let_pass(milliseconds{5});
      outcomes = ask(call());
    }
    return outcomes ? *outcomes : std::vector<Outcome>{};
  };
  using testing::AnyOf;
  EXPECT_THAT(eventually([&] { return half.store().submit(doubtful); }),
              testing::ElementsAre(AnyOf(Outcome::ok, Outcome::already_done)));
  auto const done = eventually([&] { return half.store().complete(completions(held)); });
  EXPECT_EQ(done.size(), held.size());
  EXPECT_THAT(done, testing::Each(AnyOf(Outcome::ok, Outcome::already_done)));
  EXPECT_EQ(depth().total(), 11U);
  EXPECT_EQ(depth().completed, held.size());
}

}  // namespace
}  // namespace assay::test
