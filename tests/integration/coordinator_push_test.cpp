// Runs pushed over WebSockets by the real program.
#include "reference_coordinator/protocol/push.hpp"
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

#include <sys/socket.h>

namespace assay::test {
namespace {

namespace websocket = boost::beast::websocket;
using protocol::PushAnswer;
using protocol::PushQuestion;
using protocol::StatusReport;
using testing::HasSubstr;

// A runner that blocks.
class PushedRunner {
 public:
  PushedRunner(Coordinator const& coordinator, std::string_view token, std::string const& query = "")
      : socket_{context_} {
    socket_.next_layer().connect({asio::ip::address_v4::loopback(), coordinator.port()});
    ::timeval const limit{20, 0};
    ::setsockopt(socket_.next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    socket_.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
      request.set(http::field::authorization, fmt::format("Bearer {}", token));
    }));
    socket_.handshake("127.0.0.1", "/runner/push" + query);
  }

  // The next frame, whatever it is; its body stays valid until the next one.
  PushAnswer next() {
    boost::beast::flat_buffer buffer;
    socket_.read(buffer);
    frame_ = boost::beast::buffers_to_string(buffer.data());
    return protocol::decode_push_answer(frame_).value();
  }

  protocol::AssignedRun next_run() {
    PushAnswer const pushed = next();
    EXPECT_EQ(pushed.number, 0U) << frame_;
    return protocol::decode_assigned_runs(pushed.body).value().at(0);
  }

  PushAnswer ask(std::string const& path, std::string const& body) {
    send(path, body);
    return next();
  }
  void send(std::string const& path, std::string const& body) {
    socket_.write(asio::buffer(encode(PushQuestion{++asked_, path, body})));
  }

  PushAnswer complete(protocol::AssignedRun const& run, std::string result = "passed") {
    return ask(fmt::format("/runs/{}/status", to_string(run.run)),
               encode(StatusReport{run.token, StatusReport::Status::completed, std::move(result)}));
  }

  void vanish() { socket_.next_layer().close(); }

  // Why the next frame does not come.
  boost::system::error_code end() {
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    socket_.read(buffer, error);
    return error;
  }

  websocket::stream<asio::ip::tcp::socket>& socket() { return socket_; }

 private:
  asio::io_context context_;
  websocket::stream<asio::ip::tcp::socket> socket_;
  std::string frame_;
  std::uint64_t asked_ = 0;
};

struct CoordinatorPush : testing::Test {
  static void wait_for_runners(Coordinator& coordinator, std::uint64_t runners) {
    coordinator.wait_for([=](auto const& stats) { return stats.push_runners == runners; });
  }
  static RunView look_up(Client& client, RunId const& run) {
    return protocol::decode_run_view(client.get(fmt::format("/runs/{}", to_string(run)), submitter).body()).value();
  }
};

TEST_F(CoordinatorPush, ARunIsPushedRenewedReportedAndShown) {
  Coordinator coordinator{{"--dispatch", "push"}};
  Client client = coordinator.client();
  PushedRunner runner{coordinator, linux_runner};
  RunId const id = submit(client, "make test", {"linux"}, 3);
  auto const run = runner.next_run();
  EXPECT_EQ(run.run, id);
  EXPECT_EQ(run.payload, "make test");
  EXPECT_EQ(run.priority, 3);

  auto const beat = runner.ask("/runner/heartbeat", encode(protocol::Heartbeat{{{run.run, run.token}}}));
  EXPECT_EQ(beat.status, 200);
  EXPECT_EQ(protocol::decode_heartbeat_answer(beat.body).value().claims.at(0).outcome, Outcome::ok);
  EXPECT_EQ(runner.complete(run).status, 200);
  auto const again = runner.complete(run);
  EXPECT_EQ(protocol::decode_outcome(again.body).value(), Outcome::already_done);
  auto const view = look_up(client, id);
  EXPECT_EQ(view.state, RunState::completed);
  EXPECT_EQ(view.result, "passed");
}

