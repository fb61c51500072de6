// Clauses 30, 31, 35–39, 41, 49: other processes on the same store that are killed (kill -9) at each system call of an
// operation, stopped and resumed, or have a wrong wall clock. Whatever the point of the crash, the run must come out
// right.
#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"
#include "tests/conformance/claim_store_fixture.hpp"
#include "tests/support/store_actor.hpp"
#include "tests/support/traced_child.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace assay::test {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class crash_points : public claim_store {
 protected:
  void SetUp() override {
    claim_store::SetUp();
    if (!IsSkipped() && can().durability == Capabilities::Durability::none) {
      GTEST_SKIP() << GetParam() << " declares that nothing outlives it";
    }
    if (!IsSkipped()) SKIP_UNLESS(leases);
  }

  std::vector<std::string> actor(std::vector<std::string> const& act) {
    std::vector<std::string> argv{ASSAY_STORE_ACTOR, GetParam(), data().url()};
    argv.insert(argv.end(), act.begin(), act.end());
    return argv;
  }

  // One crash after the other, each one call later than the last, until the actor came to its answer. `act` gives what
  // the actor is to do, on runs of a tag of its own; `look` tells, right after the crash, whether it had happened;
  // `check` that all is well in the end.
  template <class Act, class Look, class Check>
  void crash_at_every_call(Act const& act, Look const& look, Check const& check) {
    bool before = false, after = false;
    int n = 0;
    for (Crash crash = Crash::at_the_call; crash == Crash::at_the_call;) {
      ++n;
      ASSERT_LT(n, 200) << "the operation has no end";
      SCOPED_TRACE(fmt::format("killed at call {}", n));
      std::string const tag = fmt::format("crash-{}", n);
      auto const argv = actor(act(tag));
      leave_data();
      crash = crash_at_call(argv, n);
      return_to_data();
      if (crash == Crash::not_traced) GTEST_SKIP() << "this machine does not let one process trace another (ptrace)";
      (look(tag) ? after : before) = true;
      check(tag);
      if (HasFailure()) return;
    }
    EXPECT_GT(n, 2) << "there must be a call before the commit and one after it";
    EXPECT_TRUE(before) << "no crash came before the commit: this tested nothing";
    EXPECT_TRUE(after) << "no crash came after the commit: this tested nothing";
  }

  std::vector<RunSpec> submitted(std::size_t count, std::string const& tag) {
    auto specs = runs(count, tag);
    EXPECT_THAT(submit(specs), Each(Outcome::ok));
    specs_[tag] = specs;
    return specs;
  }
  bool all_are(std::string const& tag, RunState state) {
    return std::all_of(specs_[tag].begin(), specs_[tag].end(),
                       [&](RunSpec const& spec) { return find(spec.id)->state == state; });
  }
  // Claims and completes until every run of this tag is completed: each is still there, and each completion accepted.
  void finish(std::string const& tag) {
    TimePoint const deadline = clock.now() + seconds{20};
    while (!all_are(tag, RunState::completed)) {
      ASSERT_LT(clock.now(), deadline) << "a run was lost";
      sweep();
      for (Claim const& claim : claim(tag, 100)) EXPECT_EQ(complete(claim), Outcome::ok);
    }
    EXPECT_THAT(claim(tag, 100), testing::IsEmpty()) << "a completed run was given again";
  }

  ChildProcess start(std::vector<std::string> const& act, std::vector<std::string> environment = {}) {
    ChildCommand command;
    command.argv = actor(act);
    command.environment = std::move(environment);
    command.log = folder_.path() / fmt::format("actor-{}.log", ++actors_);
    log_ = command.log;
    return ChildProcess{std::move(command)};
  }
  std::string said() const {
    std::ifstream in{log_};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  TimePoint soon() const { return clock.now() + seconds{20}; }

  std::map<std::string, std::vector<RunSpec>> specs_;
  PrivateFolder folder_{std::filesystem::temp_directory_path(), "assay-actor-"};
  std::filesystem::path log_;
  int actors_ = 0;
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, crash_points, testing::ValuesIn(names()), [](auto const& backend) {
  std::string name = backend.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(crash_points, c30_c31_killed_while_claiming) {
  crash_at_every_call(
      [&](std::string const& tag) {
        submitted(3, tag);
        return std::vector<std::string>{"claim", "3", tag, "300"};
      },
      [&](std::string const& tag) { return !all_are(tag, RunState::ready); },
      [&](std::string const& tag) { finish(tag); });
}

TEST_P(crash_points, c35_c36_killed_while_completing) {
  crash_at_every_call(
      [&](std::string const& tag) {
        submitted(3, tag);
        return std::vector<std::string>{"complete", "3", tag, "300"};
      },
      [&](std::string const& tag) { return !all_are(tag, RunState::claimed); },
      [&](std::string const& tag) {
        std::set<RunId> completed;
        for (RunSpec const& spec : specs_[tag]) {
          if (find(spec.id)->state == RunState::completed) completed.insert(spec.id);
        }
        finish(tag);
        for (RunId const& run : completed) EXPECT_EQ(find(run)->result, "by the actor") << "completed twice";
      });
}

TEST_P(crash_points, c37_killed_during_a_batch_all_of_it_is_there_or_nothing) {
  std::uint64_t const first_seed = random_seed() >> 16;
  SCOPED_TRACE("first seed " + std::to_string(first_seed));
  std::uint64_t seed = first_seed;
  crash_at_every_call(
      [&](std::string const& tag) {
        specs_[tag] = actor_runs(++seed, 20, tag);
        return std::vector<std::string>{"submit", std::to_string(seed), "20", tag};
      },
      [&](std::string const& tag) { return find(specs_[tag].front().id).has_value(); },
      [&](std::string const& tag) {
        // Again, as who does not know would do; this waits for what the killed one has still in progress.
        auto const outcomes = submit(specs_[tag]);
        EXPECT_THAT(outcomes, Each(outcomes.front())) << "a part of the batch was there";
        finish(tag);
      });
}

TEST_P(crash_points, c51_killed_while_submitting_for_waiting_polls) {
  SKIP_UNLESS(sync_match);
  std::uint64_t const first_seed = random_seed() >> 16;
  SCOPED_TRACE("first seed " + std::to_string(first_seed));
  std::uint64_t seed = first_seed;
  crash_at_every_call(
      [&](std::string const& tag) {
        specs_[tag] = actor_runs(++seed, 3, tag);
        return std::vector<std::string>{"submit_and_claim", std::to_string(seed), "3", tag, "300"};
      },
      [&](std::string const& tag) { return find(specs_[tag].front().id).has_value(); },
      [&](std::string const& tag) {
        auto const outcomes = submit(specs_[tag]);
        EXPECT_THAT(outcomes, Each(outcomes.front())) << "a part of the batch was there";
        finish(tag);
      });
}

TEST_P(crash_points, c38_killed_during_a_sweep) {
  crash_at_every_call(
      [&](std::string const& tag) {
        auto specs = runs(3, tag);
        specs[0].max_attempts = 1;
        EXPECT_THAT(submit(specs), Each(Outcome::ok));
        specs_[tag] = specs;
        EXPECT_THAT(claim(tag, 3, milliseconds{1}), SizeIs(3));
        let_pass(milliseconds{10});
        return std::vector<std::string>{"sweep"};
      },
      [&](std::string const& tag) { return !all_are(tag, RunState::claimed); },
      [&](std::string const& tag) {
        auto const is_over = [&] {
          return std::none_of(specs_[tag].begin(), specs_[tag].end(),
                              [&](RunSpec const& spec) { return find(spec.id)->state == RunState::claimed; });
        };
        EXPECT_TRUE(sweep_until([&](SweepResult const&) { return is_over(); }));
        EXPECT_EQ(find(specs_[tag][0].id)->state, RunState::dead);
        auto const again = claim(tag, 10);
        ASSERT_THAT(again, SizeIs(2));
        for (Claim const& claim : again) EXPECT_EQ(claim.attempt, 2) << "a lease was lost twice";
        must(store().complete(completions(again)));
      });
}

TEST_P(crash_points, c39_a_coordinator_whose_wall_clock_is_wrong_by_an_hour) {
  SKIP_UNLESS(several_coordinators);
  for (char const* shift : {"3600", "-3600"}) {
    SCOPED_TRACE(shift);
    std::string const tag = fmt::format("clock-{}", shift[0] == '-' ? "behind" : "ahead");
    auto specs = runs(2, tag);
    specs[1].delay = std::chrono::minutes{10};
    submit(specs);
    auto const held = claim_one(tag, std::chrono::minutes{10});
    ASSERT_TRUE(held);
    std::vector<std::string> const wrong{std::string{"LD_PRELOAD="} + ASSAY_SHIFTED_CLOCK,
                                         std::string{"ASSAY_CLOCK_SHIFT_S="} + shift,
                                         "ASAN_OPTIONS=verify_asan_link_order=0"};  // of a sanitizer's build
    auto sweeping = start({"sweep_and_tell"}, wrong);
    ASSERT_TRUE(sweeping.wait_until(soon())) << "the actor hangs";
    EXPECT_THAT(said(), HasSubstr("swept 0 released 0")) << "its clock decided";
    EXPECT_EQ(complete(*held), Outcome::ok);

    // What it claims is lost when its lease is over on the store's clock, neither an hour before nor after.
    submitted(1, tag);
    auto holding = start({"hold", "1", tag, "200"}, wrong);
    ASSERT_TRUE(holding.wait_for_line("waiting", soon())) << said();
    EXPECT_TRUE(sweep_until([](SweepResult const& swept) { return swept.requeued.size() == 1; }));
    finish(tag);
  }
}

TEST_P(crash_points, c41_a_claimer_stopped_beyond_its_lease_and_resumed) {
  SKIP_UNLESS(several_coordinators);
  submitted(1, "linux");
  auto sleeper = start({"hold", "1", "linux", "200"});
  ASSERT_TRUE(sleeper.wait_for_line("waiting", soon())) << said();
  sleeper.signal(SIGSTOP);
  ASSERT_TRUE(sweep_until([](SweepResult const& swept) { return swept.requeued.size() == 1; }));
  auto const current = claim_one("linux");
  ASSERT_TRUE(current);
  EXPECT_EQ(current->attempt, 2);
  sleeper.signal(SIGCONT);
  sleeper.signal(SIGUSR1);
  ASSERT_TRUE(sleeper.wait_for_line("told", soon())) << said();
  EXPECT_THAT(said(), HasSubstr("completed stale_token"));
  EXPECT_EQ(find(current->run)->state, RunState::claimed);
  EXPECT_EQ(complete(*current, "by the holder"), Outcome::ok);
  EXPECT_EQ(find(current->run)->result, "by the holder");
}

TEST_P(crash_points, c49_a_killed_one_that_comes_back_under_its_old_name) {
  SKIP_UNLESS(several_coordinators);
  submitted(1, "linux");
  auto first = start({"hold", "1", "linux", "300"});
  ASSERT_TRUE(first.wait_for_line("holds", soon())) << said();
  std::string const first_said = said();
  first.stop({}, Duration{});  // SIGKILL
  // The name gives it nothing: the run is held by a token that died with its process.
  auto early = start({"hold", "1", "linux", "60000"});
  auto const waiting = early.wait_for_line("waiting", soon());
  ASSERT_TRUE(waiting) << said();
  EXPECT_THAT(said(), testing::Not(HasSubstr("holds"))) << "before the lease was over";
  ASSERT_TRUE(sweep_until([](SweepResult const& swept) { return swept.requeued.size() == 1; }));
  auto second = start({"hold", "1", "linux", "60000"});
  auto const holds = second.wait_for_line("holds", soon());
  ASSERT_TRUE(holds) << said();
  EXPECT_THAT(first_said, testing::Not(HasSubstr(*holds))) << "the same token again";
  second.signal(SIGUSR1);
  ASSERT_TRUE(second.wait_for_line("told", soon())) << said();
  EXPECT_THAT(said(), HasSubstr("completed ok"));
}

}  // namespace
}  // namespace assay::test
