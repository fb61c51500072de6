// Plans, asked of a real server: made over empty tables, they must still be right over full ones.
#include "reference_coordinator/backends/postgres/batch_sql.hpp"
#include "reference_coordinator/backends/postgres/cas_store.hpp"
#include "reference_coordinator/backends/postgres/skip_locked_store.hpp"
#include "tests/integration/postgres_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <libpq-fe.h>

namespace assay::test {
namespace {

using postgres::Prepared;
using testing::HasSubstr;
using testing::Not;

class PostgresPlan : public testing::Test {
 protected:
  PostgresPlan()
      : store{io, backend_postgres_batch(), database.url()}, session{PQconnectdb(database.url().c_str()), PQfinish} {
    for (std::string const& setting : postgres::steady_plans()) run(setting);
  }

  std::string run(std::string const& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> const result{PQexec(session.get(), sql.c_str()), PQclear};
    std::string text = PQresultErrorMessage(result.get());
    for (int row = 0; row < PQntuples(result.get()); ++row)
      text += std::string{PQgetvalue(result.get(), row, 0)} + '\n';
    return text;
  }

  std::string plan(Prepared const& statement, std::string const& arguments) {
    run(fmt::format("PREPARE {} AS {}", statement.name, statement.sql));
    return run(fmt::format("EXPLAIN EXECUTE {} {}", statement.name, arguments));
  }

  // Ready runs, one class, as if submitted; each of 100 claimed from that many buffers.
  std::int64_t buffers_of_a_claim(int backlog) {
    run("TRUNCATE assay_batch.run, assay_batch.run_ready, assay_batch.run_lease");
    run(fmt::format(
        "WITH added AS (INSERT INTO assay_batch.run (id, seq, tag_set, max_attempts, priority, payload) "
        "SELECT gen_random_uuid(), n, 1, 3, 0, 'payload' FROM generate_series(1, {}) AS n RETURNING id, seq) "
        "INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority) SELECT id, seq, 1, 0 FROM added",
        backlog));
    run("BEGIN");
    std::string const said =
        run("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE claim_heads "
            "('{1}', 100, 1000000, 1, 0, '{r}', '{100}')");
    run("ROLLBACK");
    std::size_t const at = said.find("\"Shared Hit Blocks\": ");
    return at == std::string::npos ? -1 : std::stoll(said.substr(at + 21));
  }

