// Two-stage leases (--offer) at the edges, against the real program; tests/conformance has clause 45 over every
// backend.
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::test {
namespace {

using protocol::AssignedRun;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<AssignedRun> runs_of(Reply const& reply) { return protocol::decode_assigned_runs(reply.body()).value(); }

std::vector<AssignedRun> poll(Client& client, std::string_view runner, std::string_view query) {
  return runs_of(client.get(fmt::format("/runner/runs?{}", query), runner));
}

Outcome complete(Client& client, std::string_view runner, AssignedRun const& run) {
  using protocol::StatusReport;
  Reply const reply = client.post(fmt::format("/runs/{}/status", to_string(run.run)), runner,
                                  encode(StatusReport{run.token, StatusReport::Status::completed, "passed"}));
  return protocol::decode_outcome(reply.body()).value();
}

// The first connection stays open and silent, as one whose end got lost does.
TEST(CoordinatorOffers, APollTakesThePlaceOfOneThatWasAbortedAndNobodyNoticed) {
  Coordinator coordinator{{"--offer", "10s"}};
  Client silent = coordinator.client(), again = coordinator.client(), client = coordinator.client();
  silent.send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  coordinator.wait_for_parked(1);
  again.send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  EXPECT_THAT(runs_of(silent.receive()), IsEmpty());
  coordinator.wait_for_parked(1);
  RunId const id = submit(client, "x", {"linux"});
  auto const runs = runs_of(again.receive());
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run, id);
}

TEST(CoordinatorOffers, ASmallerPollLeavesTheRestToOthersUntouched) {
  Coordinator coordinator{{"--offer", "10s"}};
  Client client = coordinator.client();
  for (int i = 0; i < 3; ++i) submit(client, "x");
  auto const unread = poll(client, linux_runner, "wait=10s&max=3");
  ASSERT_EQ(unread.size(), 3U);
  auto const again = poll(client, linux_runner, "wait=10s&max=1");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].token, unread[0].token);
  for (std::size_t i = 1; i < 3; ++i) {
    auto const other = claim_one(client, plain_runner);
    EXPECT_EQ(other.run, unread[i].run);
    EXPECT_EQ(other.attempt, 1);
    EXPECT_EQ(complete(client, plain_runner, other), Outcome::ok);
  }
  EXPECT_EQ(complete(client, linux_runner, again[0]), Outcome::ok);
}

TEST(CoordinatorOffers, AReportIsASignOfLifeAboutTheWholeAnswer) {
  Coordinator coordinator{{"--offer", "10s"}};
  Client client = coordinator.client();
  submit(client, "x");
  submit(client, "y");
  auto const runs = poll(client, linux_runner, "wait=10s&max=2");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(complete(client, linux_runner, runs[0]), Outcome::ok);
  EXPECT_THAT(poll(client, linux_runner, "wait=10ms"), IsEmpty()) << "it has the other one";
  EXPECT_EQ(complete(client, linux_runner, runs[1]), Outcome::ok);
}

TEST(CoordinatorOffers, AreShorterThanTheLease) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const identities = write_identities(place.path()).string();
  auto const refused =
      run_program({"--listen", "127.0.0.1:0", "--identities", identities, "--lease", "30s", "--offer", "30s"});
  EXPECT_EQ(refused.exit.status, 2);
  EXPECT_THAT(refused.log, HasSubstr("--offer: 30s is not less than the lease, 30s"));
}

}  // namespace
}  // namespace assay::test
