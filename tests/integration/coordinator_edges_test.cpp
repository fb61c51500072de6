// Bad input, limits, slow and vanishing peers, start and stop: what each costs whom, against the real program.
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <csignal>
#include <fstream>

namespace assay::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char some_run[] = "/runs/018f2d3a-7b1c-7def-8123-456789abcdef";

struct BadRequest {
  http::verb method;
  std::string target;
  std::string_view token;
  std::string body;
  unsigned status;
  std::string detail;
};

TEST(CoordinatorInput, EveryBadRequestIsAnsweredWithItsStatusAndOneClearLine) {
  Coordinator coordinator;
  Client client = coordinator.client();
  auto const get = http::verb::get;
  auto const post = http::verb::post;
  for (auto const& [method, target, token, body, status, detail] : std::vector<BadRequest>{
           {post, "/runs", "", "{}", 401, R"("Authorization: Bearer <token>" is missing)"},
           {post, "/runs", "wrong", "{}", 401, "this bearer token is nobody's"},
           {post, "/runs", linux_runner, "{}", 403, "POST /runs is for submitters, and linux-1 is a runner"},
           {get, "/runner/runs", submitter, "", 403, "GET /runner/runs is for runners, and submitter-1 is a submitter"},
           {post, "/runs", submitter, "{", 400, "not JSON: incomplete JSON near byte 1"},
           {post, "/runs", submitter, R"({"priority":1000})", 400,
            "priority: an integer from -100 to 100 is expected, found 1000"},
           {post, "/runs", submitter, R"({"prio":1})", 400, R"("prio": unknown key, allowed are)"},
           {post, "/runs/batch", submitter, R"({"runs":[{},{"tags":[""]}]})", 400, "runs[1].tags[0]: a tag of 1 to 64"},
           {get, "/runner/runs?wait=31s", linux_runner, "", 400,
            R"(wait: 0, or a duration from 10ms to 30s is expected, found "31s")"},
           {get, "/runner/runs?wait=9ms", linux_runner, "", 400, "wait: 0, or a duration from 10ms"},
           {get, "/runner/runs?max=0", linux_runner, "", 400,
            R"(max: an integer from 1 to 100 is expected, found "0")"},
           {get, "/runner/runs?wait", linux_runner, "", 400, "wait: 0, or a duration from 10ms"},
           {get, "/runner/runs?wiat=1s", linux_runner, "", 400, R"("wiat": unknown parameter, did you mean "wait"?)"},
           {get, "/runs/17", submitter, "", 400,
            R"(run id: a UUID of 8-4-4-4-12 hexadecimal digits is expected, found "17")"},
           {get, some_run, submitter, "", 404, "no run 018f2d3a-7b1c-7def-8123-456789abcdef"},
           {post, std::string{some_run} + "/start", linux_runner, R"({"token":"x"})", 400, "token: a claim token"},
           {post, std::string{some_run} + "/status", linux_runner, R"({"token":"1.1"})", 400, "status: missing"},
           {get, "/nowhere", submitter, "", 404, "no such path: /nowhere"},
           {http::verb::delete_, "/runs", submitter, "", 405, "/runs is not served with this method"},
           {get, "/runs/batch", submitter, "", 405, "/runs/batch is not served with this method"},
       }) {
    Reply const reply = client.ask(method, target, token, body);
    EXPECT_EQ(reply.result_int(), status) << target << " " << body;
    EXPECT_THAT(error_detail(reply), StartsWith(detail)) << target;
    if (status == 401) {
      EXPECT_EQ(reply[http::field::www_authenticate], "Bearer");
    }
    if (status == 405) {
      EXPECT_FALSE(reply[http::field::allow].empty());
    }
    EXPECT_TRUE(reply.keep_alive());
  }
  Reply const unknown = client.post(std::string{some_run} + "/start", linux_runner, R"({"token":"1.1"})");
  EXPECT_EQ(unknown.result_int(), 404U);
  EXPECT_EQ(protocol::decode_outcome(unknown.body()).value(), Outcome::unknown_run);
}

