#include "simulated_runners/run_journal.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using Kind = RunEvent::Kind;

struct RunJournalTest : testing::Test {
  void tell(Kind kind, std::uint8_t run = 1, int attempt = 1, Duration at = {}) {
    RunEvent event;
    event.kind = kind;
    event.run.bytes[0] = run;
    event.attempt = attempt;
    event.time = TimePoint{at};
    journal.record(event);
  }

  Recorder recorder{Window{}};
  RunJournal journal{recorder, 3};
};

TEST_F(RunJournalTest, AnAcceptedRunIsOutstandingUntilItIsCompleted) {
  tell(Kind::submitted);
  EXPECT_EQ(journal.outstanding(), 0U);
  tell(Kind::accepted);
  EXPECT_EQ(journal.outstanding(), 1U);
  tell(Kind::received);
  EXPECT_EQ(journal.held(), 1U);
  tell(Kind::completed);
  EXPECT_EQ(journal.outstanding(), 0U);
  EXPECT_EQ(journal.held(), 0U);
  EXPECT_EQ(journal.completed(), 1U);
  EXPECT_EQ(recorder.events().size(), 4U);
}

TEST_F(RunJournalTest, ARunMayBeDoneBeforeItsAcceptanceIsRead) {
  tell(Kind::submitted);
  tell(Kind::received);
  tell(Kind::completed);
  EXPECT_EQ(journal.outstanding(), 0U);
  tell(Kind::accepted);
  EXPECT_EQ(journal.outstanding(), 0U);
}

TEST_F(RunJournalTest, AFailedRunComesBackUntilItsLastAttempt) {
  tell(Kind::submitted);
  tell(Kind::accepted);
  for (int attempt : {1, 2}) {
    tell(Kind::received, 1, attempt);
    tell(Kind::failed, 1, attempt);
    EXPECT_EQ(journal.outstanding(), 1U);
    EXPECT_EQ(journal.held(), 0U);
  }
  tell(Kind::received, 1, 3);
  tell(Kind::failed, 1, 3);
  EXPECT_EQ(journal.outstanding(), 0U);
  EXPECT_EQ(journal.completed(), 0U);
}

TEST_F(RunJournalTest, ALostLeaseLeavesTheRunOutstanding) {
  tell(Kind::submitted);
  tell(Kind::accepted);
  tell(Kind::received);
  tell(Kind::abandoned);
  EXPECT_EQ(journal.outstanding(), 1U);
  EXPECT_EQ(journal.held(), 0U);
  tell(Kind::received, 1, 2);
  tell(Kind::completed, 1, 2);
  EXPECT_EQ(journal.outstanding(), 0U);
}

TEST_F(RunJournalTest, RefusedAndDoubtfulSubmissionsAreNotOwed) {
  tell(Kind::submitted, 1);
  tell(Kind::submit_failed, 1);
  tell(Kind::submitted, 2);
  tell(Kind::submit_in_doubt, 2);
  EXPECT_EQ(journal.outstanding(), 0U);
  tell(Kind::received, 2);  // it existed after all
  EXPECT_EQ(journal.held(), 1U);
  tell(Kind::completed, 2);
  EXPECT_EQ(journal.held(), 0U);
  EXPECT_EQ(journal.outstanding(), 0U);
}

TEST_F(RunJournalTest, ASecondCompletionOfARunIsNotCountedAsOwedLess) {
  tell(Kind::submitted, 1);
  tell(Kind::accepted, 1);
  tell(Kind::submitted, 2);
  tell(Kind::accepted, 2);
  for (int i = 0; i < 2; ++i) {
    tell(Kind::received, 1);
    tell(Kind::completed, 1);
  }
  EXPECT_EQ(journal.outstanding(), 1U);
}

TEST_F(RunJournalTest, WhatRunnersTellOfOthersRunsIsKeptForThoseAndCountsThere) {
  RunJournal submitters{recorder, 3};
  RunEvent submitted;
  submitted.run.bytes[0] = 1;
  submitters.record(submitted);
  submitted.kind = Kind::accepted;
  submitters.record(submitted);

  journal.keep_foreign();
  tell(Kind::received);
  tell(Kind::failed, 1, 1);
  tell(Kind::received, 1, 2);
  tell(Kind::completed, 1, 2);
  EXPECT_EQ(journal.held(), 0U);
  EXPECT_EQ(journal.completed(), 1U);
  auto const foreign = journal.take_foreign();
  EXPECT_EQ(foreign.size(), 3U) << "a failure that is tried again ends nothing";
  EXPECT_TRUE(journal.take_foreign().empty());

  EXPECT_EQ(submitters.outstanding(), 1U);
  submitters.settle(foreign);
  EXPECT_EQ(submitters.outstanding(), 0U);
  EXPECT_EQ(submitters.completed(), 0U) << "that is counted where the runner is";
  submitters.settle(foreign);
  EXPECT_EQ(submitters.outstanding(), 0U) << "told twice";
}

TEST_F(RunJournalTest, OwnRunsAreNotForeign) {
  journal.keep_foreign();
  tell(Kind::submitted);
  tell(Kind::accepted);
  tell(Kind::received);
  tell(Kind::completed);
  EXPECT_TRUE(journal.take_foreign().empty());
}

}  // namespace
}  // namespace assay
