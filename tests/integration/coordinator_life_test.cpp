// The life of runs over HTTP, against the real program.
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace assay::test {
namespace {

using protocol::StatusReport;
using testing::HasSubstr;

std::string path_of(RunId const& run, std::string_view what = "") {
  return fmt::format("/runs/{}{}", to_string(run), what);
}

std::string completed(ClaimToken token, std::string result = "passed") {
  return encode(StatusReport{token, StatusReport::Status::completed, std::move(result)});
}

std::string failed(ClaimToken token, std::string cause) {
  return encode(StatusReport{token, StatusReport::Status::failed, std::move(cause)});
}

Outcome outcome_of(Reply const& reply) { return protocol::decode_outcome(reply.body()).value(); }

RunView look_up(Client& client, RunId const& run) {
  return protocol::decode_run_view(client.get(path_of(run), submitter).body()).value();
}

TEST(CoordinatorLife, ARunIsSubmittedClaimedStartedRenewedCompletedAndShown) {
  Coordinator coordinator;
  Client client = coordinator.client();
  std::string const payload{"make\0 \"test\" \n ü", 17};
  RunId const id = submit(client, payload, {"linux"}, 7);
  EXPECT_EQ(look_up(client, id).state, RunState::ready);

  auto const run = claim_one(client, linux_runner);
  EXPECT_EQ(run.run, id);
  EXPECT_EQ(run.attempt, 1);
  EXPECT_EQ(run.lease, seconds{60});
  EXPECT_EQ(run.tags.key(), "linux");
  EXPECT_EQ(run.priority, 7);
  EXPECT_EQ(run.payload, payload);
  EXPECT_EQ(look_up(client, id).state, RunState::claimed);

  Reply const started = client.post(path_of(id, "/start"), linux_runner, protocol::encode_start(run.token));
  EXPECT_EQ(started.result_int(), 200U);
  EXPECT_EQ(outcome_of(started), Outcome::ok);

  Reply const beat = client.post("/runner/heartbeat", linux_runner, encode(protocol::Heartbeat{{{id, run.token}}}));
  ASSERT_EQ(beat.result_int(), 200U);
  auto const renewals = protocol::decode_heartbeat_answer(beat.body()).value();
  ASSERT_EQ(renewals.claims.size(), 1U);
  EXPECT_EQ(renewals.claims[0].run, id);
  EXPECT_EQ(renewals.claims[0].outcome, Outcome::ok);

  Reply const reported = client.post(path_of(id, "/status"), linux_runner, completed(run.token));
  EXPECT_EQ(reported.result_int(), 200U);
  EXPECT_EQ(outcome_of(reported), Outcome::ok);
  Reply const again = client.post(path_of(id, "/status"), linux_runner, completed(run.token));
  EXPECT_EQ(again.result_int(), 200U);
  EXPECT_EQ(outcome_of(again), Outcome::already_done);
  Reply const contradicted = client.post(path_of(id, "/status"), linux_runner, failed(run.token, "no"));
  EXPECT_EQ(contradicted.result_int(), 409U);
  EXPECT_EQ(outcome_of(contradicted), Outcome::rejected);

  RunView const view = look_up(client, id);
  EXPECT_EQ(view.state, RunState::completed);
  EXPECT_EQ(view.runner, "linux-1");
  EXPECT_EQ(view.result, "passed");
  EXPECT_EQ(view.attempts, 1);
}

TEST(CoordinatorLife, HigherPriorityFirstThenFirstInFirstOut) {
  Coordinator coordinator;
  Client client = coordinator.client();
  submit(client, "first");
  submit(client, "second");
  submit(client, "urgent", {}, 10);
  submit(client, "later", {}, -10);
  for (auto const* expected : {"urgent", "first", "second", "later"}) {
    EXPECT_EQ(claim_one(client, plain_runner).payload, expected);
  }
}

TEST(CoordinatorLife, ARunGoesOnlyToARunnerWithAllItsTags) {
  Coordinator coordinator;
  Client client = coordinator.client();
  submit(client, "for windows", {"windows"});
  submit(client, "for both", {"linux", "arm64"});
  EXPECT_EQ(client.get("/runner/runs?wait=20ms", plain_runner).body(), R"({"runs":[]})");
  EXPECT_EQ(claim_one(client, linux_runner).payload, "for both");
  EXPECT_EQ(claim_one(client, windows_runner).payload, "for windows");
}

TEST(CoordinatorLife, OnePollCanTakeSeveralRuns) {
  Coordinator coordinator;
  Client client = coordinator.client();
  for (int i = 0; i < 5; ++i) submit(client, fmt::format("{}", i));
  Reply const reply = client.get("/runner/runs?wait=10s&max=3", plain_runner);
  EXPECT_EQ(protocol::decode_assigned_runs(reply.body()).value().size(), 3U);
}

TEST(CoordinatorLife, AParkedPollIsAnsweredWhenARunComes) {
  Coordinator coordinator;
  Client runner = coordinator.client();
  runner.send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  coordinator.wait_for_parked(1);
  Client client = coordinator.client();
  RunId const id = submit(client, "now", {"linux"});
  auto const runs = protocol::decode_assigned_runs(runner.receive().body()).value();
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run, id);
  auto const stats = coordinator.wait_for([](auto const& now) { return now.delivered_claims == 1; });
  EXPECT_EQ(stats.parked_polls, 0U);
  EXPECT_EQ(stats.dispatch_wait.count(), 1);
  EXPECT_EQ(stats.claim_commit.count(), 1);
  EXPECT_EQ(stats.response_write.count(), 1);
}

TEST(CoordinatorLife, APollWithoutARunEndsEmptyWhenItsTimeIsOver) {
  Coordinator coordinator;
  Client client = coordinator.client();
  Reply const reply = client.get("/runner/runs?wait=30ms", linux_runner);
  EXPECT_EQ(reply.result_int(), 200U);
  EXPECT_EQ(reply.body(), R"({"runs":[]})");
  EXPECT_EQ(coordinator.wait_for([](auto const&) { return true; }).empty_polls, 1U);
}

TEST(CoordinatorLife, SubmissionIsIdempotentOnItsId) {
  Coordinator coordinator;
  Client client = coordinator.client();
  std::string const body = R"({"id":"018f2d3a-7b1c-7def-8123-456789abcdef","payload":"one"})";
  EXPECT_EQ(client.post("/runs", submitter, body).result_int(), 201U);
  Reply const again = client.post("/runs", submitter, body);
  EXPECT_EQ(again.result_int(), 200U);
  EXPECT_EQ(protocol::decode_submission_answer(again.body()).value().outcome, Outcome::already_done);
  claim_one(client, plain_runner);
  EXPECT_EQ(client.get("/runner/runs?wait=20ms", plain_runner).body(), R"({"runs":[]})");
}

TEST(CoordinatorLife, ABatchIsAnsweredItemByItem) {
  Coordinator coordinator;
  Client client = coordinator.client();
  Reply const reply = client.post("/runs/batch", submitter,
                                  R"({"runs":[{"id":"018f2d3a-7b1c-7def-8123-456789abcdef","payload":"a"},)"
                                  R"({"payload":"b"},{"id":"018f2d3a-7b1c-7def-8123-456789abcdef","payload":"c"}]})");
  ASSERT_EQ(reply.result_int(), 200U) << reply.body();
  auto const answers = protocol::decode_submission_answers(reply.body()).value();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].outcome, Outcome::ok);
  EXPECT_EQ(answers[1].outcome, Outcome::ok);
  EXPECT_EQ(answers[2].outcome, Outcome::already_done);
  EXPECT_EQ(claim_one(client, plain_runner).payload, "a");
  EXPECT_EQ(claim_one(client, plain_runner).payload, "b");
  EXPECT_EQ(client.post("/runs/batch", submitter, R"({"runs":[]})").body(), R"({"runs":[]})");
}