TEST(CoordinatorInput, TwoAuthorizationHeadersAreRefused) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(
      fmt::format("GET /runner/runs?wait=10ms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n"
                  "Authorization: Bearer {}\r\n\r\n",
                  linux_runner, windows_runner));
  EXPECT_EQ(client.receive().result_int(), 400U);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(CoordinatorLimits, ABodyOverTheLimitIsRefusedAndTheConnectionClosed) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(fmt::format(
      "POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1048577\r\n\r\n", submitter));
  Reply const reply = client.receive();
  EXPECT_EQ(reply.result_int(), 413U);
  EXPECT_EQ(error_detail(reply), "the body is larger than 1048576 bytes");
  EXPECT_FALSE(reply.keep_alive());
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(CoordinatorLimits, TheRefusalOfALargeBodyArrivesThoughTheSenderIsStillSending) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send(http::verb::post, "/runs", submitter, std::string(2 * 1024 * 1024, 'x'));
  EXPECT_EQ(client.receive().result_int(), 413U);
}

TEST(CoordinatorLimits, AChunkedBodyIsLimitedToo) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(
      fmt::format("POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "10\r\n{{\"payload\":\"abc\"\r\n1\r\n}}\r\n0\r\n\r\n",
                  submitter));
  EXPECT_EQ(client.receive().result_int(), 201U);
  client.send_raw(
      fmt::format("POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "200000\r\n",
                  submitter));
  EXPECT_EQ(client.receive().result_int(), 413U);
}

TEST(CoordinatorLimits, AHeaderOverTheLimitIsRefused) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(fmt::format("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {:x<9000}\r\n\r\n", ""));
  EXPECT_EQ(client.receive().result_int(), 431U);
}

TEST(CoordinatorLimits, APayloadOfTheLimitTravelsWhole) {
  Coordinator coordinator;
  Client client = coordinator.client();
  std::string const payload(max_payload_bytes, 'p');
  submit(client, payload);
  EXPECT_EQ(claim_one(client, plain_runner).payload, payload);
  protocol::Submission larger;
  larger.payload.assign(max_payload_bytes + 1, 'p');
  EXPECT_EQ(client.post("/runs", submitter, encode(larger)).result_int(), 400U);
}

TEST(CoordinatorLimits, WhatIsNotHttpIsRefusedAndClosed) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw("hello\r\n\r\n");
  EXPECT_EQ(client.receive().result_int(), 400U);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(CoordinatorLimits, OneConnectionTooManyIsToldSoAndTheOthersAreServed) {
  Coordinator coordinator{{"--max-connections", "2"}};
  Client first = coordinator.client();
  Client second = coordinator.client();
  EXPECT_EQ(first.get("/healthz", "").result_int(), 200U);
  EXPECT_EQ(second.get("/healthz", "").result_int(), 200U);
  Client third = coordinator.client();
  Reply const reply = third.receive();
  EXPECT_EQ(reply.result_int(), 503U);
  EXPECT_EQ(error_detail(reply), "all 2 connections are taken");
  EXPECT_TRUE(third.closed_by_peer());
  EXPECT_EQ(first.get("/healthz", "").result_int(), 200U);
  EXPECT_THAT(coordinator.log(), HasSubstr("all 2 connections (--max-connections) are taken: 1 turned away"));
}

