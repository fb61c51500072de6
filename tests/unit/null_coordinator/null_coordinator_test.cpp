// The null coordinator keeps PR-007's protocol with the simulated runners, never answers before its time, and its
// faults are what was planted. Lower bounds of times only: a busy machine may always be later.
#include "harness/assess/ledger_check.hpp"
#include "harness/null_coordinator/null_coordinator_process.hpp"
#include "harness/services/private_folder.hpp"
#include "simulated_runners/fleet.hpp"
#include "simulated_runners/http_client.hpp"
#include "simulated_runners/requests.hpp"
#include "tests/support/run_coroutine.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace assay {
namespace {

using test::run_coroutine;

std::string text_of(std::filesystem::path const& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Asked {
  Exchange exchange;
  std::string body;
};

Awaitable<Asked> ask(HttpConnection& connection, std::string request) {
  Exchange const exchange = co_await connection.exchange(request, seconds{20});
  Asked asked{exchange, std::string{exchange.body}};
  co_return asked;
}

struct NullCoordinatorTest : testing::Test {
  void start(NullCoordinatorOptions options) {
    coordinator.emplace(options);
    client.emplace(context, clock,
                   std::vector{asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), coordinator->port()}});
    connection.emplace(*client);
    writer.emplace(client->servers.front());
  }

  ~NullCoordinatorTest() override {
    if (connection) connection->abandon();
    context.restart();
    context.run();
  }

  Asked send(std::string request) { return run_coroutine(context, ask(*connection, std::move(request))); }

  Asked submit() {
    protocol::Submission submission;
    submission.payload = "work";
    writer->submit(text, "anybody", submission);
    return send(text);
  }

  Asked poll(Duration hold) {
    writer->poll(text, "anybody", hold, 1);
    return send(text);
  }

  static Duration took(Asked const& asked) { return asked.exchange.finished - asked.exchange.started; }

  Awaitable<void> trial(Fleet& fleet) {
    auto const connected = co_await fleet.connect(clock.now() + seconds{20});
    EXPECT_TRUE(connected) << to_string(connected.error());
    co_await fleet.run();
    bool const drained = co_await fleet.drain(clock.now() + seconds{20});
    EXPECT_TRUE(drained);
    co_await fleet.stop();
  }

  // A fleet on it for a moment; what both sides wrote down.
  LedgerFigures drive(NullCoordinatorOptions options) {
    PrivateFolder const folder{std::filesystem::temp_directory_path(), "assay-null-test-"};
    options.ledger = folder.path() / "ledger.csv";
    start(options);
    FleetPlan plan;
    plan.fleet.run_length = {DurationDistribution::Shape::exponential, milliseconds{20}, 1.0};
    plan.fleet.heartbeat = milliseconds{100};
    plan.fleet.hold = milliseconds{300};
    plan.runners = 20;
    plan.runs_per_second = 300;
    plan.seed = 11;
    plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
    plan.submitter_token = make_submitter_token(plan.seed);
    plan.coordinators = client->servers;
    plan.start = clock.now() + milliseconds{50};
    plan.measure = milliseconds{700};
    Recorder recorder{{plan.start, plan.start + plan.measure}};
    Fleet fleet{context, clock, plan, recorder};
    run_coroutine(context, trial(fleet));
    EXPECT_TRUE(recorder.books().balance());
    auto const stats = protocol::decode_stats(send("GET /stats HTTP/1.1\r\n\r\n").body);
    EXPECT_TRUE(stats && stats->depth);
    EXPECT_TRUE(coordinator->stop());
    auto const events = parse_coordinator_ledger(text_of(options.ledger));
    EXPECT_TRUE(events) << to_string(events.error());
    return check_ledger({.runners = recorder.events(), .coordinator = *events, .final_depth = stats->depth});
  }

  asio::io_context context{1};
  SystemClock clock;
  std::optional<NullCoordinatorProcess> coordinator;
  std::optional<HttpClient> client;
  std::optional<HttpConnection> connection;
  std::optional<RequestWriter> writer;
  std::string text;
};

TEST_F(NullCoordinatorTest, AFleetGetsItsRunsAndNothingIsLostOrDoubled) {
  auto const figures = drive({});
  EXPECT_GT(figures.accepted, 100U);
  EXPECT_EQ(figures.completed, figures.accepted);
  EXPECT_EQ(figures.lost + figures.doubled, 0U);
  for (auto const& breach : figures.breaches) ADD_FAILURE() << breach.invariant << ": " << breach.what;
}

TEST_F(NullCoordinatorTest, PlantedDoubleClaimsAreFoundAndNothingElse) {
  NullCoordinatorOptions options;
  options.runs.double_claim_every = 50;
  auto const figures = drive(options);
  EXPECT_GT(figures.doubled, 0U);
  EXPECT_EQ(figures.lost, 0U);
}

TEST_F(NullCoordinatorTest, APlantedLossNeverComesOutOfTheStore) {
  NullCoordinatorOptions options;
  options.runs.lose_every = 2;
  options.answer.mean = milliseconds{1};
  start(options);
  EXPECT_EQ(submit().exchange.status, 201);
  EXPECT_EQ(submit().exchange.status, 201);
  EXPECT_NE(poll(milliseconds{10}).body, R"({"runs":[]})");
  EXPECT_EQ(poll(milliseconds{10}).body, R"({"runs":[]})");
}

