#include "reference_coordinator/claim_core/dispatcher.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

TagSet tags(std::vector<std::string> names) { return TagSet{std::move(names)}; }

Claim claim_for(std::uint32_t demand) {
  Claim claim;
  claim.demand = demand;
  return claim;
}

class DispatcherTest : public testing::Test {
 protected:
  explicit DispatcherTest(Dispatcher::Options options = {}) : dispatcher{options} {}

  PollId park(TagSet const& offered, std::uint32_t max = 1, Duration hold = seconds{30}) {
    return dispatcher.park("runner-" + std::to_string(++runners), offered, max, now, now + hold);
  }

  Batch batch() {
    auto next = dispatcher.next_batch(now);
    EXPECT_TRUE(next.has_value());
    return next.value_or(Batch{});
  }

  bool quiet() { return !dispatcher.next_batch(now).has_value(); }

  // Parks a poll per offer and lets the store say that there is nothing.
  void learn_that_nothing_is_ready(std::vector<TagSet> const& offers) {
    for (auto const& offer : offers) park(offer);
    dispatcher.batch_done(batch().id, {});
  }

  Dispatcher dispatcher;
  TimePoint now{seconds{1}};
  int runners = 0;
};

TEST_F(DispatcherTest, AsksForTheFirstPollAtOnceAndForNothingWithoutPolls) {
  dispatcher.work_may_exist();
  EXPECT_TRUE(quiet());
  park(tags({"linux"}), 3);
  Batch const first = batch();
  ASSERT_THAT(first.demands, SizeIs(1));
  EXPECT_EQ(first.demands[0].offered, tags({"linux"}));
  EXPECT_EQ(first.demands[0].count, 3U);
  EXPECT_EQ(first.demands[0].runner, "runner-1");
}

TEST_F(DispatcherTest, WhileABatchIsOutTheNextOneGrows) {
  park(tags({"a"}));
  Batch const first = batch();
  for (int i = 0; i < 5; ++i) park(tags({"b"}));
  EXPECT_TRUE(quiet()) << "one batch in flight at a time";
  dispatcher.batch_done(first.id, {});
  EXPECT_THAT(batch().demands, SizeIs(5));
}

TEST_F(DispatcherTest, DemandsAreInTheOrderOfWaitingAcrossOffers) {
  park(tags({"a"}));
  park(tags({"b"}));
  park(tags({"a"}));
  EXPECT_THAT(batch().demands, ElementsAre(Field(&Demand::runner, "runner-1"), Field(&Demand::runner, "runner-2"),
                                           Field(&Demand::runner, "runner-3")));
}

TEST_F(DispatcherTest, AfterAnEmptyAnswerItAsksAgainOnlyWhenSomethingHappened) {
  learn_that_nothing_is_ready({tags({"a"})});
  EXPECT_TRUE(quiet());
  park(tags({"a"}));
  EXPECT_TRUE(quiet()) << "a new poll of an offer known to be empty is no news";
  dispatcher.work_may_exist(tags({"b"}));
  EXPECT_TRUE(quiet()) << "a run that fits nobody here is no news";
  park(tags({"c"}));
  EXPECT_THAT(batch().demands, ElementsAre(Field(&Demand::runner, "runner-3")));
}

TEST_F(DispatcherTest, AsksForAsManyRunsAsMayBeThere) {
  learn_that_nothing_is_ready({tags({"a"}), tags({"a"}), tags({"a"}), tags({"a"})});
  dispatcher.work_may_exist(tags({"a"}), 2);
  Batch const two = batch();
  EXPECT_THAT(two.demands, ElementsAre(Field(&Demand::runner, "runner-1"), Field(&Demand::runner, "runner-2")));
  dispatcher.batch_done(two.id, {claim_for(0), claim_for(1)});
  EXPECT_TRUE(quiet()) << "both runs that were told are given";
  dispatcher.work_may_exist();
  EXPECT_THAT(batch().demands, SizeIs(2)) << "an unknown event: whoever is left may be served";
}

TEST_F(DispatcherTest, AFullAnswerMeansThereMayBeMore) {
  park(tags({"a"}), 1);
  Batch const first = batch();
  park(tags({"a"}));
  dispatcher.batch_done(first.id, {claim_for(0)});
  EXPECT_THAT(batch().demands, SizeIs(1));
}