TEST_F(CoordinatorPush, ARunnerGetsAsManyRunsAsItHasFreeSlots) {
  Coordinator coordinator{{"--dispatch", "push"}};
  Client client = coordinator.client();
  for (int i = 0; i < 3; ++i) submit(client, "work");
  PushedRunner runner{coordinator, plain_runner, "?slots=3&busy=1"};
  auto const first = runner.next_run();
  auto const second = runner.next_run();
  EXPECT_NE(first.run, second.run);
  // The third has no slot; the answer to a question comes before it.
  EXPECT_EQ(runner.ask("/runner/heartbeat", R"({"claims":[]})").number, 1U);
  runner.send(fmt::format("/runs/{}/status", to_string(first.run)),
              encode(StatusReport{first.token, StatusReport::Status::completed, ""}));
  // Its end makes room: the answer and the third run, in whichever order.
  std::set<std::uint64_t> numbers{runner.next().number, runner.next().number};
  EXPECT_EQ(numbers, (std::set<std::uint64_t>{0, 2}));
}

TEST_F(CoordinatorPush, ARunnerThatDisconnectsMidRunHasFailedItAndASurvivorGetsIt) {
  Coordinator coordinator{{"--dispatch", "push", "--retry-base", "0ms", "--sweep-interval", "20ms"}};
  Client client = coordinator.client();
  PushedRunner dropped{coordinator, linux_runner};
  RunId const id = submit(client, "work", {"linux"});
  auto const first = dropped.next_run();
  PushedRunner survivor{coordinator, linux_runner};
  dropped.vanish();
  auto const second = survivor.next_run();
  EXPECT_EQ(second.run, id);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_NE(second.token, first.token);
  EXPECT_EQ(survivor.complete(second).status, 200);
  auto const stats = coordinator.wait_for([](auto const& s) { return s.broken_runs == 1; });
  EXPECT_EQ(stats.delivered_claims, 2U);
}

TEST_F(CoordinatorPush, AWaitingSubmitterHears502WhenItsRunnerDisconnectsAndItsRetryGetsTheResult) {
  Coordinator coordinator{{"--dispatch", "push", "--retry-base", "0ms", "--sweep-interval", "20ms"}};
  Client waiting = coordinator.client();
  protocol::Submission submission;
  submission.id = parse_run_id("018f2d3a-7b1c-7def-8123-456789abcdef").value();
  submission.tags = TagSet{{"linux"}};
  PushedRunner dropped{coordinator, linux_runner};
  waiting.send(http::verb::post, "/runs?wait=30s", submitter, encode(submission));
  dropped.next_run();
  dropped.vanish();
  Reply const broken = waiting.receive();
  EXPECT_EQ(broken.result_int(), 502U);
  EXPECT_THAT(error_detail(broken), HasSubstr("runner_failed: Runner linux-1 disconnected mid-run"));

  PushedRunner survivor{coordinator, linux_runner};
  waiting.send(http::verb::post, "/runs?wait=30s", submitter, encode(submission));
  survivor.complete(survivor.next_run(), "second time lucky");
  Reply const retried = waiting.receive();
  EXPECT_EQ(retried.result_int(), 200U);
  EXPECT_EQ(protocol::decode_submission_answer(retried.body()).value().result, "second time lucky");
}

TEST_F(CoordinatorPush, AReportUnderAnOldTokenIsRefusedUnlessTheGatewayKeepsNoTokens) {
  for (bool const fenced : {true, false}) {
    std::vector<std::string> arguments{"--dispatch",       "push", "--lease",          "50ms",
                                       "--claim-deadline", "50ms", "--sweep-interval", "20ms"};
    if (!fenced) arguments.emplace_back("--unfenced");
    Coordinator coordinator{arguments};
    Client client = coordinator.client();
    PushedRunner silent{coordinator, linux_runner};
    RunId const id = submit(client, "work", {"linux"});
    auto const first = silent.next_run();
    PushedRunner other{coordinator, linux_runner};
    auto const second = other.next_run();  // the silent one's lease is over
    ASSERT_EQ(second.run, id);
    auto const late = silent.complete(first, "from the old claim");
    EXPECT_EQ(late.status, fenced ? 409 : 200);
    EXPECT_EQ(protocol::decode_outcome(late.body).value(), fenced ? Outcome::stale_token : Outcome::ok);
  }
}

