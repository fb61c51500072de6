#include "simulated_runners/http_client.hpp"

#include "tests/unit/simulated_runners/fake_coordinator.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace assay {
namespace {

using Kind = FakeFault::Kind;

constexpr std::string_view poll_now = "GET /runner/runs?wait=1ms&max=1 HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view beat =
    "POST /runner/heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"claims\":[]}";

struct HttpClientTest : testing::Test {
  ~HttpClientTest() override {
    coordinator.stop();
    connection.abandon();
    context.run();  // every coroutine ends
  }

  // Sends one request and runs the loop until its end.
  Exchange send(std::string_view request, Duration timeout = seconds{5}) {
    std::optional<Exchange> result;
    asio::co_spawn(context, connection.exchange(request, timeout), [&](std::exception_ptr error, Exchange exchange) {
      if (error) std::rethrow_exception(error);
      body = exchange.body;  // the view ends here
      result = exchange;
    });
    while (!result) context.run_one();
    context.restart();
    return *result;
  }

  void plant(FakeFault fault, int times = 1) {
    coordinator.fault = [fault, times](FakeRequest const&) mutable { return times-- > 0 ? fault : FakeFault{}; };
  }

  asio::io_context context{1};
  SystemClock clock;
  FakeCoordinator coordinator{context};
  HttpClient client{context, clock, {coordinator.endpoint()}};
  HttpConnection connection{client};
  std::string body;
};

TEST_F(HttpClientTest, ManyRequestsUseOneConnection) {
  for (int i = 0; i < 20; ++i) {
    auto const exchange = send(poll_now);
    EXPECT_EQ(exchange.fate, Fate::ok);
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(body, R"({"runs":[]})");
    EXPECT_LE(exchange.started, exchange.finished);
  }
  EXPECT_EQ(client.connections_opened, 1U);
  EXPECT_EQ(client.requests_repeated, 0U);
}

TEST_F(HttpClientTest, StatusDecidesTheFate) {
  std::vector<std::pair<int, Fate>> const fates{{201, Fate::ok},          {400, Fate::refused},
                                                {401, Fate::refused},     {409, Fate::conflict},
                                                {503, Fate::unavailable}, {500, Fate::unavailable}};
  for (auto const& [status, fate] : fates) {
    FakeFault fault;
    fault.kind = Kind::status;
    fault.status = status;
    plant(fault);
    EXPECT_EQ(send(beat).fate, fate) << status;
  }
}

TEST_F(HttpClientTest, AServerInDoubtLeavesUsInDoubt) {
  FakeFault fault;
  fault.kind = Kind::status;
  fault.body = R"({"error":{"kind":"in_doubt","detail":"the store went away"}})";
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::in_doubt);
  fault.status = 500;
  fault.body = "oops";
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::in_doubt);
  fault.status = 503;
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::unavailable);
}

TEST_F(HttpClientTest, NobodyListeningIsUnavailable) {
  coordinator.stop();
  context.poll();
  context.restart();
  auto const exchange = send(beat);
  EXPECT_EQ(exchange.fate, Fate::unavailable);
  EXPECT_EQ(exchange.status, 0);
}

TEST_F(HttpClientTest, CutAfterSendingOnAFreshConnectionIsInDoubt) {
  FakeFault fault;
  fault.kind = Kind::cut;
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::in_doubt);
  EXPECT_EQ(client.requests_repeated, 0U);
  EXPECT_EQ(send(beat).fate, Fate::ok) << "the next request connects anew";
}

TEST_F(HttpClientTest, HalfAnAnswerIsInDoubtAndNeverRepeated) {
  send(beat);
  FakeFault fault;
  fault.kind = Kind::half;
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::in_doubt);
  EXPECT_EQ(client.requests_repeated, 0U);
  EXPECT_EQ(coordinator.requests["heartbeat"], 2);
}

TEST_F(HttpClientTest, GarbageIsInDoubtWithAReason) {
  FakeFault fault;
  fault.kind = Kind::garbage;
  plant(fault);
  auto const exchange = send(beat);
  EXPECT_EQ(exchange.fate, Fate::in_doubt);
  EXPECT_STREQ(exchange.problem, "the answer is not HTTP/1");
  EXPECT_EQ(send(beat).fate, Fate::ok);
  EXPECT_EQ(client.connections_opened, 2U);
}

TEST_F(HttpClientTest, AConnectionClosedWhileIdleCostsNothing) {
  send(beat);
  coordinator.close_idle();
  EXPECT_EQ(send(beat).fate, Fate::ok);
  EXPECT_EQ(client.connections_opened, 2U);
}

