// What only a PostgreSQL store can get wrong; the contract itself is tests/conformance's.
#include "tests/integration/postgres_fixture.hpp"
#include "tests/support/cutting_proxy.hpp"

#include <gmock/gmock.h>

#include <set>

namespace assay::test {
namespace {

using testing::ElementsAre;

Awaitable<void> claim_all(ClaimStore& store, TagSet offered, std::vector<Claim>& given) {
  for (;;) {
    std::vector<Demand> demands;
    demands.push_back({offered, "runner", 7});
    auto claims = co_await store.claim(std::move(demands), seconds{60});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    given.insert(given.end(), claims->begin(), claims->end());
    if (claims->size() < 7) co_return;
  }
}

Awaitable<void> submit_one(ClaimStore& store, RunSpec run) {
  std::vector<RunSpec> runs;
  runs.push_back(std::move(run));
  auto const outcomes = co_await store.submit(std::move(runs));
  if (!outcomes || outcomes->front() != Outcome::ok) throw std::runtime_error{"not submitted"};
}

class PostgresStore : public testing::TestWithParam<char const*> {
 protected:
  Backend backend() const {
    return std::string{GetParam()} == "batch" ? backend_postgres_batch() : backend_postgres_skip_locked();
  }

  static std::uint16_t server_port() {
    std::string const url = postgres_server().socket_url("x");
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.find("port=") + 5)));
  }
  // Over TCP and through the proxy.
  std::string through(CuttingProxy const& proxy) const {
    std::string url = database.tcp_url();
    std::string const port = std::to_string(server_port());
    return url.replace(url.find(port + "/"), port.size(), std::to_string(proxy.port()));
  }
  // Asks until there is an answer that is no error and leaves nothing in doubt.
  template <class Ask>
  auto eventually(Ask ask) {
    for (;;) {
      auto answer = ask();
      if (answer && !undecided(*answer)) return *std::move(answer);
      io.run_one_for(milliseconds{10});  // a reconnect is what we wait for; it may have been just now
    }
  }
  static bool undecided(std::vector<Claim> const&) { return false; }
  static bool undecided(std::vector<Outcome> const& outcomes) {
    return std::any_of(outcomes.begin(), outcomes.end(),
                       [](Outcome o) { return o == Outcome::unavailable || o == Outcome::in_doubt; });
  }

  TestDatabase database;
  asio::io_context io;
};

TEST_P(PostgresStore, ARunGoesThroughItsLife) {
  OpenStore store{io, backend(), database.url()};
  RunSpec const run = make_run({"linux"}, 7, std::string("nul\0inside", 10));
  EXPECT_THAT(store.submit({run}), ElementsAre(Outcome::ok));
  EXPECT_THAT(store.submit({run}), ElementsAre(Outcome::already_done));
  EXPECT_EQ(store.find(run.id)->state, RunState::ready);
  EXPECT_EQ(store.claim(1).size(), 0U);
  auto const claims = store.claim(5, {"linux", "x64"});
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].run, run.id);
  EXPECT_EQ(claims[0].attempt, 1);
  EXPECT_EQ(claims[0].payload, run.payload);
  EXPECT_EQ(claims[0].required, run.required);
  EXPECT_EQ(claims[0].priority, 7);
  EXPECT_EQ(store.find(run.id)->state, RunState::claimed);
  EXPECT_EQ(store.find(run.id)->runner, "runner");
  EXPECT_EQ(store.depth().claimed, 1U);
  EXPECT_THAT(store.renew({{run.id, claims[0].token}}, seconds{60}), ElementsAre(Outcome::ok));
  EXPECT_THAT(store.complete({{run.id, claims[0].token, "done"}, {run.id, claims[0].token, "again"}}),
              ElementsAre(Outcome::ok, Outcome::already_done));
  EXPECT_THAT(store.fail({{run.id, claims[0].token, "no"}}), ElementsAre(Outcome::rejected));
  EXPECT_THAT(store.renew({{run.id, claims[0].token}}, seconds{60}), ElementsAre(Outcome::stale_token));
  EXPECT_EQ(store.find(run.id)->result, "done");
  EXPECT_EQ(store.find(run.id)->state, RunState::completed);
  EXPECT_EQ(store.depth().completed, 1U);
  EXPECT_EQ(store.depth().total(), 1U);
}

