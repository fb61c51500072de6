// Submissions that wait for their run's result, against the real program.
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::test {
namespace {

using protocol::StatusReport;
using testing::HasSubstr;

constexpr std::string_view an_id = "018f2d3a-7b1c-7def-8123-456789abcdef";

std::string submission(int max_attempts = 3) {
  protocol::Submission run;
  run.id = parse_run_id(an_id).value();
  run.payload = "make";
  run.max_attempts = max_attempts;
  return encode(run);
}

void send_waiting(Client& client, std::string const& wait, std::string body = submission()) {
  client.send(http::verb::post, "/runs?wait=" + wait, submitter, std::move(body));
}

void wait_for_waiting(Coordinator& coordinator, std::uint64_t submissions) {
  coordinator.wait_for([=](auto const& stats) { return stats.waiting_submissions == submissions; });
}

Reply report(Client& client, protocol::AssignedRun const& run, StatusReport::Status status, std::string result) {
  return client.post(fmt::format("/runs/{}/status", to_string(run.run)), plain_runner,
                     encode(StatusReport{run.token, status, std::move(result)}));
}

protocol::SubmissionAnswer answer_of(Reply const& reply) {
  return protocol::decode_submission_answer(reply.body()).value();
}

TEST(WaitingSubmission, IsAnsweredWithTheResultWhenItsRunIsCompleted) {
  Coordinator coordinator;
  Client waiting = coordinator.client(), runner = coordinator.client();
  send_waiting(waiting, "30s");
  auto const run = claim_one(runner, plain_runner);
  EXPECT_EQ(to_string(run.run), an_id);
  EXPECT_EQ(report(runner, run, StatusReport::Status::completed, "passed").result_int(), 200U);

  Reply const reply = waiting.receive();
  EXPECT_EQ(reply.result_int(), 200U);
  EXPECT_EQ(answer_of(reply).outcome, Outcome::ok);
  EXPECT_EQ(answer_of(reply).state, RunState::completed);
  EXPECT_EQ(answer_of(reply).result, "passed");
  auto const stats = coordinator.wait_for([](auto const& now) { return now.replies == 1; });
  EXPECT_EQ(stats.waiting_submissions, 0U);
  EXPECT_EQ(stats.late_waits + stats.abandoned_waits, 0U);
}

TEST(WaitingSubmission, RepeatedAfterTheEndHearsTheResultAtOnce) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.post("/runs", submitter, submission());
  auto const run = claim_one(client, plain_runner);
  report(client, run, StatusReport::Status::completed, "passed");
  send_waiting(client, "30s");
  Reply const reply = client.receive();
  EXPECT_EQ(reply.result_int(), 200U);
  EXPECT_EQ(answer_of(reply).outcome, Outcome::already_done);
  EXPECT_EQ(answer_of(reply).state, RunState::completed);
  EXPECT_EQ(answer_of(reply).result, "passed");
}

TEST(WaitingSubmission, TwoForTheSameRunBothHearTheResult) {
  Coordinator coordinator;
  Client first = coordinator.client(), second = coordinator.client(), runner = coordinator.client();
  send_waiting(first, "30s");
  wait_for_waiting(coordinator, 1);
  send_waiting(second, "30s");
  wait_for_waiting(coordinator, 2);
  report(runner, claim_one(runner, plain_runner), StatusReport::Status::completed, "passed");
  EXPECT_EQ(answer_of(first.receive()).result, "passed");
  EXPECT_EQ(answer_of(second.receive()).result, "passed");
}

TEST(WaitingSubmission, HearsOfADeadLetterAndItsCauseButNotOfAnAttemptThatIsMadeAgain) {
  Coordinator coordinator{{"--retry-base", "0s"}};
  Client waiting = coordinator.client(), runner = coordinator.client();
  send_waiting(waiting, "30s", submission(2));
  report(runner, claim_one(runner, plain_runner), StatusReport::Status::failed, "first");
  auto const again = claim_one(runner, plain_runner);
  EXPECT_EQ(again.attempt, 2);
  wait_for_waiting(coordinator, 1);
  report(runner, again, StatusReport::Status::failed, "second");
  Reply const reply = waiting.receive();
  EXPECT_EQ(reply.result_int(), 200U);
  EXPECT_EQ(answer_of(reply).state, RunState::dead);
  EXPECT_EQ(answer_of(reply).result, "second");
}

TEST(WaitingSubmission, HearsOfARunThatLostItsLastLease) {
  Coordinator coordinator{{"--lease", "20ms", "--sweep-interval", "10ms"}};
  Client waiting = coordinator.client(), runner = coordinator.client();
  send_waiting(waiting, "30s", submission(1));
  claim_one(runner, plain_runner);
  EXPECT_EQ(answer_of(waiting.receive()).state, RunState::dead);
}

TEST(WaitingSubmission, IsToldTheStateWhenTheWaitEndsFirst) {
  Coordinator coordinator;
  Client client = coordinator.client();
  send_waiting(client, "10ms");
  Reply const ready = client.receive();
  EXPECT_EQ(ready.result_int(), 202U);
  EXPECT_EQ(answer_of(ready).outcome, Outcome::ok);
  EXPECT_EQ(answer_of(ready).state, RunState::ready);
  claim_one(client, plain_runner);
  send_waiting(client, "10ms");
  Reply const claimed = client.receive();
  EXPECT_EQ(claimed.result_int(), 202U);
  EXPECT_EQ(answer_of(claimed).outcome, Outcome::already_done);
  EXPECT_EQ(answer_of(claimed).state, RunState::claimed);
  EXPECT_EQ(coordinator.wait_for([](auto const&) { return true; }).late_waits, 2U);
}

TEST(WaitingSubmission, LeavesItsRunAloneWhenItGoesAway) {
  Coordinator coordinator;
  {
    Client gone = coordinator.client();
    send_waiting(gone, "30s");
    wait_for_waiting(coordinator, 1);
  }
  wait_for_waiting(coordinator, 0);
  Client runner = coordinator.client();
  auto const run = claim_one(runner, plain_runner);
  EXPECT_EQ(report(runner, run, StatusReport::Status::completed, "passed").result_int(), 200U);
  EXPECT_EQ(coordinator.wait_for([](auto const&) { return true; }).abandoned_waits, 1U);
}

TEST(WaitingSubmission, IsAnsweredWhenTheCoordinatorStops) {
  Coordinator coordinator;
  Client waiting = coordinator.client();
  send_waiting(waiting, "30s");
  wait_for_waiting(coordinator, 1);
  coordinator.process().signal(SIGTERM);
  Reply const reply = waiting.receive();
  EXPECT_EQ(reply.result_int(), 202U);
  EXPECT_EQ(answer_of(reply).state, RunState::ready);
}

TEST(WaitingSubmission, NamesTheMistakeInItsQuery) {
  Coordinator coordinator;
  Client client = coordinator.client();
  EXPECT_THAT(error_detail(client.post("/runs?wait=31s", submitter, submission())),
              HasSubstr("a duration from 10ms to 30s is expected, found \"31s\""));
  EXPECT_THAT(error_detail(client.post("/runs?wiat=1s", submitter, submission())), HasSubstr("did you mean \"wait\"?"));
}

}  // namespace
}  // namespace assay::test
