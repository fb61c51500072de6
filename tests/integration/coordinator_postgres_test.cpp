// The real coordinator over the PostgreSQL backends: the same life of a run, and what clients hear when the database
// goes away and comes back.
#include "tests/integration/coordinator_fixture.hpp"
#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::test {
namespace {

using protocol::StatusReport;

class CoordinatorOnPostgres : public testing::TestWithParam<char const*> {
 protected:
  std::vector<std::string> arguments() const { return {"--backend", GetParam(), "--store-url", database_.url()}; }

  TestDatabase database_;
};

TEST_P(CoordinatorOnPostgres, ARunLivesAndSurvivesTheCoordinator) {
  std::string const payload{"a\0b ü", 6};
  std::optional<Coordinator> coordinator;
  std::optional<Client> client;
  coordinator.emplace(arguments());
  client.emplace(coordinator->port());
  RunId const id = submit(*client, payload, {"linux"}, 3);
  EXPECT_TRUE(coordinator->process().stop().clean()) << coordinator->log();

  coordinator.emplace(arguments());
  client.emplace(coordinator->port());
  auto const run = claim_one(*client, linux_runner);
  EXPECT_EQ(run.run, id);
  EXPECT_EQ(run.payload, payload);
  auto const path = fmt::format("/runs/{}", to_string(id));
  Reply const reported = client->post(path + "/status", linux_runner,
                                      encode(StatusReport{run.token, StatusReport::Status::completed, "passed"}));
  EXPECT_EQ(reported.result_int(), 200U) << reported.body();
  auto const view = protocol::decode_run_view(client->get(path, submitter).body()).value();
  EXPECT_EQ(view.state, RunState::completed);
  EXPECT_EQ(view.result, "passed");
  EXPECT_EQ(view.runner, "linux-1");
}

TEST_P(CoordinatorOnPostgres, WithoutItsDatabaseItSaysSoAndWithItItGoesOn) {
  Coordinator coordinator{arguments()};
  Client client = coordinator.client();
  submit(client, "before");
  postgres_server().crash();

  TimePoint const deadline = SystemClock{}.now() + patience;
  Reply health;
  do {
    health = client.get("/healthz", "");
  } while (health.result_int() == 200U && SystemClock{}.now() < deadline);
  EXPECT_EQ(health.result_int(), 503U);
  EXPECT_THAT(error_detail(health), testing::StartsWith("the store: "));
  Reply const refused = client.post("/runs", submitter, "{}");
  EXPECT_EQ(refused.result_int(), 503U) << refused.body();
  EXPECT_FALSE(error_detail(refused).empty());

  postgres_server().start();
  Reply accepted;
  do {
    accepted = client.post("/runs", submitter, R"({"payload":"after"})");
  } while (accepted.result_int() == 503U && SystemClock{}.now() < deadline);
  EXPECT_EQ(accepted.result_int(), 201U) << accepted.body();
  EXPECT_EQ(claim_one(client, plain_runner).payload, "before");
  do {  // it may repeat what it knew up to a second ago
    health = client.get("/healthz", "");
  } while (health.result_int() == 503U && SystemClock{}.now() < deadline);
  EXPECT_EQ(health.result_int(), 200U) << health.body();
  EXPECT_TRUE(coordinator.process().stop().clean());
}

TEST_P(CoordinatorOnPostgres, ARunAcceptedByOneWakesARunnerThatWaitsAtAnother) {
  // The sweep, which would find the run, too, comes only when the poll has ended.
  std::vector<std::string> arguments_of_both = arguments();
  arguments_of_both.insert(arguments_of_both.end(), {"--sweep-interval", "1h"});
  Coordinator one{arguments_of_both};
  Coordinator other{arguments_of_both};
  Client runner = other.client();
  for (int i = 0; i < 3; ++i) {
    runner.send(http::verb::get, "/runner/runs?wait=20s", plain_runner);
    other.wait_for_parked(1);
    other.wait_for([](auto const& stats) { return stats.batches_in_flight == 0; });
    Client client = one.client();
    RunId const id = submit(client, "over there");
    auto const runs = protocol::decode_assigned_runs(runner.receive().body()).value();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].run, id);
  }
}

TEST_P(CoordinatorOnPostgres, ASubmissionThatWaitsAtOneHearsOfAnEndAtAnother) {
  std::vector<std::string> arguments_of_both = arguments();
  arguments_of_both.insert(arguments_of_both.end(), {"--reply-lookup", "20ms"});
  Coordinator one{arguments_of_both};
  Coordinator other{arguments_of_both};
  Client waiting = one.client();
  Client runner = other.client();
  waiting.send(http::verb::post, "/runs?wait=20s", submitter, R"({"payload":"over there"})");
  auto const run = claim_one(runner, plain_runner);
  runner.post(fmt::format("/runs/{}/status", to_string(run.run)), plain_runner,
              encode(StatusReport{run.token, StatusReport::Status::completed, "passed"}));
  auto const answer = protocol::decode_submission_answer(waiting.receive().body()).value();
  EXPECT_EQ(answer.state, RunState::completed);
  EXPECT_EQ(answer.result, "passed");
}

TEST_P(CoordinatorOnPostgres, ADatabaseThatCannotBeReachedIsOneClearLineAndStatus6) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const ending = run_program({"--backend", GetParam(), "--store-url", "postgresql://nobody@127.0.0.1:1/x",
                                   "--identities", write_identities(place.path()).string()});
  EXPECT_EQ(ending.exit.status, 6) << ending.log;
  EXPECT_THAT(ending.log, testing::StartsWith(fmt::format("assay-coordinator: {}: ", GetParam())));
  EXPECT_EQ(std::count(ending.log.begin(), ending.log.end(), '\n'), 1) << ending.log;
}

INSTANTIATE_TEST_SUITE_P(Backends, CoordinatorOnPostgres, testing::Values("postgres-batch", "postgres-skip-locked"),
                         [](auto const& tested) {
                           return std::string{tested.param} == "postgres-batch" ? "batch" : "skip_locked";
                         });

}  // namespace
}  // namespace assay::test