TEST_P(PostgresStore, ConnectionsThatWereThrownOutComeBack) {
  OpenStore store{io, backend(), database.url()};
  store.submit(make_runs(1));
  database.ask(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
      "pg_backend_pid()");
  // Whatever is asked in between is refused or in doubt, never answered wrongly.
  std::vector<Demand> const demands{{TagSet{}, "runner", 1}};
  auto const claims = eventually([&] { return run_coroutine(io, store.store().claim(demands, seconds{30})); });
  ASSERT_EQ(claims.size(), 1U);
  Completion const completion{claims[0].run, claims[0].token, "done"};
  EXPECT_THAT(eventually([&] { return run_coroutine(io, store.store().complete({completion})); }),
              ElementsAre(Outcome::ok));
  EXPECT_GT(store.store().counters().reconnects, 0U);
}

TEST_P(PostgresStore, ALostAnswerToACompletionIsInDoubtAndToldWhenAskedAgain) {
  CuttingProxy proxy{io, server_port()};
  OpenStore store{io, backend(), through(proxy)};
  store.submit(make_runs(1));
  auto const claims = store.claim(1);
  ASSERT_EQ(claims.size(), 1U);
  proxy.cut_at_next_answer();
  Completion const completion{claims[0].run, claims[0].token, "done"};
  auto const first = run_coroutine(io, store.store().complete({completion}));
  ASSERT_TRUE(proxy.has_cut());
  if (first) {
    EXPECT_THAT(*first, ElementsAre(Outcome::in_doubt));
  } else {
    EXPECT_EQ(first.error().kind, ErrorKind::in_doubt);
  }
  EXPECT_THAT(eventually([&] { return run_coroutine(io, store.store().complete({completion})); }),
              ElementsAre(Outcome::already_done));
}

INSTANTIATE_TEST_SUITE_P(Backends, PostgresStore, testing::Values("batch", "skip_locked"),
                         [](auto const& backend) { return std::string{backend.param}; });

class PostgresBatchStore : public PostgresStore {
 protected:
  Backend backend() const { return backend_postgres_batch(); }
};

TEST_F(PostgresBatchStore, ClaimsWhoseAnswerWasLostAreGivenAgainAtOnce) {
  CuttingProxy proxy{io, server_port()};
  OpenStore store{io, backend(), through(proxy)};
  store.submit(make_runs(3));
  proxy.cut_at_next_answer();
  std::vector<Demand> const demands{{TagSet{}, "runner", 3}};
  auto const lost = run_coroutine(io, store.store().claim(demands, seconds{3600}));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::in_doubt);
  // Not after an hour's lease: the store takes back what nobody can hold, under tokens that nobody ever saw.
  auto const claims = eventually([&] { return run_coroutine(io, store.store().claim(demands, seconds{30})); });
  EXPECT_EQ(claims.size(), 3U);
  for (Claim const& claim : claims) EXPECT_EQ(claim.attempt, 1);
}

TEST_F(PostgresBatchStore, CoordinatorsThatShareManyTagSetsGetEveryRunOnceAndAll) {
  OpenStore one{io, backend(), database.url()};
  OpenStore two{io, backend(), database.url()};
  std::vector<RunSpec> specs;
  std::vector<std::string> const all_tags{"a", "b", "c", "d", "e", "f", "g"};
  for (int i = 0; i < 2000; ++i) specs.push_back(make_run({all_tags[static_cast<std::size_t>(i) % 7]}, i % 3));
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<RunSpec> const half{specs.begin() + static_cast<std::ptrdiff_t>(i * 1000),
                                    specs.begin() + static_cast<std::ptrdiff_t>((i + 1) * 1000)};
    (i == 0 ? one : two).submit(half);
  }
  std::vector<Claim> given;
  Contenders claimers{io};
  for (int i = 0; i < 8; ++i) claimers.enter(claim_all((i % 2 == 0 ? one : two).store(), TagSet{all_tags}, given));
  claimers.run();
  std::set<RunId> distinct;
  for (Claim const& claim : given) distinct.insert(claim.run);
  EXPECT_EQ(given.size(), specs.size());
  EXPECT_EQ(distinct.size(), specs.size());
  // A smaller answer says that nothing more was ready, so nobody may have stopped with runs left over.
  EXPECT_EQ(one.depth().ready, 0U);
}

TEST_F(PostgresBatchStore, ManySubmissionsBecomeFewTransactions) {
  OpenStore store{io, backend(), database.url()};
  std::vector<RunSpec> const specs = make_runs(500);
  Contenders submitters{io};
  for (RunSpec const& spec : specs) submitters.enter(submit_one(store.store(), spec));
  submitters.run();
  // At most two single ones before the batches grow: the transactions are far fewer than the submissions.
  EXPECT_LT(std::stoi(database.ask("SELECT last_value / 65536 FROM assay_batch.batch_place")), 20);
  EXPECT_EQ(store.depth().ready, 500U);
}

}  // namespace
}  // namespace assay::test