TEST(CoordinatorLimits, ManyMoreConnectionsThanDescriptorsFitAreRefusedAtTheStart) {
  auto const ending = run_program({"--max-connections", "1000000", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(ending.exit.status, 2);
  EXPECT_THAT(ending.log, HasSubstr("--max-connections: 1000000 do not fit into the"));
}

TEST(CoordinatorPeers, ASlowRequestIsEndedWith408) {
  Coordinator coordinator{{"--request-time", "100ms"}};
  Client client = coordinator.client();
  client.send_raw("POST /runs HTTP/1.1\r\nHost: x\r\nContent-Le");
  EXPECT_EQ(client.receive().result_int(), 408U);
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_GE(coordinator.wait_for([](auto const&) { return true; }).connections_timed_out, 1U);
}

TEST(CoordinatorPeers, AnIdleConnectionIsClosedWithoutAWord) {
  Coordinator coordinator{{"--idle-time", "100ms"}};
  Client client = coordinator.client();
  EXPECT_EQ(client.get("/healthz", "").result_int(), 200U);
  EXPECT_TRUE(client.closed_by_peer());
}

// The answer does not fit into the socket's buffers: it is sent as the peer takes it, whole.
TEST(CoordinatorPeers, ALargeAnswerReachesASlowReaderWhole) {
  Coordinator coordinator;
  Client client = coordinator.client();
  std::string const payload(200'000, 'p');
  for (int i = 0; i < 40; ++i) submit(client, payload);
  Client slow = coordinator.client();
  slow.socket().set_option(asio::socket_base::receive_buffer_size{64 * 1024});
  slow.send(http::verb::get, "/runner/runs?wait=30s&max=40", plain_runner);
  // The coordinator goes on serving others meanwhile.
  coordinator.wait_for([](auto const& stats) { return stats.matcher.claims == 40; });
  auto const runs = protocol::decode_assigned_runs(slow.receive().body()).value();
  ASSERT_EQ(runs.size(), 40U);
  for (auto const& run : runs) EXPECT_EQ(run.payload, payload);
  coordinator.wait_for([](auto const& stats) { return stats.delivered_claims == 40; });
}

TEST(CoordinatorPeers, RunsGoBackWhenTheAnswerIsNotTakenInTime) {
  for (char const* offer : {"0s", "10s"}) {
    SCOPED_TRACE(offer);
    Coordinator coordinator{{"--response-time", "100ms", "--offer", offer}};
    Client client = coordinator.client();
    for (int i = 0; i < 40; ++i) submit(client, std::string(200'000, 'p'));
    Client stuck = coordinator.client();
    stuck.socket().set_option(asio::socket_base::receive_buffer_size{4096});
    stuck.send(http::verb::get, "/runner/runs?wait=30s&max=40", plain_runner);
    coordinator.wait_for([](auto const& stats) { return stats.undelivered_claims == 40; });
    EXPECT_EQ(claim_one(client, plain_runner).attempt, 1);
    EXPECT_EQ(coordinator.wait_for([](auto const&) { return true; }).offered_again, 0U);
  }
}

TEST(CoordinatorPeers, AParkedPollIsNotIdle) {
  Coordinator coordinator{{"--idle-time", "50ms", "--request-time", "50ms"}};
  Client client = coordinator.client();
  EXPECT_EQ(client.get("/runner/runs?wait=500ms", linux_runner).result_int(), 200U);
}

TEST(CoordinatorPeers, PipelinedRequestsAreAnsweredInOrder) {
  Coordinator coordinator;
  Client client = coordinator.client();
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    std::string const body = fmt::format(R"({{"payload":"{}"}})", i);
    requests +=
        fmt::format("POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
                    submitter, body.size(), body);
    requests +=
        fmt::format("GET /runner/runs?wait=5s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", plain_runner);
  }
  client.send_raw(requests);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.receive().result_int(), 201U);
    auto const runs = protocol::decode_assigned_runs(client.receive().body()).value();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].payload, std::to_string(i));
  }
}

TEST(CoordinatorPeers, ARequestSentWhileAPollIsParkedIsAnsweredAfterIt) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  coordinator.wait_for_parked(1);
  client.send(http::verb::get, "/healthz", "");
  Client other = coordinator.client();
  submit(other, "x");
  EXPECT_EQ(protocol::decode_assigned_runs(client.receive().body()).value().size(), 1U);
  EXPECT_EQ(client.receive().body(), R"({"status":"ok"})");
}