TEST_F(DispatcherTest, AnEventDuringABatchOutlivesItsEmptyAnswer) {
  park(tags({"a"}));
  Batch const known = batch();
  dispatcher.work_may_exist(tags({"a"}));
  dispatcher.batch_done(known.id, {});
  Batch const again = batch();
  dispatcher.work_may_exist();
  dispatcher.batch_done(again.id, {});
  EXPECT_FALSE(quiet());
}

TEST_F(DispatcherTest, TellsWhenMoreIsReadyThanWhoeverWaitsHereCanTake) {
  learn_that_nothing_is_ready({tags({"a"})});
  EXPECT_TRUE(dispatcher.work_may_exist(tags({"a"})));
  EXPECT_FALSE(dispatcher.work_may_exist(tags({"z"}))) << "nobody here offers it";
  Batch const one = batch();
  EXPECT_FALSE(dispatcher.batch_done(one.id, {claim_for(0)}).surplus) << "the one run that was told is given";
  EXPECT_FALSE(dispatcher.work_may_exist(tags({"a"}))) << "nobody waits";
  park(tags({"a"}));
  dispatcher.work_may_exist(tags({"a"}));
  Batch const two = batch();
  EXPECT_TRUE(dispatcher.batch_done(two.id, {claim_for(0)}).surplus) << "two were told, one poll took one";
}

TEST_F(DispatcherTest, ThePartOfAWaitThatIsTheMatchersOwnStartsWhenWorkIsThere) {
  PollId const idle = park(tags({"a"}));
  dispatcher.batch_done(batch().id, {});
  now += seconds{1};
  dispatcher.work_may_exist(tags({"a"}));
  Batch const at_once = batch();
  PollId const later = park(tags({"a"}));
  now += milliseconds{1};
  dispatcher.work_may_exist(tags({"a"}));
  EXPECT_TRUE(quiet()) << "the batch in flight holds it up";
  TimePoint const held_up = now;
  now += milliseconds{5};
  BatchAnswer const first = dispatcher.batch_done(at_once.id, {claim_for(0)});
  ASSERT_THAT(first.assigned, SizeIs(1));
  EXPECT_EQ(first.assigned[0].poll, idle);
  EXPECT_EQ(first.assigned[0].matchable_at, first.assigned[0].demanded_at) << "it waited for work, not for the matcher";
  BatchAnswer const second = dispatcher.batch_done(batch().id, {claim_for(0)});
  ASSERT_THAT(second.assigned, SizeIs(1));
  EXPECT_EQ(second.assigned[0].poll, later);
  EXPECT_EQ(second.assigned[0].matchable_at, held_up);
  EXPECT_EQ(second.assigned[0].demanded_at, now);
}

TEST_F(DispatcherTest, ThePollsThatGotNothingStayParkedAtTheirPlace) {
  PollId const first = park(tags({"a"}));
  PollId const second = park(tags({"b"}));
  Batch const asked = batch();
  BatchAnswer const answer = dispatcher.batch_done(asked.id, {claim_for(1)});
  ASSERT_THAT(answer.assigned, SizeIs(1));
  EXPECT_EQ(answer.assigned[0].poll, second);
  EXPECT_EQ(answer.assigned[0].demanded_at, now);
  EXPECT_THAT(answer.unwanted, IsEmpty());
  EXPECT_TRUE(dispatcher.is_parked(first));
  EXPECT_FALSE(dispatcher.is_parked(second));
  park(tags({"a"}));
  dispatcher.work_may_exist();
  EXPECT_THAT(batch().demands, ElementsAre(Field(&Demand::runner, "runner-1"), Field(&Demand::runner, "runner-3")));
}

TEST_F(DispatcherTest, TheClaimOfAPollThatLeftOrExpiredIsUnwantedNotLost) {
  PollId const leaver = park(tags({"a"}));
  park(tags({"a"}), 1, seconds{1});
  park(tags({"a"}));
  Batch const asked = batch();
  EXPECT_TRUE(dispatcher.cancel(leaver));
  EXPECT_THAT(dispatcher.expire(now + seconds{1}), SizeIs(1));
  BatchAnswer const answer = dispatcher.batch_done(asked.id, {claim_for(0), claim_for(1), claim_for(2)});
  EXPECT_THAT(answer.assigned, SizeIs(1));
  EXPECT_THAT(answer.unwanted, SizeIs(2));
}

TEST_F(DispatcherTest, MoreThanWasAskedForIsUnwantedNotLost) {
  park(tags({"a"}));
  BatchAnswer const answer = dispatcher.batch_done(batch().id, {claim_for(0), claim_for(0), claim_for(7)});
  ASSERT_THAT(answer.assigned, SizeIs(1));
  EXPECT_THAT(answer.assigned[0].claims, SizeIs(1));
  EXPECT_THAT(answer.unwanted, SizeIs(2));
}

