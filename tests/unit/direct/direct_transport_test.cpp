// A fleet over `transport: direct` and `embedded`: the same Fleet as over HTTP, each runner or each thread a client of
// the store, on the real sqlite and memory backends.
#include "simulated_runners/direct/direct_transport.hpp"
#include "harness/base/text.hpp"
#include "harness/services/private_folder.hpp"
#include "simulated_runners/generator.hpp"
#include "simulated_runners/requests.hpp"
#include "tests/support/run_coroutine.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

namespace assay {
namespace {

using testing::HasSubstr;

class direct_transport : public testing::Test {
 protected:
  direct_transport() {
    FleetSpec const fleet;
    runners = make_identities(fleet, 3, 7);
    std::vector<std::string> mistakes;
    identities = Identities::parse(identities_json(runners, make_submitter_token(7)), mistakes);
    EXPECT_TRUE(mistakes.empty());
  }

  DirectOptions options(std::string const& backend) {
    DirectOptions options;
    options.backend = find_backend(backend);
    options.shared = embedded || !options.backend->capabilities.several_coordinators;
    if (options.backend->service == "file") options.core.store.url = (folder.path() / "runs.sqlite").string();
    options.core.sweep_interval = milliseconds{50};
    options.core.store.connections = 1;
    options.folder = folder.path();
    options.identities = &identities;
    return options;
  }

  std::vector<std::string> ledgers() const {
    std::vector<std::string> texts;
    for (auto const& entry : std::filesystem::directory_iterator{folder.path()}) {
      if (entry.path().extension() != ".csv") continue;
      std::ifstream in{entry.path()};
      texts.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
    }
    return texts;
  }

  FleetPlan plan(int backlog) const {
    FleetPlan plan;
    plan.fleet.hold = seconds{1};
    plan.fleet.heartbeat = seconds{5};
    plan.fleet.run_length = {DurationDistribution::Shape::constant, Duration{0}, 1.0};
    plan.load.backlog = backlog;
    plan.load.payload_bytes = 10;
    plan.runners = 3;
    plan.seed = 7;
    plan.identities = runners;
    plan.submitter_token = make_submitter_token(7);
    plan.measure = seconds{30};
    return plan;
  }

  // Who was given runs by each client, by the clients' own books.
  std::vector<std::set<std::string>> served() const {
    std::vector<std::set<std::string>> by_client;
    for (auto const& text : ledgers()) {
      auto& names = by_client.emplace_back();
      std::istringstream lines{text};
      for (std::string line; std::getline(lines, line);) {
        auto const fields = split(line, ',');  // time_ns,event,run,attempt,token,who,…
        if (fields.size() > 5 && fields[1] == "delivered") names.insert(fields[5]);
      }
    }
    return by_client;
  }

  // The backlog through, from prepare() to close(); how many runs were completed.
  std::uint64_t use_up(std::string const& backend, int runs, int threads) {
    asio::io_context loop{1};
    SystemClock const clock;
    TimePoint const start = clock.now();
    Window const measured{start, start + seconds{30}};
    auto const make = [&](asio::io_context& own, std::size_t thread) {
      auto mine = options(backend);
      mine.thread = thread;
      return std::make_unique<DirectTransport>(own, clock, std::move(mine));
    };
    Generator generator{loop, clock, plan(runs), threads, measured, make};
    auto const course = [](Generator& g, Clock const& time, Window window) -> Awaitable<Result<void>> {
      auto prepared = co_await g.prepare(time.now() + seconds{20});
      if (!prepared) co_return prepared;
      window.begin = time.now();
      co_await g.begin_at(window.begin, window);
      auto connected = co_await g.connect(time.now() + seconds{10});
      if (!connected) co_return connected;
      co_await g.run();
      auto const stats = co_await g.coordinator_stats();
      EXPECT_TRUE(stats && stats->depth);
      co_await g.stop();
      co_await g.close();
      co_return Result<void>{};
    };
    auto const done = test::run_coroutine(loop, course(generator, clock, measured));
    EXPECT_TRUE(done) << to_string(done.error());
    EXPECT_LT(clock.now() - start, seconds{25}) << "the phase ends when the backlog is used up";
    Recorder recorder = generator.take_recorder();
    EXPECT_TRUE(recorder.books().balance());
    EXPECT_EQ(recorder.books().succeeded, static_cast<std::uint64_t>(runs));
    std::set<RunId> completed;
    for (auto const& event : recorder.take_events()) {
      bool const again = event.kind == RunEvent::Kind::completed && !completed.insert(event.run).second;
      EXPECT_FALSE(again) << "completed twice";
    }
    return completed.size();
  }