TEST(CoordinatorPeers, ExpectContinueIsHonoured) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(
      fmt::format("POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 2\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  submitter));
  EXPECT_EQ(client.receive().result_int(), 100U);
  client.send_raw("{}");
  EXPECT_EQ(client.receive().result_int(), 201U);
}

TEST(CoordinatorPeers, ARunIsNotLostToAPeerThatWentAwayWhileParked) {
  Coordinator coordinator;
  {
    Client gone = coordinator.client();
    gone.send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
    coordinator.wait_for_parked(1);
  }
  coordinator.wait_for([](auto const& stats) { return stats.parked_polls == 0 && stats.abandoned_polls == 1; });
  Client client = coordinator.client();
  RunId const id = submit(client, "kept", {"linux"});
  auto const run = claim_one(client, linux_runner);
  EXPECT_EQ(run.run, id);
  EXPECT_EQ(run.attempt, 1);
}

// The coordinator is stopped while submission and close arrive, so that it finds both at once and in whatever order.
TEST(CoordinatorPeers, ARunSubmittedAsItsOnlyTakerLeavesGoesToTheNextRunnerUntouched) {
  Coordinator coordinator;
  Client client = coordinator.client();
  auto gone = std::make_unique<Client>(coordinator.port());
  gone->send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  coordinator.wait_for_parked(1);
  coordinator.process().signal(SIGSTOP);
  client.send(http::verb::post, "/runs", submitter, R"({"tags":["linux"]})");
  gone.reset();
  coordinator.process().signal(SIGCONT);
  EXPECT_EQ(client.receive().result_int(), 201U);
  EXPECT_EQ(claim_one(client, linux_runner).attempt, 1);
  auto const stats = coordinator.wait_for([](auto const& now) { return now.delivered_claims == 1; });
  EXPECT_EQ(stats.abandoned_polls + stats.undelivered_claims, 1U);
}

TEST(CoordinatorStop, ParkedPollsAreAnsweredEmptyAndTheProgramEndsCleanly) {
  Coordinator coordinator;
  std::vector<std::unique_ptr<Client>> runners;
  for (int i = 0; i < 20; ++i) {
    runners.push_back(std::make_unique<Client>(coordinator.port()));
    runners.back()->send(http::verb::get, "/runner/runs?wait=30s", linux_runner);
  }
  Client idle = coordinator.client();
  coordinator.wait_for_parked(20);
  coordinator.process().signal(SIGTERM);
  for (auto& runner : runners) {
    Reply const reply = runner->receive();
    EXPECT_EQ(reply.body(), R"({"runs":[]})");
    EXPECT_FALSE(reply.keep_alive());
    EXPECT_TRUE(runner->closed_by_peer());
  }
  EXPECT_TRUE(idle.closed_by_peer());
  auto const exit = coordinator.process().wait_until(SystemClock{}.now() + patience);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->clean()) << to_string(*exit) << coordinator.log();
}

TEST(CoordinatorStop, ARequestHalfSentIsStillAnswered) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw(
      fmt::format("POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 2\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  submitter));
  EXPECT_EQ(client.receive().result_int(), 100U);  // it has arrived, and is in progress
  coordinator.process().signal(SIGINT);
  EXPECT_THROW(
      {
        for (TimePoint const deadline = SystemClock{}.now() + patience; SystemClock{}.now() < deadline;)
          coordinator.client();
      },
      boost::system::system_error)
      << "still accepting connections";
  client.send_raw("{}");
  EXPECT_EQ(client.receive().result_int(), 201U);
  auto const exit = coordinator.process().wait_until(SystemClock{}.now() + patience);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->clean()) << to_string(*exit);
}

TEST(CoordinatorStop, WhoNeverFinishesItsRequestIsCutOffAfterTheStopTime) {
  Coordinator coordinator{{"--stop-time", "50ms"}};
  Client client = coordinator.client();
  client.send_raw("POST /runs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive().result_int(), 100U);
  EXPECT_TRUE(coordinator.process().stop().clean());
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(CoordinatorStop, ASecondSignalCutsOffWhatIsInProgress) {
  Coordinator coordinator;
  Client client = coordinator.client();
  client.send_raw("POST /runs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive().result_int(), 100U);
  // Far less than the stop time of ten seconds, after which it would end by itself.
  EXPECT_TRUE(coordinator.process().stop({SIGTERM, SIGTERM}, milliseconds{300}).clean());
}

// A shell that starts the coordinator in the background and ends: with the flag, the coordinator ends too.
TEST(CoordinatorStop, DiesWithItsParent) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const identities = write_identities(place.path());
  auto const script = fmt::format(
      "{} --die-with-parent --listen 127.0.0.1:0 --identities {} & while ! grep -q listening {}; do :; done",
      ASSAY_COORDINATOR, identities.string(), (place.path() / "log").string());
  ChildCommand command;
  command.argv = {"/bin/sh", "-c", script};
  command.log = place.path() / "log";
  ChildProcess shell{command};
  auto const line = shell.wait_for_line("{\"listening\"", SystemClock{}.now() + patience);
  ASSERT_TRUE(line);
  auto const ready = boost::json::parse(*line);
  std::string const listening{ready.at("listening").as_string()};
  auto const port = static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1)));
  ASSERT_TRUE(shell.wait_until(SystemClock{}.now() + patience));
  EXPECT_THROW(
      {
        for (TimePoint const deadline = SystemClock{}.now() + patience; SystemClock{}.now() < deadline;) Client{port};
      },
      boost::system::system_error)
      << "still there";
}