TEST_F(DispatcherTest, NextEventIsTheEarliestDeadline) {
  EXPECT_FALSE(dispatcher.next_event());
  park(tags({"a"}), 1, seconds{30});
  PollId const sooner = park(tags({"a"}), 1, seconds{5});
  EXPECT_EQ(dispatcher.next_event(), now + seconds{5});
  dispatcher.cancel(sooner);
  EXPECT_EQ(dispatcher.next_event(), now + seconds{30});
}

TEST_F(DispatcherTest, AfterAnErrorItPausesLongerEachTimeAndASuccessEndsThat) {
  park(tags({"a"}));
  Duration longest{};
  for (int failure = 0; failure < 12; ++failure) {
    dispatcher.batch_failed(batch().id, now);
    dispatcher.work_may_exist();
    EXPECT_TRUE(quiet()) << "not even an event ends the pause";
    auto const resume = dispatcher.next_event();
    ASSERT_TRUE(resume);
    EXPECT_GE(*resume - now, milliseconds{10});
    EXPECT_LE(*resume - now, seconds{2});
    longest = std::max(longest, *resume - now);
    now = *resume;
  }
  EXPECT_GE(longest, seconds{1});
  dispatcher.batch_done(batch().id, {});
  park(tags({"b"}));
  dispatcher.batch_failed(batch().id, now);
  EXPECT_LE(*dispatcher.next_event() - now, milliseconds{20});
}

class SmallBatchesTest : public DispatcherTest {
 protected:
  SmallBatchesTest() : DispatcherTest{options()} {}
  static Dispatcher::Options options() {
    Dispatcher::Options options;
    options.max_batch = 4;
    options.max_in_flight = 2;
    return options;
  }
};

TEST_F(SmallBatchesTest, ABatchIsBoundedByRunsAndNoPollIsInTwo) {
  park(tags({"a"}), 3);
  park(tags({"a"}), 3);
  park(tags({"a"}), 3);
  Batch const first = batch();
  EXPECT_THAT(first.demands, ElementsAre(Field(&Demand::count, 3U), Field(&Demand::count, 1U)));
  Batch const second = batch();
  EXPECT_THAT(second.demands, ElementsAre(Field(&Demand::runner, "runner-3")));
  EXPECT_TRUE(quiet());
  park(tags({"b"}));
  EXPECT_TRUE(quiet()) << "two in flight are enough";
}

TEST_F(SmallBatchesTest, AFailedBatchUndoesWhatALaterOneLearned) {
  park(tags({"a", "b"}));
  Batch const holding_the_only_run = batch();
  park(tags({"a"}));
  dispatcher.batch_done(batch().id, {});
  dispatcher.batch_failed(holding_the_only_run.id, now);
  now = dispatcher.next_event().value_or(now);
  EXPECT_THAT(batch().demands, SizeIs(2));
}

TEST_F(SmallBatchesTest, ASuccessBesidesAFailureEndsThePauseForAll) {
  park(tags({"a"}));
  Batch const first = batch();
  park(tags({"b"}));
  Batch const second = batch();
  dispatcher.batch_failed(first.id, now);
  dispatcher.batch_done(second.id, {});
  EXPECT_FALSE(quiet());
}

// A poll whose deadline has come already.
TEST_F(DispatcherTest, APollThatLooksOnceIsAskedForAndThenExpires) {
  PollId const look = park(tags({}), 3, Duration{});
  EXPECT_THAT(dispatcher.expire(now), IsEmpty()) << "not before it was asked for";
  Batch const asked = batch();
  now += seconds{2};
  EXPECT_THAT(dispatcher.expire(now), IsEmpty()) << "a slow store is no empty one";
  dispatcher.batch_done(asked.id, {});
  EXPECT_THAT(dispatcher.expire(now), ElementsAre(look));
  EXPECT_EQ(dispatcher.parked(), 0U);
}

TEST_F(DispatcherTest, APollThatLooksOnceTakesWhatThereIs) {
  PollId const look = park(tags({}), 3, Duration{});
  auto const answer = dispatcher.batch_done(batch().id, {claim_for(0), claim_for(0)});
  EXPECT_THAT(answer.assigned, ElementsAre(Field(&AssignedPoll::poll, look)));
  EXPECT_THAT(dispatcher.expire(now), IsEmpty());
}

