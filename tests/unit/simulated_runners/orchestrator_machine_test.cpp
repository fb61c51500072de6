#include "simulated_runners/orchestrator_machine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace assay {
namespace {

using Action = OrchestratorMachine::Step::Action;
using Kind = RunEvent::Kind;

struct OrchestratorMachineTest : testing::Test {
  static OrchestratorSpec spec() {
    OrchestratorSpec spec;
    spec.cold_start = {seconds{0}, seconds{0}};
    return spec;
  }

  void make(OrchestratorSpec const& spec, double compression = 1, Duration run_length = seconds{10}) {
    FleetSpec fleet;
    fleet.run_length = {DurationDistribution::Shape::constant, run_length, 1.0};
    rules.emplace(spec, compression);
    runner_rules.emplace(fleet, compression);
    machine.emplace(*rules, *runner_rules, journal, recorder, 5U, Random::stream(1, "runner"));
    first_tick = machine->next_poll(begin).intended;
  }

  protocol::AssignedRun run() {
    protocol::AssignedRun assigned;
    assigned.run.bytes[0] = static_cast<std::uint8_t>(++runs);
    assigned.token = ClaimToken{7, static_cast<std::uint64_t>(runs)};
    return assigned;
  }

  // The poll that is due at tick + offset is answered at once with so many runs.
  void receive(int count, Duration offset = {}) {
    auto const poll = machine->next_poll(first_tick + offset);
    ASSERT_TRUE(poll.now);
    std::vector<protocol::AssignedRun> assigned;
    for (int i = 0; i < count; ++i) assigned.push_back(run());
    machine->polled(count == 0 ? Fate::empty : Fate::ok, assigned, first_tick + offset);
  }

  // Reports every run whose end has come by then, at its end.
  void finish_due(TimePoint now) {
    for (std::size_t place = 0; place < machine->places(); ++place) {
      for (auto step = machine->next(place, now); step.action == Action::report; step = machine->next(place, now)) {
        machine->reported(place, Fate::ok, step.intended);
      }
    }
  }

  std::size_t count(Kind kind) const {
    std::size_t n = 0;
    for (auto const& event : recorder.events()) n += event.kind == kind ? 1U : 0U;
    return n;
  }