TEST(CoordinatorStart, ThePortInUseIsOneClearLineAndStatus6) {
  Coordinator coordinator;
  auto const identities = write_identities(coordinator.folder());
  auto const ending =
      run_program({"--listen", fmt::format("127.0.0.1:{}", coordinator.port()), "--identities", identities});
  EXPECT_EQ(ending.exit.status, 6);
  EXPECT_EQ(ending.log,
            fmt::format("assay-coordinator: cannot listen on 127.0.0.1:{}: the port is in use; choose another one "
                        "with --listen\n",
                        coordinator.port()));
}

TEST(CoordinatorStart, BadFlagsAreOneClearLineAndStatus2) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const identities = write_identities(place.path()).string();
  for (auto const& [arguments, detail] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--backend", "memroy", "--identities", identities},
            R"(--backend: there is no "memroy", did you mean "memory"?)"},
           {{"--listen", "8080", "--identities", identities},
            R"(--listen: an address such as 127.0.0.1:8080 is expected)"},
           {{"--listen", "localhost:0", "--identities", identities},
            R"(listen: a numeric address is expected, found "localhost")"},
           {{"--lease", "5"}, R"(--lease: a duration such as "30s" of at least 10ms is expected, found "5")"},
           {{"--lese", "5s"}, R"(--lese: unknown option, did you mean "--lease"?)"},
           {{"--store-setting", "clamp=false", "--identities", identities},
            R"(--store-setting: memory has no "clamp", nor any other)"},
           {{}, "--identities: a JSON file is expected"},
           {{"--identities", "/nowhere/x.json"}, "identities: cannot read /nowhere/x.json"},
           {{"--identities", identities, "--ledger", "/nowhere/x.csv"}, "ledger: cannot write /nowhere/x.csv"},
       }) {
    auto const ending = run_program(arguments);
    EXPECT_EQ(ending.exit.status, 2) << detail;
    EXPECT_THAT(ending.log, StartsWith("assay-coordinator: " + detail));
    EXPECT_EQ(std::count(ending.log.begin(), ending.log.end(), '\n'), 1) << ending.log;
  }
}

TEST(CoordinatorStart, AllMistakesOfTheIdentitiesAreToldAtOnce) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  auto const file = place.path() / "identities.json";
  std::ofstream{file} << R"({"runners":[{"name":"a"},{"token":"t","name":"b","tags":["x y"]}],"submiters":[]})";
  auto const ending = run_program({"--identities", file});
  EXPECT_EQ(ending.exit.status, 2);
  EXPECT_THAT(ending.log, HasSubstr("3 mistakes"));
  EXPECT_THAT(ending.log, HasSubstr("runners[0].token: missing"));
  EXPECT_THAT(ending.log, HasSubstr("runners[1].tags[0]: a tag of 1 to 64"));
  EXPECT_THAT(ending.log, HasSubstr(R"("submiters": unknown key, did you mean "submitters"?)"));
}

TEST(CoordinatorStart, TheReadyLineTellsAddressBackendAndCapabilities) {
  Coordinator coordinator;
  auto const ready = boost::json::parse(coordinator.ready_line());
  EXPECT_EQ(ready.at("backend").as_string(), "memory");
  EXPECT_TRUE(ready.at("facts").is_object());
  EXPECT_EQ(ready.at("capabilities").at("durability").as_string(), "none");
}

TEST(CoordinatorStart, BackendsAreListedWithWhatTheyCanDoOrWhyNot) {
  auto const ending = run_program({"backends", "--format", "json"});
  EXPECT_EQ(ending.exit.status, 0);
  bool memory = false;
  auto const told = boost::json::parse(ending.log);
  for (auto const& backend : told.at("backends").as_array()) {
    bool const built = backend.at("missing").as_string().empty();
    EXPECT_EQ(built, backend.as_object().contains("capabilities"));
    memory = memory || (backend.at("name").as_string() == "memory" && built);
  }
  EXPECT_TRUE(memory);
}

TEST(CoordinatorHealth, MetricsAreValidExposition) {
  Coordinator coordinator;
  Client client = coordinator.client();
  submit(client, "x");
  claim_one(client, plain_runner);
  Reply const reply = client.get("/metrics", "");
  EXPECT_THAT(std::string{reply[http::field::content_type]}, StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(reply.body(), HasSubstr("assay_requests_total{route=\"POST /runs\",status=\"201\"} 1\n"));
  EXPECT_THAT(reply.body(), HasSubstr("assay_delivered_claims_total 1\n"));
}

}  // namespace
}  // namespace assay::test
