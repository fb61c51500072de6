// Clause 45 over whole coordinators: two-stage leases. What a poll is given is an offer, until its runner says that it
// has it; what the runner has not received comes again, at once, with its next poll.
#include "tests/conformance/claim_store_fixture.hpp"
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

namespace assay::test {
namespace {

using protocol::AssignedRun;
using protocol::StatusReport;

class two_stage_lease : public claim_store {
 protected:
  void SetUp() override {
    claim_store::SetUp();
    if (IsSkipped()) return;
    SKIP_UNLESS(leases);
    leave_data();
  }

  // A lease that no test waits for.
  std::unique_ptr<Coordinator> start(std::string const& offer) {
    std::vector<std::string> arguments{"--backend", GetParam(), "--lease",          "25s",
                                       "--offer",   offer,      "--sweep-interval", "20ms"};
    if (!data().url().empty()) arguments.insert(arguments.end(), {"--store-url", data().url()});
    return std::make_unique<Coordinator>(std::move(arguments));
  }
  static Outcome say(Client& client, std::string_view runner, AssignedRun const& run, std::string_view path,
                     std::string body) {
    Reply const reply = client.post(fmt::format("/runs/{}/{}", to_string(run.run), path), runner, std::move(body));
    return protocol::decode_outcome(reply.body()).value();
  }
  static Outcome start_run(Client& client, std::string_view runner, AssignedRun const& run) {
    return say(client, runner, run, "start", protocol::encode_start(run.token));
  }
  static Outcome report(Client& client, std::string_view runner, AssignedRun const& run) {
    return say(client, runner, run, "status",
               encode(StatusReport{run.token, StatusReport::Status::completed, "passed"}));
  }
  static std::vector<AssignedRun> poll(Client& client, std::string_view runner, std::string_view query) {
    Reply const reply = client.get(fmt::format("/runner/runs?{}", query), runner);
    return protocol::decode_assigned_runs(reply.body()).value();
  }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, two_stage_lease, testing::ValuesIn(names()), [](auto const& backend) {
  std::string name = backend.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(two_stage_lease, c45_what_a_runner_did_not_receive_comes_again_with_its_next_poll) {
  auto const coordinator = start("10s");
  Client client = coordinator->client();
  test::submit(client, "precious", {"linux"});
  // It aborts as the answer arrives: for the coordinator it has been delivered.
  auto unread = coordinator->client();
  AssignedRun const lost = test::claim_one(unread, linux_runner);
  Client again = coordinator->client();
  AssignedRun const run = test::claim_one(again, linux_runner, "10s");
  EXPECT_EQ(run.run, lost.run);
  EXPECT_EQ(run.token, lost.token);
  EXPECT_EQ(run.attempt, 1);
  EXPECT_EQ(run.payload, "precious");
  auto const stats = coordinator->wait_for([](auto const& known) { return known.offered_again == 1; });
  EXPECT_EQ(stats.delivered_claims, 1U);
  EXPECT_EQ(stats.matcher.claims, 1U);

  // Once started, it is not offered any more.
  EXPECT_EQ(start_run(again, linux_runner, run), Outcome::ok);
  EXPECT_THAT(poll(again, linux_runner, "wait=10ms"), testing::IsEmpty());
  EXPECT_EQ(report(again, linux_runner, run), Outcome::ok);
  EXPECT_EQ(report(unread, linux_runner, lost), Outcome::already_done) << "it is one claim";
}

TEST_P(two_stage_lease, c45_heard_of_it_has_the_whole_lease_and_otherwise_only_the_offer) {
  auto const coordinator = start("1s");
  Client client = coordinator->client();
  test::submit(client, "first", {"linux"});
  test::submit(client, "second", {"linux"});
  auto const beaten = poll(client, linux_runner, "wait=10s&max=2");  // one run, where a store gives one at a time
  ASSERT_FALSE(beaten.empty());
  auto const& named = beaten.back();
  Reply const beat =
      client.post("/runner/heartbeat", linux_runner, encode(protocol::Heartbeat{{{named.run, named.token}}}));
  auto const heard = protocol::decode_heartbeat_answer(beat.body()).value().claims;
  ASSERT_EQ(heard.size(), 1U) << "it is answered for what it names";
  EXPECT_EQ(heard[0].run, named.run);
  EXPECT_EQ(heard[0].outcome, Outcome::ok);
  test::submit(client, "third", {"windows"});
  auto const started = test::claim_one(client, windows_runner);
  EXPECT_EQ(start_run(client, windows_runner, started), Outcome::ok);

  test::submit(client, "fourth");
  auto const silent = test::claim_one(client, plain_runner);
  coordinator->wait_for([](auto const& stats) { return stats.matcher.expired_leases > 0; });
  EXPECT_EQ(start_run(client, plain_runner, silent), Outcome::stale_token);
  auto const next = test::claim_one(client, plain_runner);
  EXPECT_EQ(next.run, silent.run);
  EXPECT_EQ(next.attempt, 2);
  EXPECT_EQ(report(client, windows_runner, started), Outcome::ok);
  for (AssignedRun const& run : beaten) {
    EXPECT_EQ(report(client, linux_runner, run), Outcome::ok) << "one of its answer was heard of";
  }
  auto const stats = coordinator->wait_for([](auto const& now) { return now.delivered_claims > 3; });
  EXPECT_EQ(stats.offered_again, 0U) << "what is over is not offered again";
}

TEST_P(two_stage_lease, c45_a_coordinator_that_is_killed_leaves_short_leases_behind) {
  if (can().durability == Capabilities::Durability::none)
    GTEST_SKIP() << GetParam() << " declares that nothing outlives it";
  auto first = start("500ms");
  Client client = first->client();
  test::submit(client, "x", {"linux"});
  AssignedRun const unread = test::claim_one(client, linux_runner);
  first->process().stop({}, Duration{});
  auto const second = start("500ms");
  Client again = second->client();
  AssignedRun const run = test::claim_one(again, linux_runner);
  EXPECT_EQ(run.run, unread.run);
  EXPECT_EQ(run.attempt, 2);
  EXPECT_NE(run.token, unread.token);
}

}  // namespace
}  // namespace assay::test