TEST_F(CoordinatorPush, ACapabilityAwareGatewayKeepsTheMoreCapableRunnerFree) {
  Coordinator coordinator{{"--dispatch", "push", "--picker", "capability_aware"}};
  Client client = coordinator.client();
  PushedRunner capable{coordinator, linux_runner};
  PushedRunner plain{coordinator, plain_runner};
  wait_for_runners(coordinator, 2);
  RunId const anywhere = submit(client, "anywhere");
  EXPECT_EQ(plain.next_run().run, anywhere);
  RunId const special = submit(client, "special", {"arm64"});
  EXPECT_EQ(capable.next_run().run, special);
}

TEST_F(CoordinatorPush, ADrainingRunnerFinishesWhatItHasAndGetsNothingMore) {
  Coordinator coordinator{{"--dispatch", "push"}};
  Client client = coordinator.client();
  PushedRunner leaving{coordinator, linux_runner, "?slots=2"};
  submit(client, "first");
  auto const run = leaving.next_run();
  EXPECT_EQ(leaving.ask("/runner/drain", "").status, 200);
  RunId const next = submit(client, "second");
  EXPECT_EQ(leaving.complete(run).number, 2U) << "no run came in between";
  PushedRunner fresh{coordinator, plain_runner};
  EXPECT_EQ(fresh.next_run().run, next);
}

TEST_F(CoordinatorPush, AStoppingGatewayLeavesTheRunsToTheirRunners) {
  Coordinator coordinator{{"--dispatch", "push"}};
  Client client = coordinator.client();
  PushedRunner runner{coordinator, linux_runner};
  submit(client, "work");
  runner.next_run();
  coordinator.process().signal(SIGTERM);
  EXPECT_EQ(runner.end(), websocket::error::closed);
  EXPECT_EQ(runner.socket().reason().code, websocket::close_code::going_away);
  auto const exit = coordinator.process().wait_until(SystemClock{}.now() + patience);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->clean()) << to_string(*exit);
}

TEST_F(CoordinatorPush, AFairGatewayServesRunsThatNameNoSourceToo) {
  Coordinator coordinator{{"--dispatch", "push", "--fair-by-source"}};
  Client client = coordinator.client();
  RunId const id = submit(client, "no source");
  PushedRunner runner{coordinator, plain_runner};
  EXPECT_EQ(runner.next_run().run, id);
}

TEST_F(CoordinatorPush, BadRequestsAreRefusedWithTheirRule) {
  Coordinator coordinator{{"--dispatch", "push"}};
  Client client = coordinator.client();
  EXPECT_THAT(error_detail(client.get("/runner/push", linux_runner)), HasSubstr("Upgrade: websocket"));
  for (auto const& [query, rule] : {std::pair{"?slots=0", "slots: an integer from 1 to 1000"},
                                    {"?slots=1&busy=2", "2 runs don't fit into 1 slots"},
                                    {"?lanes=1", "allowed are slots, busy"}}) {
    Client upgrading = coordinator.client();
    upgrading.send_raw(
        fmt::format("GET /runner/push{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: "
                    "Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    query, linux_runner));
    Reply const reply = upgrading.receive();
    EXPECT_EQ(reply.result_int(), 400U);
    EXPECT_THAT(error_detail(reply), HasSubstr(rule));
  }
  PushedRunner runner{coordinator, linux_runner};
  EXPECT_EQ(runner.ask("/runs", "{}").status, 403) << "a runner submits nothing";
  EXPECT_EQ(runner.ask("nowhere", "").status, 400);

  Coordinator pulling;
  Client asking = pulling.client();
  EXPECT_THAT(error_detail(asking.get("/runner/push", linux_runner)), HasSubstr("--dispatch push"));
}

}  // namespace
}  // namespace assay::test