  TestDatabase database;
  asio::io_context io;
  OpenStore store;
  std::unique_ptr<PGconn, decltype(&PQfinish)> session;
};

TEST_F(PostgresPlan, NoStatementReadsAWholeTableOfRuns) {
  std::string const refs = "'{}'::uuid[], '{}'::int8[], '{}'::int8[], ";
  std::string const claim = "('{1}', 100, 1000000, 1, 0, '{r}', '{100}')";
  std::map<std::string, std::string> const arguments = {
      {"submit_matched", "('{}', '{}', '{}', '{}', '{}', '{}', '{0}', '{1}', '{1}', '{r}', '{0}', '{1}', 1, 1)"},
      {"claim_heads", claim},
      {"claim_lanes", "('{1}', '{0}', 1000000, 1, 0, '{r}', '{100}', '{100}')"},
      {"claim_merged", "('{1}', 100, 1000000, 1, 0, '{r}', '{100}', 100)"},
      {"complete", "(" + refs + "'{}'::bytea[], 1, 1)"},
      {"fail", "(" + refs + "'{}'::bytea[], 1, 2, 1, 1)"},
      {"renew", "(" + refs + "'{}'::int8[])"},
      {"release", "(" + refs + "'{}'::bytea[])"},
      {"look", "('{}'::uuid[])"},
      {"find", "('00000000-0000-0000-0000-000000000000')"},
  };
  for (auto const& statements :
       {postgres::submit_statements(), postgres::claim_statements(), postgres::complete_statements(),
        postgres::tend_statements(), postgres::control_statements()}) {
    for (Prepared const& statement : statements) {
      if (!arguments.contains(statement.name)) continue;
      std::string const steps = plan(statement, arguments.at(statement.name));
      SCOPED_TRACE(statement.name + "\n" + steps);
      EXPECT_THAT(steps, HasSubstr("Index"));
      EXPECT_THAT(steps, Not(HasSubstr("Seq Scan")));
      // An index that is read without a condition is a whole table too.
      for (std::size_t at = steps.find("Index"); at != std::string::npos; at = steps.find("Index", at + 1)) {
        if (!steps.substr(at).starts_with("Index Scan") && !steps.substr(at).starts_with("Index Only Scan")) continue;
        std::size_t const next_line = steps.find('\n', at) + 1;
        EXPECT_THAT(steps.substr(next_line, steps.find('\n', next_line) - next_line), HasSubstr("Index Cond"));
      }
    }
  }
}

TEST_F(PostgresPlan, AClaimCostsTheSameWhateverTheBacklog) {
  plan(postgres::claim_statements().at(1), "('{1}', 100, 1000000, 1, 0, '{r}', '{100}')");
  std::int64_t const small = buffers_of_a_claim(1'000);
  std::int64_t const large = buffers_of_a_claim(200'000);
  EXPECT_GT(small, 0);
  // Deeper trees are the only difference: one more level for each of 100 look-ups by id, and colder corners.
  EXPECT_LT(large, small * 2) << "1,000 ready: " << small << " buffers, 200,000 ready: " << large;
}

// With tags in the query the planner would rather fetch and sort everything that is ready: 100 times slower at 50,000.
TEST(PostgresTablePlan, AClaimWalksTheReadyIndexInOrder) {
  TestDatabase database;
  asio::io_context io;
  struct Case {
    Backend backend;
    postgres::TableStrategy strategy;
    std::string statement, arguments;
  };
  for (Case const& each : {Case{backend_postgres_skip_locked(), postgres::skip_locked_strategy(), "claim",
                                "('a,b', 1, 1, 1000000, 'runner')"},
                           Case{backend_postgres_cas(), postgres::cas_strategy(), "candidates", "('a,b', 100)"}}) {
    SCOPED_TRACE(each.backend.name);
    OpenStore const store{io, each.backend, database.url()};
    std::unique_ptr<PGconn, decltype(&PQfinish)> const session{PQconnectdb(database.url().c_str()), PQfinish};
    auto const run = [&](std::string const& sql) {
      std::unique_ptr<PGresult, decltype(&PQclear)> const result{PQexec(session.get(), sql.c_str()), PQclear};
      std::string text = PQresultErrorMessage(result.get());
      for (int row = 0; row < PQntuples(result.get()); ++row)
        text += std::string{PQgetvalue(result.get(), row, 0)} + '\n';
      return text;
    };
    for (std::string const& setting : postgres::table_session()) run(setting);
    for (Prepared const& statement : postgres::table_statements(each.strategy)) {
      if (statement.name == each.statement) run(fmt::format("PREPARE {} AS {}", statement.name, statement.sql));
    }
    std::string const asked = fmt::format("EXPLAIN EXECUTE {} {}", each.statement, each.arguments);
    std::string const when_empty = run(asked);
    EXPECT_THAT(when_empty, HasSubstr("Index Scan using runs_ready"));
    EXPECT_THAT(when_empty, Not(HasSubstr("Sort")));
    run(
        fmt::format("INSERT INTO {0}.runs (id, state, priority, required, max_attempts, ready_at, payload) "
                    "SELECT gen_random_uuid(), 1, 0, '{{}}', 3, now(), 'payload' FROM generate_series(1, 20000)",
                    each.strategy.schema));
    run(fmt::format("ANALYZE {}.runs", each.strategy.schema));
    std::string const when_full = run(asked);
    EXPECT_THAT(when_full, HasSubstr("Index Scan using runs_ready"));
    EXPECT_THAT(when_full, Not(HasSubstr("Sort")));
  }
}

// What the report prints. The optimistic claim orders by (priority, created_at), which none of its three indexes does.
TEST(PostgresPlanFact, SaysWhichIndexAClaimUsesAndWhetherItSorts) {
  TestDatabase database;
  asio::io_context io;
  auto const plan_of = [&](Backend const& backend) {
    OpenStore const store{io, backend, database.url()};
    for (auto const& [name, value] : store.facts()) {
      if (name == "plan of a claim") return value;
    }
    return std::string{};
  };
  EXPECT_THAT(plan_of(backend_postgres_optimistic()), HasSubstr("Sort Key: runs.priority DESC, runs.created_at"));
  EXPECT_THAT(plan_of(backend_postgres_skip_locked()), HasSubstr("Index Scan using runs_ready"));
  EXPECT_THAT(plan_of(backend_postgres_skip_locked()), Not(HasSubstr("Sort")));
  EXPECT_THAT(plan_of(backend_postgres_cas()), HasSubstr("Index Scan using runs_ready"));
  EXPECT_THAT(plan_of(backend_postgres_batch()), HasSubstr("Index"));
}

}  // namespace
}  // namespace assay::test