TEST(CoordinatorLife, ALostLeaseGoesToTheNextRunnerAndTheFirstOnesReportIsRefused) {
  Coordinator coordinator{{"--lease", "100ms", "--sweep-interval", "10ms"}};
  Client client = coordinator.client();
  RunId const id = submit(client, "slow");
  auto const first = claim_one(client, linux_runner);
  auto const second = claim_one(client, windows_runner);
  EXPECT_EQ(second.run, id);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_NE(second.token, first.token);

  for (auto const& [path, body] : {std::pair{path_of(id, "/status"), completed(first.token)},
                                   {path_of(id, "/start"), protocol::encode_start(first.token)}}) {
    Reply const late = client.post(path, linux_runner, body);
    EXPECT_EQ(late.result_int(), 409U) << late.body();
    EXPECT_EQ(outcome_of(late), Outcome::stale_token);
    EXPECT_THAT(late.body(), HasSubstr("is not current any more"));
  }
  EXPECT_EQ(protocol::decode_heartbeat_answer(
                client.post("/runner/heartbeat", linux_runner, encode(protocol::Heartbeat{{{id, first.token}}})).body())
                .value()
                .claims[0]
                .outcome,
            Outcome::stale_token);
}

TEST(CoordinatorLife, HeartbeatsKeepALeaseAliveBeyondItsLength) {
  Coordinator coordinator{{"--lease", "400ms", "--sweep-interval", "10ms"}};
  Client client = coordinator.client();
  RunId const id = submit(client, "long");
  auto const run = claim_one(client, linux_runner);
  TimePoint const enough = SystemClock{}.now() + seconds{1};
  while (SystemClock{}.now() < enough) {
    Reply const beat = client.post("/runner/heartbeat", linux_runner, encode(protocol::Heartbeat{{{id, run.token}}}));
    ASSERT_EQ(protocol::decode_heartbeat_answer(beat.body()).value().claims[0].outcome, Outcome::ok);
  }
  EXPECT_EQ(client.post(path_of(id, "/status"), linux_runner, completed(run.token)).result_int(), 200U);
  EXPECT_EQ(look_up(client, id).attempts, 1);
}

