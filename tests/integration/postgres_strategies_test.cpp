// What sets postgres-optimistic and postgres-cas apart: lost races and how they are counted, polls beyond the demand,
// the claim deadline. What they have in common with every store is tests/conformance's.
#include "tests/integration/postgres_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <libpq-fe.h>

namespace assay::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class PostgresStrategies : public testing::Test {
 protected:
  // The run that is next, taken by another orchestrator whose transaction has not ended yet.
  class Rival {
   public:
    Rival(TestDatabase const& database, std::string schema)
        : schema_{std::move(schema)}, session_{PQconnectdb(database.url().c_str()), PQfinish} {
      run("BEGIN");
      run(
          fmt::format("UPDATE {0}.runs SET state = 2, orchestrator = 99, epoch = 99, counter = 1, attempts = 1, "
                      "lease_until = now() + interval '1 hour' WHERE seq = (SELECT min(seq) FROM {0}.runs)",
                      schema_));
    }
    void commit() { run("COMMIT"); }

   private:
    void run(std::string const& sql) {
      std::unique_ptr<PGresult, decltype(&PQclear)> const result{PQexec(session_.get(), sql.c_str()), PQclear};
      ASSERT_EQ(PQresultStatus(result.get()), PGRES_COMMAND_OK) << PQresultErrorMessage(result.get());
    }

    std::string schema_;
    std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
  };

  // Claims two runs while the rival holds the first of three, and lets it win.
  void lose_a_race(Backend const& backend, std::string const& schema) {
    OpenStore open{io, backend, database.url()};
    auto const specs = make_runs(3);
    open.submit(specs);
    Rival rival{database, schema};
    std::optional<std::vector<Claim>> claims;
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", 2});
    asio::co_spawn(io, open.store().claim(demands, seconds{30}), [&](std::exception_ptr, auto answer) {
      if (answer) claims = *answer;
    });
    io.restart();
    while (database.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "0") {
      io.run_one_for(milliseconds{10});
      ASSERT_FALSE(claims) << "it did not wait for the rival";
    }
    rival.commit();
    while (!claims) io.run_one();
    ASSERT_THAT(*claims, SizeIs(2)) << "two were left, and both had to be found";
    for (Claim const& claim : *claims) EXPECT_NE(claim.run, specs[0].id);
    EXPECT_EQ(open.store().counters().claim_conflicts, 1U);
    EXPECT_EQ(open.store().counters().claim_attempts, 3U) << "two runs won and one lost";
    EXPECT_THAT(open.claim(5), IsEmpty());
    EXPECT_EQ(open.store().counters().claim_attempts, 4U) << "one that found nothing";
  }

  TestDatabase database;
  asio::io_context io;
};

TEST_F(PostgresStrategies, OptimisticCountsALostRaceAndLooksAgain) {
  lose_a_race(backend_postgres_optimistic(), "assay_optimistic");
}

TEST_F(PostgresStrategies, CasCountsALostRaceAndLooksAgain) { lose_a_race(backend_postgres_cas(), "assay_cas"); }

TEST_F(PostgresStrategies, OptimisticClaimsNoMoreThanIsAskedFor) {
  OpenStore open{io, backend_postgres_optimistic(), database.url()};
  open.submit(make_runs(15));
  EXPECT_THAT(open.claim(1), SizeIs(1));
  EXPECT_EQ(open.depth().claimed, 1U);
  EXPECT_THAT(open.claim(100), SizeIs(14));
}

TEST_F(PostgresStrategies, CasSetsADeadlineOfAtMost30Seconds) {
  ASSERT_EQ(backend_postgres_cas().capabilities.longest_lease, seconds{30});
  OpenStore open{io, backend_postgres_cas(), database.url()};
  open.submit(make_runs(2));
  std::vector<Demand> demands;
  demands.push_back({TagSet{}, "runner", 1});
  auto const deadline = [&] {
    return database.ask(
        "SELECT max(lease_until - now()) BETWEEN interval '20s' AND interval '30s' FROM assay_cas.runs");
  };
  auto const claims = open.claim(demands, std::chrono::hours{1});
  EXPECT_EQ(deadline(), "t");
  EXPECT_EQ(open.renew({{claims.at(0).run, claims.at(0).token}}, std::chrono::hours{1}),
            std::vector<Outcome>{Outcome::ok});
  EXPECT_EQ(deadline(), "t");
}

}  // namespace
}  // namespace assay::test