  TimePoint const begin{seconds{1000}};
  TimePoint first_tick;
  int runs = 0;
  Recorder recorder{Window{begin, begin + std::chrono::hours{1}}};
  RunJournal journal{recorder, 3};
  std::optional<OrchestratorRules> rules;
  std::optional<RunnerRules> runner_rules;
  std::optional<OrchestratorMachine> machine;
};

TEST_F(OrchestratorMachineTest, PollsByTheClockWhateverThePollsBring) {
  make(spec());
  EXPECT_GE(first_tick, begin);
  EXPECT_LT(first_tick, begin + seconds{1});
  EXPECT_FALSE(machine->next_poll(first_tick - nanoseconds{1}).now);
  receive(0);
  EXPECT_EQ(machine->next_poll(first_tick).intended, first_tick + seconds{1});
  receive(2, seconds{1});
  auto const next = machine->next_poll(first_tick + milliseconds{1500});
  EXPECT_FALSE(next.now);
  EXPECT_EQ(next.intended, first_tick + seconds{2});
  auto const late = machine->next_poll(first_tick + milliseconds{2300});
  EXPECT_TRUE(late.now);
  EXPECT_EQ(late.intended, first_tick + seconds{2}) << "lateness is told, not hidden";
}

TEST_F(OrchestratorMachineTest, OrchestratorsDoNotPollInStep) {
  std::map<Duration, int> phases;
  make(spec());
  for (std::uint64_t i = 0; i < 50; ++i) {
    OrchestratorMachine other{*rules, *runner_rules, journal, recorder, 1, Random::stream(1, "runner", i)};
    ++phases[std::chrono::floor<milliseconds>(other.next_poll(begin).intended - begin) / 100];
  }
  EXPECT_GE(phases.size(), 8U) << "of ten tenths of the interval";
}

TEST_F(OrchestratorMachineTest, MissedTicksAreDropped) {
  make(spec());
  ASSERT_TRUE(machine->next_poll(first_tick).now);
  machine->polled(Fate::empty, {}, first_tick + milliseconds{3400});
  auto const next = machine->next_poll(first_tick + milliseconds{3400});
  EXPECT_TRUE(next.now);
  EXPECT_EQ(next.intended, first_tick + seconds{3}) << "one, not three";
  machine->polled(Fate::empty, {}, first_tick + milliseconds{3500});
  EXPECT_EQ(machine->next_poll(first_tick + milliseconds{3500}).intended, first_tick + seconds{4});
}

TEST_F(OrchestratorMachineTest, AClampedPollAsksForWhatThereIsRoomFor) {
  make(spec());
  EXPECT_EQ(machine->next_poll(first_tick).most, 5);
  receive(2);
  EXPECT_EQ(machine->next_poll(first_tick + seconds{1}).most, 3);
}

TEST_F(OrchestratorMachineTest, TheBatchBoundsAClampedPollToo) {
  auto small = spec();
  small.batch = 3;
  make(small);
  EXPECT_EQ(machine->next_poll(first_tick).most, 3);
}

TEST_F(OrchestratorMachineTest, SkipsPollsAtCapacityAndGoesOnWithTheNextTickAfterwards) {
  make(spec());
  receive(5);
  auto const poll = machine->next_poll(first_tick + seconds{9} + milliseconds{500});
  EXPECT_FALSE(poll.now);
  EXPECT_EQ(poll.intended, first_tick + seconds{10});
  EXPECT_EQ(recorder.orchestrators().polls_skipped, 9U);
  finish_due(first_tick + seconds{10});
  EXPECT_EQ(machine->next_poll(first_tick + seconds{10}).most, 5);
  EXPECT_EQ(recorder.orchestrators().polls, 1U);
}

// The document's mistake: capacity is tested before the claim, not during.
TEST_F(OrchestratorMachineTest, UnclampedItCanHoldFourteenWhichIsOneShortOfCapacityPlusABatch) {
  auto unclamped = spec();
  unclamped.clamp = false;
  make(unclamped);
  receive(4);
  EXPECT_EQ(machine->next_poll(first_tick + seconds{1}).most, 10);
  receive(10, seconds{1});
  EXPECT_EQ(machine->held(), 14U);
  EXPECT_EQ(machine->busy(), 5U) << "it works no more than max_concurrent at once";
  EXPECT_EQ(recorder.orchestrators().most_held, 14U);
  EXPECT_EQ(recorder.orchestrators().without_place, 9U);
  EXPECT_EQ(machine->claims().size(), 14U) << "all of them are renewed";
  EXPECT_FALSE(machine->next_poll(first_tick + seconds{2}).now);

  // What waits is worked as places become free, in the order received.
  finish_due(first_tick + seconds{10});
  EXPECT_EQ(machine->held(), 10U);
  EXPECT_EQ(machine->busy(), 5U);
  // Five began when they were claimed; of those that waited, four began after nine seconds.
  EXPECT_EQ(recorder.orchestrators().start_delay.count(), 9);
  EXPECT_NEAR(to_seconds(Duration{recorder.orchestrators().start_delay.value_at_quantile(1)}), 9, 0.01);
}

TEST_F(OrchestratorMachineTest, WorksAndReportsEachRunInAPlaceOfItsOwn) {
  make(spec());
  EXPECT_EQ(machine->next(0, begin).action, Action::idle);
  receive(1);
  receive(1, seconds{1});
  EXPECT_EQ(machine->next(0, first_tick + seconds{1}).intended, first_tick + seconds{10});
  EXPECT_EQ(machine->next(1, first_tick + seconds{1}).intended, first_tick + seconds{11});
  auto const step = machine->next(0, first_tick + seconds{13});
  EXPECT_EQ(step.action, Action::report);
  EXPECT_EQ(step.intended, first_tick + seconds{10});
  EXPECT_EQ(step.claim.token, (ClaimToken{7, 1}));
  machine->reported(0, Fate::ok, first_tick + seconds{13});
  EXPECT_EQ(recorder.events().back().kind, Kind::completed);
  EXPECT_EQ(recorder.events().back().actor, 5U);
  EXPECT_EQ(machine->next(0, first_tick + seconds{13}).action, Action::idle);
  EXPECT_EQ(machine->held(), 1U);
}

TEST_F(OrchestratorMachineTest, ARunIsToldWhenItsPlaceBecameFreeAndWhenItsPollWasDue) {
  make(spec());
  receive(5);
  EXPECT_EQ(recorder.events().back().since, begin) << "free from the beginning";
  EXPECT_EQ(recorder.events().back().asked, first_tick);
  machine->next_poll(first_tick + seconds{10});  // skipped, all of them
  auto const step = machine->next(3, first_tick + seconds{10});
  machine->reported(3, Fate::ok, first_tick + milliseconds{10'200});
  EXPECT_EQ(step.action, Action::report);
  receive(1, seconds{11});
  EXPECT_EQ(recorder.events().back().since, first_tick + milliseconds{10'200});
  EXPECT_EQ(recorder.events().back().asked, first_tick + seconds{11});
}

TEST_F(OrchestratorMachineTest, AColdStartComesBeforeTheRunAndAWarmContainerSavesIt) {
  auto warm = spec();
  warm.cold_start = {seconds{1}, seconds{2}};
  warm.warm_pool = {2, seconds{4}};
  make(warm);
  receive(3);
  for (std::size_t place = 0; place < 2; ++place)
    EXPECT_EQ(machine->next(place, first_tick).intended, first_tick + seconds{10});
  auto const cold = machine->next(2, first_tick).intended - first_tick;
  EXPECT_GE(cold, seconds{11});
  EXPECT_LE(cold, seconds{12});
  EXPECT_EQ(recorder.orchestrators().warm_starts, 2U);
  EXPECT_EQ(recorder.orchestrators().cold_starts, 1U);
}

TEST_F(OrchestratorMachineTest, ColdStartsAreUniform) {
  auto cold = spec();
  cold.cold_start = {seconds{1}, seconds{2}};
  cold.max_concurrent = 100;
  cold.batch = 100;
  double sum = 0, least = 10, most = 0;
  int n = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    make(cold);
    machine.emplace(*rules, *runner_rules, journal, recorder, 5U, Random::stream(seed, "runner"));
    first_tick = machine->next_poll(begin).intended;
    runs = 0;
    receive(100);
    for (std::size_t place = 0; place < 100; ++place, ++n) {
      double const start = to_seconds(machine->next(place, first_tick).intended - first_tick) - 10;
      sum += start;
      least = std::min(least, start);
      most = std::max(most, start);
    }
  }
  EXPECT_NEAR(sum / n, 1.5, 4 * 0.2887 / std::sqrt(n));
  EXPECT_GE(least, 1);
  EXPECT_LE(most, 2);
  EXPECT_LT(least, 1.01);
  EXPECT_GT(most, 1.99);
}

TEST_F(OrchestratorMachineTest, TimeCompressionShortensEverythingThatBelongsToTheModelledSystem) {
  auto cold = spec();
  cold.cold_start = {seconds{2}, seconds{2}};
  make(cold, 10);
  EXPECT_LT(first_tick - begin, milliseconds{100});
  receive(1);
  EXPECT_EQ(machine->next(0, first_tick).intended, first_tick + milliseconds{1200});
  EXPECT_EQ(machine->next_poll(first_tick).intended, first_tick + milliseconds{100});
}

TEST_F(OrchestratorMachineTest, AReportInDoubtIsToldOnceAndAskedAgain) {
  make(spec());
  receive(1);
  TimePoint const end = first_tick + seconds{10};
  machine->next(0, end);
  machine->reported(0, Fate::in_doubt, end);
  auto const pause = machine->next(0, end);
  EXPECT_EQ(pause.action, Action::back_off);
  EXPECT_LE(pause.intended - end, milliseconds{100});
  ASSERT_EQ(machine->next(0, pause.intended).action, Action::report);
  machine->reported(0, Fate::in_doubt, pause.intended);
  EXPECT_EQ(count(Kind::report_in_doubt), 1U);
  machine->reported(0, Fate::conflict, pause.intended + seconds{1});
  EXPECT_EQ(count(Kind::report_refused), 1U);
  EXPECT_EQ(machine->held(), 0U);
}

TEST_F(OrchestratorMachineTest, ALostLeaseIsDroppedWhereverTheRunIsButUnderReport) {
  auto unclamped = spec();
  unclamped.clamp = false;
  make(unclamped);
  receive(7);
  ClaimRef const waiting{{}, ClaimToken{7, 6}};
  auto const claims = machine->claims();
  ASSERT_EQ(claims.size(), 7U);
  EXPECT_EQ(machine->lease_lost(claims[6], first_tick), std::nullopt) << "waiting: nobody has to look";
  EXPECT_EQ(machine->held(), 6U);
  EXPECT_EQ(machine->lease_lost(claims[2], first_tick), 2U);
  EXPECT_EQ(machine->held(), 5U);
  EXPECT_EQ(machine->next(2, first_tick).claim.run, claims[5].run) << "the place goes to the one that waits";
  TimePoint const end = first_tick + seconds{10};
  machine->next(0, end);
  EXPECT_EQ(machine->lease_lost(claims[0], end), std::nullopt) << "left to the answer";
  EXPECT_EQ(machine->lease_lost(waiting, end), std::nullopt) << "not ours";
  EXPECT_EQ(machine->held(), 5U);
  EXPECT_EQ(count(Kind::abandoned), 2U);
}

TEST_F(OrchestratorMachineTest, GivingUpAbandonsAllThatIsHeld) {
  auto unclamped = spec();
  unclamped.clamp = false;
  make(unclamped);
  receive(10);
  machine->give_up(first_tick + seconds{1});
  EXPECT_EQ(count(Kind::abandoned), 10U);
  EXPECT_EQ(machine->held(), 0U);
  EXPECT_EQ(journal.held(), 0U);
}

TEST_F(OrchestratorMachineTest, KilledItTakesAllAlongButWhatItHasJustReported) {
  auto unclamped = spec();
  unclamped.clamp = false;
  make(unclamped);
  receive(10);
  TimePoint const end = first_tick + seconds{10};
  ASSERT_EQ(machine->next(1, end).action, Action::report);
  ASSERT_EQ(machine->next(3, end).action, Action::report);
  machine->die(end, {1, 3});
  EXPECT_EQ(count(Kind::died), 8U);
  EXPECT_EQ(machine->held(), 2U);
  EXPECT_TRUE(machine->claims().empty()) << "nobody renews for the dead";
  machine->reported(1, Fate::ok, end + milliseconds{2});
  EXPECT_EQ(recorder.events().back().kind, Kind::completed) << "the report had been sent before";
  machine->reported(3, Fate::in_doubt, end + milliseconds{2});
  EXPECT_EQ(recorder.events().back().kind, Kind::died) << "and nobody asks again";
  EXPECT_EQ(count(Kind::report_in_doubt), 1U);
  EXPECT_EQ(machine->held(), 0U);
  EXPECT_EQ(journal.held(), 0U);
}

TEST_F(OrchestratorMachineTest, ComingBackItPollsByANewClockWithFreePlaces) {
  make(spec());
  receive(5);
  machine->die(first_tick + seconds{1}, {});
  machine->go_away();
  TimePoint const back = begin + seconds{100};
  auto const poll = machine->next_poll(back);
  EXPECT_GE(poll.intended, back);
  EXPECT_LT(poll.intended, back + seconds{1});
  EXPECT_EQ(poll.most, 5);
  EXPECT_EQ(recorder.orchestrators().polls_skipped, 0U) << "the dead skip nothing";
  ASSERT_TRUE(machine->next_poll(poll.intended).now);
  machine->polled(Fate::ok, {run()}, poll.intended);
  EXPECT_EQ(recorder.events().back().since, back);
}

// Whatever comes: no more is worked than may be, no more held than a batch on top of that less one, every place is
// used while something waits, and what was received ends in exactly one way.
TEST_F(OrchestratorMachineTest, KeepsItsBoundsInAnyHistory) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    auto random = Random::stream(seed, "orchestrator history");
    OrchestratorSpec any;
    any.batch = 1 + static_cast<int>(random.below(12));
    any.max_concurrent = 1 + static_cast<int>(random.below(8));
    any.clamp = random.below(2) == 0;
    any.warm_pool = {static_cast<int>(random.below(4)), milliseconds{1 + random.below(4000)}};
    Recorder told{Window{begin, begin + std::chrono::hours{1}}};
    RunJournal journey{told, 3};
    OrchestratorRules const any_rules{any, 1};
    FleetSpec fleet;
    fleet.run_length = {DurationDistribution::Shape::exponential, milliseconds{1 + random.below(4000)}, 1.0};
    fleet.failure_rate = 0.2;
    RunnerRules const any_runner{fleet, 1};
    OrchestratorMachine any_machine{any_rules, any_runner, journey, told, 1, Random::stream(seed, "runner")};
    auto const limit = static_cast<std::size_t>(any.clamp ? any.max_concurrent : any.max_concurrent - 1 + any.batch);

    TimePoint now = begin;
    std::uint64_t given = 0;
    for (int i = 0; i < 400; ++i) {
      now += milliseconds{random.below(800)};
      auto const poll = any_machine.next_poll(now);
      ASSERT_GT(poll.most + static_cast<int>(!poll.now), 0);
      if (poll.now) {
        bool const fails = random.below(10) == 0;
        std::vector<protocol::AssignedRun> assigned(fails ? 0
                                                          : random.below(static_cast<std::uint64_t>(poll.most) + 1));
        for (auto& each : assigned) {
          ++given;
          each.run.bytes[0] = static_cast<std::uint8_t>(given);
          each.run.bytes[1] = static_cast<std::uint8_t>(given >> 8);
          each.token = ClaimToken{1, given};
        }
        Fate const fate = fails ? Fate::unavailable : assigned.empty() ? Fate::empty : Fate::ok;
        any_machine.polled(fate, assigned, now + milliseconds{random.below(3)});
      }
      for (std::size_t place = 0; place < any_machine.places(); ++place) {
        if (any_machine.next(place, now).action != Action::report) continue;
        Fate const fates[] = {Fate::ok, Fate::ok, Fate::ok, Fate::conflict, Fate::unavailable, Fate::in_doubt};
        any_machine.reported(place, fates[random.below(6)], now);
      }
      if (random.below(20) == 0 && any_machine.held() > 0) {
        auto const claims = any_machine.claims();
        any_machine.lease_lost(claims[random.below(claims.size())], now);
      }
      if (random.below(60) == 0) any_machine.die(now, {});
      ASSERT_LE(any_machine.held(), limit);
      ASSERT_EQ(any_machine.busy(), std::min(any_machine.held(), static_cast<std::size_t>(any.max_concurrent)));
      ASSERT_EQ(any_machine.claims().size(), any_machine.held());
      ASSERT_EQ(journey.held(), any_machine.held());
    }
    any_machine.give_up(now);
    std::map<RunId, int> open;
    for (auto const& event : told.events()) {
      if (event.kind == Kind::received) ++open[event.run];
      if (event.kind != Kind::received && event.kind != Kind::report_in_doubt) --open[event.run];
      ASSERT_GE(open[event.run], 0);
      ASSERT_LE(open[event.run], 1);
    }
    for (auto const& [id, n] : open) ASSERT_EQ(n, 0);
    ASSERT_GT(told.orchestrators().received, 0U);
    ASSERT_LE(told.orchestrators().most_held, limit);
    ASSERT_EQ(told.orchestrators().received, open.size());
  }
}

}  // namespace
}  // namespace assay
