#include "simulated_runners/runner_machine.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using Action = RunnerMachine::Action;
using Kind = RunEvent::Kind;

protocol::AssignedRun run(std::uint8_t number, int attempt = 1) {
  protocol::AssignedRun assigned;
  assigned.run.bytes[0] = number;
  assigned.attempt = attempt;
  assigned.token = ClaimToken{7, number};
  return assigned;
}

struct RunnerMachineTest : testing::Test {
  static FleetSpec spec() {
    FleetSpec fleet;
    fleet.run_length = {DurationDistribution::Shape::constant, seconds{10}, 1.0};
    return fleet;
  }

  void make(FleetSpec const& fleet, double compression = 1) {
    rules.emplace(fleet, compression);
    machine.emplace(*rules, journal, 5U, Random::stream(1, "runner"), seconds{3});
  }

  TimePoint at(Duration offset) const { return begin + offset; }
  RunEvent const& last_event() const { return recorder.events().back(); }

  // Polls at once and gets `runs`.
  void receive(std::vector<protocol::AssignedRun> const& runs, Duration when) {
    ASSERT_EQ(machine->next(at(when)).action, Action::poll);
    machine->polled(Fate::ok, runs, at(when));
  }

  TimePoint const begin{seconds{1000}};
  Recorder recorder{Window{}};
  RunJournal journal{recorder, 3};
  std::optional<RunnerRules> rules;
  std::optional<RunnerMachine> machine;
};

TEST_F(RunnerMachineTest, PollsWorksReportsAndPollsAgain) {
  make(spec());
  auto step = machine->next(at(seconds{0}));
  EXPECT_EQ(step.action, Action::poll);
  EXPECT_EQ(step.intended, at(seconds{0}));
  machine->polled(Fate::ok, {run(1)}, at(seconds{2}));

  step = machine->next(at(seconds{2}));
  EXPECT_EQ(step.action, Action::work);
  EXPECT_EQ(step.intended, at(seconds{12}));

  step = machine->next(at(seconds{12}));
  EXPECT_EQ(step.action, Action::report);
  EXPECT_EQ(step.claim.token, (ClaimToken{7, 1}));
  EXPECT_FALSE(step.failed);
  machine->reported(Fate::ok, at(seconds{13}));
  EXPECT_EQ(last_event().kind, Kind::completed);
  EXPECT_EQ(last_event().actor, 5U);
  EXPECT_EQ(last_event().time, at(seconds{13}));

  step = machine->next(at(seconds{13}));
  EXPECT_EQ(step.action, Action::poll);
  EXPECT_EQ(step.intended, at(seconds{13}));
  EXPECT_FALSE(machine->holds_runs());
}

TEST_F(RunnerMachineTest, OnlyTheFirstPollHasItsOwnHold) {
  make(spec());
  EXPECT_EQ(machine->next(at(seconds{0})).hold, Duration{seconds{3}});
  machine->polled(Fate::empty, {}, at(seconds{3}));
  EXPECT_EQ(machine->next(at(seconds{3})).hold, Duration{seconds{30}});
}

TEST_F(RunnerMachineTest, LatenessShowsInTheIntendedTime) {
  make(spec());
  receive({run(1)}, seconds{0});
  auto const step = machine->next(at(seconds{15}));  // the timer fired five seconds late
  EXPECT_EQ(step.action, Action::report);
  EXPECT_EQ(step.intended, at(seconds{10}));
}

TEST_F(RunnerMachineTest, AskingTwiceChangesNothing) {
  make(spec());
  receive({run(1)}, seconds{0});
  auto const once = machine->next(at(seconds{4}));
  auto const twice = machine->next(at(seconds{5}));
  EXPECT_EQ(once.action, twice.action);
  EXPECT_EQ(once.intended, twice.intended);
  EXPECT_EQ(recorder.events().size(), 1U);
}

TEST_F(RunnerMachineTest, FreeSinceSurvivesEmptyAndFailedPolls) {
  make(spec());
  machine->next(at(seconds{0}));
  machine->polled(Fate::empty, {}, at(seconds{3}));
  machine->polled(Fate::unavailable, {}, at(seconds{4}));
  machine->polled(Fate::empty, {}, at(seconds{40}));
  machine->polled(Fate::ok, {run(1)}, at(seconds{50}));
  EXPECT_EQ(last_event().kind, Kind::received);
  EXPECT_EQ(last_event().since, at(seconds{0}));

  machine->next(at(seconds{60}));
  machine->reported(Fate::ok, at(seconds{61}));
  machine->polled(Fate::empty, {}, at(seconds{91}));
  machine->polled(Fate::ok, {run(2, 2)}, at(seconds{95}));
  EXPECT_EQ(last_event().since, at(seconds{61}));
  EXPECT_EQ(last_event().attempt, 2);
}