TEST_F(NullCoordinatorTest, NoAnswerComesBeforeItsServiceTime) {
  NullCoordinatorOptions options;
  options.answer.mean = milliseconds{5};
  options.delivery.mean = milliseconds{20};
  start(options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_GE(took(submit()), milliseconds{5});
    EXPECT_GE(took(poll(seconds{10})), milliseconds{20});
  }
  auto const stats = protocol::decode_stats(send("GET /stats HTTP/1.1\r\n\r\n").body);
  ASSERT_TRUE(stats) << to_string(stats.error());
  auto const& submissions = stats->store.of(StoreOperation::submit);
  EXPECT_EQ(submissions.calls, 3U);
  EXPECT_GE(submissions.latency.max(), 5'000'000);
  EXPECT_EQ(stats->claim_commit.count(), 3);
  EXPECT_GE(stats->claim_commit.max(), 20'000'000);
}

TEST_F(NullCoordinatorTest, ASlowShareOfAllIsEveryAnswerAndNoneOfZeroIsNone) {
  NullCoordinatorOptions options;
  options.slow_share = 1;
  options.slow_by = milliseconds{15};
  start(options);
  EXPECT_GE(took(submit()), milliseconds{15});
  EXPECT_GE(took(poll(seconds{10})), milliseconds{15});
}

TEST_F(NullCoordinatorTest, AnEmptyPollEndsAtItsDeadlineAndAParkedOneWithTheNextRun) {
  start({});
  auto const empty = poll(milliseconds{50});
  EXPECT_EQ(empty.body, R"({"runs":[]})");
  EXPECT_GE(took(empty), milliseconds{50});

  HttpConnection runner{*client};
  writer->poll(text, "runner", seconds{20}, 1);
  std::optional<Asked> answer;
  asio::co_spawn(context, ask(runner, text), [&](std::exception_ptr, Asked asked) { answer = asked; });
  submit();
  while (!answer) context.run_one();
  auto const runs = protocol::decode_assigned_runs(answer->body);
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->size(), 1U);
  runner.abandon();
}

TEST_F(NullCoordinatorTest, NothingIsAnsweredWithinAStall) {
  NullCoordinatorOptions options;
  options.stall = {.first = clock.now(), .length = milliseconds{400}};
  TimePoint const over = options.stall.first + options.stall.length;
  start(options);
  EXPECT_GE(submit().exchange.finished, over);
}

TEST_F(NullCoordinatorTest, PausedFromOutsideItAnswersAfterItIsResumed) {
  start({});
  submit();
  coordinator->pause();
  std::optional<Asked> answer;
  writer->poll(text, "runner", seconds{20}, 1);
  asio::co_spawn(context, ask(*connection, text), [&](std::exception_ptr, Asked asked) { answer = asked; });
  context.restart();
  context.run_for(milliseconds{30});
  EXPECT_FALSE(answer);
  coordinator->resume();
  context.restart();
  while (!answer) context.run_one();
  EXPECT_EQ(answer->exchange.fate, Fate::ok);
}

TEST_F(NullCoordinatorTest, ItsTimesAreSkewedAsPlanted) {
  NullCoordinatorOptions options;
  options.clock_skew = seconds{1000};
  start(options);
  auto const stats = protocol::decode_stats(send("GET /stats HTTP/1.1\r\n\r\n").body);
  ASSERT_TRUE(stats);
  EXPECT_GE(stats->taken_at, clock.now() + seconds{900});
}

TEST_F(NullCoordinatorTest, BadRequestsAreToldSoAndTheNextOnesAreServed) {
  start({});
  EXPECT_EQ(send("GET /nowhere HTTP/1.1\r\n\r\n").exchange.status, 404);
  EXPECT_EQ(send("GET /runner/runs?wait=soon HTTP/1.1\r\n\r\n").exchange.status, 400);
  EXPECT_EQ(send("POST /runs HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]").exchange.status, 400);
  EXPECT_EQ(send("no HTTP at all\r\n\r\n").exchange.status, 400);  // and closes
  EXPECT_EQ(submit().exchange.status, 201);
  EXPECT_EQ(client->connections_opened, 2U);
}

TEST_F(NullCoordinatorTest, PipelinedRequestsAreAnsweredInOrder) {
  start({});
  TcpSocket socket{context.get_executor()};
  socket.connect(client->servers.front());
  std::string const two = "GET /healthz HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n";
  asio::write(socket, asio::buffer(two));
  std::string answers;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(answers), error);
  EXPECT_EQ(error, asio::error::eof);
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200")) << answers;
  EXPECT_NE(answers.find("HTTP/1.1 404"), std::string::npos) << answers;
}

TEST_F(NullCoordinatorTest, APortThatIsTakenIsToldInWords) {
  start({});
  NullCoordinatorOptions options;
  options.port = coordinator->port();
  try {
    NullCoordinatorProcess const second{options};
    FAIL() << "two of them listen on one port";
  } catch (Failure const& failure) {
    EXPECT_NE(std::string_view{failure.what()}.find("Address already in use"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace assay