TEST_F(HttpClientTest, AReusedConnectionThatClosesInsteadOfAnsweringIsRepeatedOnce) {
  send(beat);
  FakeFault fault;
  fault.kind = Kind::refuse_unread;
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::ok);
  EXPECT_EQ(client.requests_repeated, 1U);
  EXPECT_EQ(coordinator.requests["heartbeat"], 2);
  plant(fault, 2);
  EXPECT_EQ(send(beat).fate, Fate::in_doubt) << "once, not for ever";
  EXPECT_EQ(client.requests_repeated, 2U);
}

TEST_F(HttpClientTest, ARepeatThatFindsNobodyKeepsTheFirstTriesDoubt) {
  send(beat);
  coordinator.fault = [&](FakeRequest const&) {
    coordinator.stop();
    FakeFault fault;
    fault.kind = Kind::refuse_unread;
    return fault;
  };
  EXPECT_EQ(send(beat).fate, Fate::in_doubt);
}

TEST_F(HttpClientTest, SilenceTimesOutNotEarly) {
  FakeFault fault;
  fault.kind = Kind::silence;
  plant(fault);
  auto const exchange = send(beat, milliseconds{150});
  EXPECT_EQ(exchange.fate, Fate::timed_out);
  EXPECT_GE(exchange.finished - exchange.started, Duration{milliseconds{150}});
  EXPECT_EQ(send(beat).fate, Fate::ok);
}

TEST_F(HttpClientTest, AShorterTimeOutThanTheLastOnesIsKept) {
  send(beat, seconds{15});
  FakeFault fault;
  fault.kind = Kind::silence;
  plant(fault);
  auto const exchange = send(beat, milliseconds{100});
  EXPECT_EQ(exchange.fate, Fate::timed_out);
  EXPECT_LT(exchange.finished - exchange.started, Duration{seconds{10}});
}

TEST_F(HttpClientTest, AnswersInManyPiecesAreWhole) {
  FakeFault fault;
  fault.kind = Kind::status;
  fault.status = 200;
  fault.body.assign(300'000, 'x');
  plant(fault);
  EXPECT_EQ(send(beat).fate, Fate::ok);
  EXPECT_EQ(body, fault.body);
  EXPECT_EQ(send(poll_now).fate, Fate::ok);
  EXPECT_EQ(client.connections_opened, 1U);
}

TEST_F(HttpClientTest, LargeRequestsAreSentWhole) {
  std::string const claims = R"({"claims":[]})" + std::string(8'000'000, ' ');
  std::string const request =
      fmt::format("POST /runner/heartbeat HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", claims.size(), claims);
  EXPECT_EQ(send(request).fate, Fate::ok);
}

TEST_F(HttpClientTest, AbandonedMidwayAndEverAfter) {
  FakeFault fault;
  fault.kind = Kind::silence;
  plant(fault);
  asio::post(context, [this] { asio::post(context, [this] { connection.abandon(); }); });
  EXPECT_EQ(send(beat).fate, Fate::abandoned);
  EXPECT_EQ(send(beat).fate, Fate::abandoned);
}

// In a network of its own, where the kernel has ten ports to give: the exit status is what went wrong.
int connect_thirty_times() {
  std::ofstream{"/proc/sys/net/ipv4/ip_local_port_range"} << "40000 40009";
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  int const any_socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (::ioctl(any_socket, SIOCSIFFLAGS, &loopback) != 0) return 1;

  asio::io_context context{1};
  SystemClock const clock;
  TcpAcceptor acceptor{context.get_executor()};
  asio::ip::tcp::endpoint const server{asio::ip::address_v4::loopback(), 50000};
  acceptor.open(server.protocol());
  acceptor.bind(server);
  acceptor.listen();
  HttpClient client{context, clock, {server}};
  std::deque<HttpConnection> connections;
  int tried = 0, opened = 0;
  for (int i = 0; i < 30; ++i) {
    asio::co_spawn(context, connections.emplace_back(client).open(seconds{10}), [&](std::exception_ptr, auto error) {
      ++tried;
      if (!error) ++opened;
    });
  }
  while (tried < 30) context.run_one();
  return opened == 30 ? 0 : 2;
}

TEST(HttpClientPorts, AreTakenFromFurtherLoopbackAddressesWhenTheyRunShort) {
  pid_t const child = ::fork();
  if (child == 0) {
    bool const alone = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    ::_exit(alone ? connect_thirty_times() : 77);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "a network namespace takes a privilege that we don't have here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: no loopback in the namespace · 2: not all connections were opened";
}

}  // namespace
}  // namespace assay