TEST_F(RunnerMachineTest, ReconnectsAtOnceAfterAnEmptyPoll) {
  make(spec());
  machine->next(at(seconds{0}));
  machine->polled(Fate::empty, {}, at(seconds{30}));
  auto const step = machine->next(at(seconds{30}));
  EXPECT_EQ(step.action, Action::poll);
  EXPECT_EQ(step.intended, at(seconds{30}));
}

TEST_F(RunnerMachineTest, BacksOffWithFullJitterDoublingUpToTheLimit) {
  auto fleet = spec();
  fleet.backoff_base = milliseconds{100};
  fleet.backoff_limit = seconds{1};
  make(fleet);
  machine->next(at(seconds{0}));
  TimePoint now = begin;
  std::vector<Duration> const limits{milliseconds{100}, milliseconds{200}, milliseconds{400}, milliseconds{800},
                                     seconds{1},        seconds{1},        seconds{1}};
  for (Duration limit : limits) {
    machine->polled(Fate::unavailable, {}, now);
    auto const step = machine->next(now);
    ASSERT_EQ(step.action, Action::back_off);
    EXPECT_LE(step.intended - now, limit);
    now = step.intended;
    auto const poll = machine->next(now);
    ASSERT_EQ(poll.action, Action::poll);
    EXPECT_EQ(poll.intended, now);
  }
  machine->polled(Fate::empty, {}, now);  // one success forgets the errors
  machine->polled(Fate::unavailable, {}, now);
  EXPECT_LE(machine->next(now).intended - now, milliseconds{100});
}

TEST_F(RunnerMachineTest, JitterSpreadsARestartedFleet) {
  auto fleet = spec();
  fleet.backoff_base = seconds{1};
  rules.emplace(fleet, 1);
  double sum = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    RunnerMachine one{*rules, journal, 1, Random::stream(3, "runner", i), seconds{3}};
    one.next(begin);
    one.polled(Fate::unavailable, {}, begin);
    sum += to_seconds(one.next(begin).intended - begin);
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.04);
}

TEST_F(RunnerMachineTest, EveryKindOfPollErrorBacksOff) {
  for (Fate fate : {Fate::conflict, Fate::refused, Fate::unavailable, Fate::timed_out, Fate::in_doubt}) {
    make(spec());
    machine->next(at(seconds{0}));
    machine->polled(fate, {}, at(seconds{1}));
    EXPECT_EQ(machine->next(at(seconds{1})).action, Action::back_off) << to_string(fate);
  }
}

TEST_F(RunnerMachineTest, WorksSeveralRunsOneAfterAnother) {
  make(spec());
  receive({run(1), run(2)}, seconds{0});
  EXPECT_EQ(machine->claims().size(), 2U);
  EXPECT_EQ(machine->next(at(seconds{10})).claim.run, run(1).run);
  machine->reported(Fate::ok, at(seconds{11}));
  auto const step = machine->next(at(seconds{11}));
  EXPECT_EQ(step.action, Action::work);
  EXPECT_EQ(step.intended, at(seconds{21}));
  EXPECT_EQ(machine->next(at(seconds{21})).claim.run, run(2).run);
  machine->reported(Fate::ok, at(seconds{22}));
  EXPECT_EQ(machine->next(at(seconds{22})).action, Action::poll);
}

TEST_F(RunnerMachineTest, RunLengthIsCompressedHoldIsNot) {
  make(spec(), 10);
  receive({run(1)}, seconds{0});
  EXPECT_EQ(machine->next(at(seconds{0})).intended, at(seconds{1}));
  machine->next(at(seconds{1}));
  machine->reported(Fate::ok, at(seconds{1}));
  EXPECT_EQ(machine->next(at(seconds{1})).hold, Duration{seconds{30}});
}

TEST_F(RunnerMachineTest, ConfirmsTheStartBeforeItWorks) {
  auto fleet = spec();
  fleet.confirm_start = true;
  make(fleet);
  receive({run(1)}, seconds{0});
  auto step = machine->next(at(seconds{0}));
  EXPECT_EQ(step.action, Action::start);
  EXPECT_EQ(step.claim.token, (ClaimToken{7, 1}));
  machine->started(Fate::unavailable, at(seconds{0}));
  step = machine->next(at(seconds{0}));
  ASSERT_EQ(step.action, Action::back_off);
  EXPECT_EQ(machine->next(step.intended).action, Action::start);
  machine->started(Fate::ok, at(seconds{2}));
  step = machine->next(at(seconds{2}));
  EXPECT_EQ(step.action, Action::work);
  EXPECT_EQ(step.intended, at(seconds{12}));
}

TEST_F(RunnerMachineTest, AStartThatLostItsClaimAbandonsTheRun) {
  auto fleet = spec();
  fleet.confirm_start = true;
  make(fleet);
  receive({run(1)}, seconds{0});
  machine->started(Fate::conflict, at(seconds{1}));
  EXPECT_EQ(last_event().kind, Kind::abandoned);
  EXPECT_EQ(machine->next(at(seconds{1})).action, Action::poll);
}