TEST_F(DispatcherTest, APollThatLooksOnceExpiresAtOnceWhenNothingCanBeThere) {
  learn_that_nothing_is_ready({tags({})});
  PollId const look = park(tags({}), 1, Duration{});
  EXPECT_THAT(dispatcher.expire(now), ElementsAre(look));
  dispatcher.work_may_exist(tags({}));
  batch();  // for the poll that is held
}

TEST_F(DispatcherTest, APollThatLooksOnceDoesNotSitOutAPauseNorAStoreThatNeverAnswers) {
  park(tags({}));
  dispatcher.batch_failed(batch().id, now);
  PollId const look = park(tags({}), 1, Duration{});
  EXPECT_THAT(dispatcher.expire(now), ElementsAre(look)) << "the store is in trouble: look again next time";
  now += seconds{1};
  batch();  // for the first one
  PollId const stuck = park(tags({}), 1, Duration{});
  EXPECT_THAT(dispatcher.expire(now), IsEmpty()) << "its turn comes with the next batch";
  now += seconds{10};
  EXPECT_THAT(dispatcher.expire(now), ElementsAre(stuck));
}

Claim claim_of(std::uint32_t demand, std::uint64_t counter) {
  Claim claim = claim_for(demand);
  claim.token.counter = counter;
  return claim;
}

TEST_F(DispatcherTest, ReservesTheLongestWaitingPollForARunThatIsBeingSubmitted) {
  EXPECT_FALSE(dispatcher.reserve(tags({}), now));
  learn_that_nothing_is_ready({tags({"mac"}), tags({"linux"}), tags({"linux"})});
  EXPECT_FALSE(dispatcher.reserve(tags({"gpu"}), now));
  auto const first = dispatcher.reserve(tags({"linux"}), now);
  auto const second = dispatcher.reserve(tags({"linux"}), now);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->demand.runner, "runner-2");
  EXPECT_EQ(first->demand.count, 1U);
  EXPECT_EQ(second->demand.runner, "runner-3");
  EXPECT_FALSE(dispatcher.reserve(tags({"linux"}), now)) << "both are spoken for";

  std::vector<Reservation> const reserved{*first, *second};
  BatchAnswer const answer = dispatcher.handed(reserved, {claim_of(1, 7)});
  ASSERT_THAT(answer.assigned, SizeIs(1));
  EXPECT_EQ(answer.assigned[0].poll, second->poll);
  EXPECT_EQ(answer.assigned[0].claims[0].token.counter, 7U);
  EXPECT_THAT(answer.unwanted, IsEmpty());
  EXPECT_EQ(dispatcher.parked(), 2U);
  EXPECT_EQ(dispatcher.reserve(tags({"linux"}), now)->poll, first->poll) << "it waits again, at its place";
}

TEST_F(DispatcherTest, ReservesNobodyWhileSomethingOlderMayBeReady) {
  park(tags({"linux"}));
  EXPECT_FALSE(dispatcher.reserve(tags({"linux"}), now)) << "nobody has asked the store yet";
  dispatcher.batch_done(batch().id, {});
  dispatcher.work_may_exist(tags({"linux"}));
  EXPECT_FALSE(dispatcher.reserve(tags({"linux"}), now));
  dispatcher.batch_done(batch().id, {});
  EXPECT_TRUE(dispatcher.reserve(tags({"linux"}), now));
}

TEST_F(DispatcherTest, AReservedPollThatLeavesLeavesItsRunBehind) {
  learn_that_nothing_is_ready({tags({"linux"})});
  auto const reservation = dispatcher.reserve(tags({"linux"}), now);
  ASSERT_TRUE(reservation);
  EXPECT_TRUE(dispatcher.cancel(reservation->poll));
  BatchAnswer const answer = dispatcher.handed({*reservation}, {claim_of(0, 7)});
  EXPECT_THAT(answer.assigned, IsEmpty());
  EXPECT_THAT(answer.unwanted, SizeIs(1));
}

TEST_F(DispatcherTest, WorkThatCameWhileAPollWasReservedIsAskedForWhenItIsBack) {
  learn_that_nothing_is_ready({tags({"linux"})});
  auto const reservation = dispatcher.reserve(tags({"linux"}), now);
  ASSERT_TRUE(reservation);
  EXPECT_FALSE(dispatcher.work_may_exist(tags({"linux"}))) << "nobody is free for it now";
  EXPECT_TRUE(quiet());
  dispatcher.handed({*reservation}, {});
  EXPECT_THAT(batch().demands, SizeIs(1));
}

}  // namespace
}  // namespace assay
