// Clauses 32–34: whole coordinators, killed (kill -9) between a claim and its report. A second one on the same data
// takes over, and the runner, which noticed nothing but a broken connection, goes on with its token. Clause 40: whole
// runners whose wall clock is wrong.
#include "tests/conformance/claim_store_fixture.hpp"
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace assay::test {
namespace {

using protocol::StatusReport;

class whole_coordinator : public claim_store {
 protected:
  void SetUp() override {
    claim_store::SetUp();
    if (!IsSkipped() && can().durability == Capabilities::Durability::none) {
      GTEST_SKIP() << GetParam() << " declares that nothing outlives it";
    }
    if (!IsSkipped()) SKIP_UNLESS(leases);
  }

  std::unique_ptr<Coordinator> start(std::string const& lease) {
    return std::make_unique<Coordinator>(std::vector<std::string>{"--backend", GetParam(), "--store-url", data().url(),
                                                                  "--lease", lease, "--sweep-interval", "20ms"});
  }
  static void kill(Coordinator& coordinator) { coordinator.process().stop({}, Duration{}); }

  static Outcome report(Client& client, protocol::AssignedRun const& run) {
    Reply const reply = client.post(fmt::format("/runs/{}/status", to_string(run.run)), linux_runner,
                                    encode(StatusReport{run.token, StatusReport::Status::completed, "passed"}));
    return protocol::decode_outcome(reply.body()).value();
  }
  static Outcome heartbeat(Client& client, protocol::AssignedRun const& run) {
    Reply const reply =
        client.post("/runner/heartbeat", linux_runner, encode(protocol::Heartbeat{{{run.run, run.token}}}));
    return protocol::decode_heartbeat_answer(reply.body()).value().claims.at(0).outcome;
  }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, whole_coordinator, testing::ValuesIn(names()), [](auto const& backend) {
  std::string name = backend.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(whole_coordinator, c32_killed_while_the_response_is_written) {
  auto specs = runs(16, "linux");
  for (RunSpec& spec : specs) spec.payload.assign(max_payload_bytes, 'x');
  ASSERT_THAT(submit(specs), testing::Each(Outcome::ok));
  leave_data();
  auto first = start("500ms");
  Client runner = first->client();
  runner.socket().set_option(asio::socket_base::receive_buffer_size{4096});
  runner.send(http::verb::get, "/runner/runs?wait=10s&max=16", linux_runner);
  runner.socket().wait(asio::ip::tcp::socket::wait_read);  // the first of more than 4 MiB
  kill(*first);

  auto second = start("60s");
  Client again = second->client();
  std::vector<RunId> given;
  TimePoint const deadline = clock.now() + patience;
  while (given.size() < specs.size() && clock.now() < deadline) {
    Reply const reply = again.get("/runner/runs?wait=1s&max=4", linux_runner);
    for (protocol::AssignedRun const& run : protocol::decode_assigned_runs(reply.body()).value()) {
      EXPECT_EQ(run.attempt, 2) << "its lease was lost with the response";
      EXPECT_EQ(report(again, run), Outcome::ok);
      given.push_back(run.run);
    }
  }
  std::sort(given.begin(), given.end());
  EXPECT_EQ(std::unique(given.begin(), given.end()), given.end()) << "a run was given twice";
  EXPECT_EQ(given.size(), specs.size()) << "a run was lost";
  second.reset();
  return_to_data();
  EXPECT_EQ(depth().completed, specs.size());
}

TEST_P(whole_coordinator, c33_c34_killed_after_the_runner_has_its_run_and_mid_run) {
  ASSERT_EQ(submit(run("linux")), Outcome::ok);
  leave_data();
  auto first = start("30s");
  Client runner = first->client();
  auto const run = test::claim_one(runner, linux_runner);
  kill(*first);

  auto second = start("30s");
  Client reconnected = second->client();
  EXPECT_EQ(heartbeat(reconnected, run), Outcome::ok) << "the lease is the store's, not the coordinator's";
  kill(*second);

  auto third = start("30s");
  Client at_last = third->client();
  EXPECT_EQ(report(at_last, run), Outcome::ok);
  EXPECT_EQ(report(at_last, run), Outcome::already_done);
  third.reset();
  return_to_data();
  EXPECT_EQ(find(run.run)->attempts, 1) << "nobody else was given it";
  EXPECT_EQ(find(run.run)->result, "passed");
}

// Both at once, and with run ids of their own time. Each run takes longer than its lease.
TEST_P(whole_coordinator, c40_runners_whose_wall_clocks_are_wrong_by_an_hour) {
  leave_data();
  auto const coordinator = start("1500ms");
  struct Runner {
    std::string_view token, tag;
    std::int64_t shift;
    std::filesystem::path log;
    std::optional<ChildProcess> process;
  };
  std::array<Runner, 2> runners{{{linux_runner, "linux", 3600, {}, {}}, {windows_runner, "windows", -3600, {}, {}}}};
  for (Runner& runner : runners) {
    runner.log = coordinator->folder() / fmt::format("{}.log", runner.tag);
    ChildCommand command;
    command.argv = {ASSAY_RUNNER_ACTOR,
                    std::to_string(coordinator->port()),
                    std::string{runner.token},
                    std::string{submitter},
                    std::string{runner.tag},
                    "2000",
                    "100"};
    command.environment = {std::string{"LD_PRELOAD="} + ASSAY_SHIFTED_CLOCK,
                           fmt::format("ASSAY_CLOCK_SHIFT_S={}", runner.shift),
                           "ASAN_OPTIONS=verify_asan_link_order=0"};  // of a sanitizer's build
    command.log = runner.log;
    runner.process.emplace(std::move(command));
  }
  for (Runner& runner : runners) {
    SCOPED_TRACE(runner.tag);
    auto const told = runner.process->wait_for_line("received", clock.now() + seconds{60});
    ASSERT_TRUE(told) << last_line(runner.log);
    EXPECT_EQ(*told, "received 1 attempt 1 completed 1 refused 0");
    auto const wall = runner.process->wait_for_line("wall clock", clock.now() + seconds{20});
    ASSERT_TRUE(wall);
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    auto const off =
        std::stoll(wall->substr(sizeof "wall clock")) - std::chrono::duration_cast<std::chrono::seconds>(now).count();
    EXPECT_NEAR(static_cast<double>(off), static_cast<double>(runner.shift), 600) << "its clock was right";
  }
  auto const stats = coordinator->wait_for([](auto const&) { return true; });
  EXPECT_EQ(stats.matcher.expired_leases, 0U);
}

}  // namespace
}  // namespace assay::test