TEST_F(RunnerMachineTest, ARefusedReportIsTheEndOfThatRun) {
  for (Fate fate : {Fate::conflict, Fate::refused}) {
    make(spec());
    receive({run(1)}, seconds{0});
    machine->next(at(seconds{10}));
    machine->reported(fate, at(seconds{11}));
    EXPECT_EQ(last_event().kind, Kind::report_refused);
    EXPECT_EQ(machine->next(at(seconds{11})).action, Action::poll);
  }
}

TEST_F(RunnerMachineTest, AReportThatDidNotArriveIsSentAgainAfterABackOff) {
  make(spec());
  receive({run(1)}, seconds{0});
  machine->next(at(seconds{10}));
  machine->reported(Fate::unavailable, at(seconds{10}));
  auto const pause = machine->next(at(seconds{10}));
  ASSERT_EQ(pause.action, Action::back_off);
  auto const again = machine->next(pause.intended);
  EXPECT_EQ(again.action, Action::report);
  EXPECT_EQ(again.intended, pause.intended);
  machine->reported(Fate::ok, pause.intended);
  EXPECT_EQ(last_event().kind, Kind::completed);
}

TEST_F(RunnerMachineTest, AReportInDoubtIsToldOnceAndSettledByAsking) {
  make(spec());
  receive({run(1)}, seconds{0});
  TimePoint now = at(seconds{10});
  for (Fate fate : {Fate::in_doubt, Fate::timed_out, Fate::in_doubt}) {
    ASSERT_EQ(machine->next(now).action, Action::report);
    machine->reported(fate, now);
    now = machine->next(now).intended;
  }
  ASSERT_EQ(machine->next(now).action, Action::report);
  machine->reported(Fate::ok, now);
  std::vector<Kind> kinds;
  for (auto const& event : recorder.events()) kinds.push_back(event.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::received, Kind::report_in_doubt, Kind::completed}));
}

TEST_F(RunnerMachineTest, ALostLeaseEndsTheWork) {
  make(spec());
  receive({run(1), run(2)}, seconds{0});
  EXPECT_FALSE(machine->lease_lost({run(1).run, ClaimToken{7, 99}}, at(seconds{1}))) << "another claim of the same run";
  EXPECT_TRUE(machine->lease_lost({run(2).run, run(2).token}, at(seconds{1}))) << "one that waits for its turn";
  EXPECT_EQ(last_event().kind, Kind::abandoned);
  EXPECT_EQ(machine->next(at(seconds{1})).action, Action::work);
  EXPECT_TRUE(machine->lease_lost({run(1).run, run(1).token}, at(seconds{2})));
  EXPECT_EQ(machine->next(at(seconds{2})).action, Action::poll);
  EXPECT_FALSE(machine->lease_lost({run(1).run, run(1).token}, at(seconds{3}))) << "already known";
  EXPECT_EQ(recorder.events().size(), 4U);
}

TEST_F(RunnerMachineTest, ALeaseLostDuringTheReportIsTheReportsToTell) {
  make(spec());
  receive({run(1)}, seconds{0});
  ASSERT_EQ(machine->next(at(seconds{10})).action, Action::report);
  EXPECT_FALSE(machine->lease_lost({run(1).run, run(1).token}, at(seconds{10})));
  machine->reported(Fate::ok, at(seconds{11}));
  EXPECT_EQ(last_event().kind, Kind::completed);
}

TEST_F(RunnerMachineTest, FailsTheShareOfRunsItIsTold) {
  auto fleet = spec();
  fleet.failure_rate = 0.25;
  fleet.run_length.mean = Duration{0};
  make(fleet);
  int failed = 0;
  for (int i = 0; i < 4000; ++i) {
    receive({run(1)}, seconds{i});
    bool const fails = machine->next(at(seconds{i})).failed;
    failed += fails ? 1 : 0;
    machine->reported(Fate::ok, at(seconds{i}));
    ASSERT_EQ(last_event().kind, fails ? Kind::failed : Kind::completed);
  }
  EXPECT_NEAR(failed, 1000, 4 * 27);
}

TEST_F(RunnerMachineTest, GivingUpAbandonsWhateverIsHeld) {
  make(spec());
  receive({run(1), run(2)}, seconds{0});
  machine->give_up(at(seconds{5}));
  EXPECT_FALSE(machine->holds_runs());
  EXPECT_EQ(journal.held(), 0U);
  EXPECT_EQ(recorder.events().size(), 4U);
  EXPECT_EQ(last_event().kind, Kind::abandoned);
}

TEST_F(RunnerMachineTest, APollThatTheTrialsEndCutsIsNoError) {
  make(spec());
  machine->next(at(seconds{0}));
  machine->polled(Fate::abandoned, {}, at(seconds{1}));
  EXPECT_EQ(machine->next(at(seconds{1})).action, Action::poll);
  EXPECT_TRUE(recorder.events().empty());
}

}  // namespace
}  // namespace assay