TEST(CoordinatorLife, AFailedRunIsTriedAgainAndThenDeadWithItsCause) {
  Coordinator coordinator{{"--max-attempts", "2", "--retry-base", "1ms", "--sweep-interval", "5ms"}};
  Client client = coordinator.client();
  RunId const id = submit(client, "poison");
  for (int attempt = 1; attempt <= 2; ++attempt) {
    auto const run = claim_one(client, linux_runner);
    EXPECT_EQ(run.attempt, attempt);
    Reply const reply = client.post(path_of(id, "/status"), linux_runner, failed(run.token, "segmentation fault"));
    EXPECT_EQ(reply.result_int(), 200U) << reply.body();
  }
  RunView const view = look_up(client, id);
  EXPECT_EQ(view.state, RunState::dead);
  EXPECT_THAT(view.result, HasSubstr("segmentation fault"));
}

TEST(CoordinatorLife, TheLedgerHoldsTheStoryOfEachRun) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const file = place.path() / "ledger.csv";
  Coordinator coordinator{{"--ledger", file.string()}};
  Client client = coordinator.client();
  RunId const id = submit(client, "x");
  auto const run = claim_one(client, linux_runner);
  client.post(path_of(id, "/status"), linux_runner, completed(run.token));
  client.post(path_of(id, "/status"), linux_runner, completed({1, 2}));
  EXPECT_TRUE(coordinator.process().stop().clean());

  std::ifstream in{file};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "time_ns,event,run,attempt,token,who,asked_ns,claimed_ns");
  std::string const run_id = to_string(id), token = to_string(run.token);
  EXPECT_THAT(lines[1], HasSubstr(fmt::format(",submitted,{},,,submitter-1", run_id)));
  EXPECT_THAT(lines[2], HasSubstr(fmt::format(",delivered,{},1,{},linux-1", run_id, token)));
  EXPECT_THAT(lines[3], HasSubstr(fmt::format(",completed,{},,{},linux-1", run_id, token)));
  EXPECT_THAT(lines[4], HasSubstr(fmt::format(",stale,{},,1.2,linux-1", run_id)));
}

}  // namespace
}  // namespace assay::test