  PrivateFolder folder{std::filesystem::temp_directory_path(), "assay-direct-test-"};
  std::vector<RunnerIdentity> runners;
  Identities identities;
  bool embedded = false;
};

TEST_F(direct_transport, each_runner_is_a_client_of_its_own_over_the_same_data) {
  if (find_backend("sqlite") == nullptr || !find_backend("sqlite")->missing.empty()) GTEST_SKIP() << "no sqlite";
  EXPECT_EQ(use_up("sqlite", 60, 1), 60u);
  EXPECT_EQ(ledgers().size(), 4u) << "three runners and who submits";
  EXPECT_THAT(served(), testing::Each(testing::SizeIs(testing::Le(1u)))) << "two runners at one client";
}

TEST_F(direct_transport, threads_of_the_generator_have_clients_of_their_own) {
  if (find_backend("sqlite") == nullptr || !find_backend("sqlite")->missing.empty()) GTEST_SKIP() << "no sqlite";
  EXPECT_EQ(use_up("sqlite", 40, 2), 40u);
  EXPECT_EQ(ledgers().size(), 5u) << "three runners, and one that submits for each thread";
}

TEST_F(direct_transport, embedded_a_thread_has_one_coordinator_for_all_its_runners_and_who_submits) {
  if (find_backend("sqlite") == nullptr || !find_backend("sqlite")->missing.empty()) GTEST_SKIP() << "no sqlite";
  embedded = true;
  EXPECT_EQ(use_up("sqlite", 300, 2), 300u);
  EXPECT_THAT(served(), testing::UnorderedElementsAre(testing::SizeIs(2u), testing::SizeIs(1u)))
      << "three runners on two threads";
}

TEST_F(direct_transport, a_backend_for_one_coordinator_is_shared_by_all) {
  EXPECT_EQ(use_up("memory", 5000, 1), 5000u);
  EXPECT_EQ(ledgers().size(), 1u);
}

TEST_F(direct_transport, a_store_that_cannot_be_opened_is_one_clear_line) {
  if (find_backend("sqlite") == nullptr || !find_backend("sqlite")->missing.empty()) GTEST_SKIP() << "no sqlite";
  asio::io_context loop{1};
  SystemClock const clock;
  auto bad = options("sqlite");
  bad.core.store.url = (folder.path() / "no" / "such" / "folder.sqlite").string();
  DirectTransport transport{loop, clock, bad};
  auto const channel = transport.make_channel(1);
  auto const opened = test::run_coroutine(loop, transport.open());
  ASSERT_TRUE(opened.has_error());
  EXPECT_THAT(to_string(opened.error()), testing::AllOf(HasSubstr("sqlite: "), HasSubstr("folder.sqlite")));
  EXPECT_TRUE(test::run_coroutine(loop, channel->open(seconds{1}))) << "and no channel opens";
  test::run_coroutine(loop, transport.close());
}

TEST_F(direct_transport, who_leaves_a_poll_gives_back_what_it_was_given) {
  asio::io_context loop{1};
  SystemClock const clock;
  DirectTransport transport{loop, clock, options("memory")};
  auto const leaver = transport.make_channel(1);
  auto const other = transport.make_channel(2);
  auto const submitter = transport.make_shared_channel(0);
  ASSERT_TRUE(test::run_coroutine(loop, transport.open()));
  RequestWriter const writer{asio::ip::tcp::endpoint{}};
  auto const course = [](Channel& leaves, Channel& stays, Channel& submits, RequestWriter const& write,
                         std::vector<RunnerIdentity> const& who) -> Awaitable<std::string> {
    // A poll that is held for longer than its sender waits.
    std::string poll;
    write.poll(poll, who[0].token, seconds{30}, 1);
    Exchange const given_up = co_await leaves.exchange(poll, milliseconds{20});
    EXPECT_EQ(given_up.fate, Fate::timed_out);
    std::string submission;
    protocol::Submission run;
    write.submit(submission, make_submitter_token(7), run);
    Exchange const accepted = co_await submits.exchange(submission, seconds{10});
    EXPECT_EQ(accepted.status, 201);
    std::string next;
    write.poll(next, who[1].token, seconds{10}, 1);
    Exchange const got = co_await stays.exchange(next, seconds{20});
    co_return std::string{got.body};
  };
  std::string const body = test::run_coroutine(loop, course(*leaver, *other, *submitter, writer, runners));
  auto const given = protocol::decode_assigned_runs(body);
  ASSERT_TRUE(given);
  ASSERT_EQ(given->size(), 1u) << "the run is there for who stayed";
  leaver->abandon();
  test::run_coroutine(loop, transport.close());
}

}  // namespace
}  // namespace assay
