// What opening a PostgreSQL store says when it can't, and what it leaves alone.
#include "reference_coordinator/backends/postgres/connection.hpp"
#include "reference_coordinator/backends/postgres/schema.hpp"
#include "tests/integration/postgres_fixture.hpp"

#include <gmock/gmock.h>

#include <map>

namespace assay::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class PostgresOpen : public testing::Test {
 protected:
  // "kind: detail" of the refusal; "" when it opened.
  std::string refusal(std::string url, Backend const& backend = backend_postgres_batch()) {
    StoreOptions options;
    options.url = std::move(url);
    Result<OpenedStore> opened = run_coroutine(io, backend.open(io, clock, options));
    if (!opened) return to_string(opened.error());
    run_coroutine(io, opened->store->close());
    return "";
  }
  std::string url_as(std::string const& role) const {
    std::string url = database.url();
    return url.replace(url.find("assay@"), 5, role);
  }

  TestDatabase database;
  asio::io_context io;
  SystemClock clock;
};

TEST_F(PostgresOpen, TellsEachMistakeInOneLine) {
  EXPECT_THAT(refusal("postgresql://127.0.0.1:not-a-port/x"), HasSubstr("misconfigured"));
  EXPECT_THAT(refusal("nonsense"), AllOf(HasSubstr("misconfigured: bad PostgreSQL URL"), HasSubstr("nonsense")));
  EXPECT_THAT(refusal(postgres_server().socket_url("nowhere")),
              AllOf(HasSubstr("misconfigured"), HasSubstr("database \"nowhere\" does not exist")));
  EXPECT_THAT(refusal(url_as("stranger")),
              AllOf(HasSubstr("misconfigured"), HasSubstr("role \"stranger\" does not exist")));
  std::string wrong = database.tcp_url();
  wrong.replace(wrong.find("assay:") + 6, 4, "oops");
  EXPECT_THAT(refusal(wrong), AllOf(HasSubstr("misconfigured"), HasSubstr("password authentication failed")));
  EXPECT_THAT(refusal("postgresql://assay@127.0.0.1:1/x"), AllOf(HasSubstr("unavailable"), HasSubstr("refused")));
  EXPECT_THAT(refusal("postgresql://assay@no-such-host.invalid/x"),
              AllOf(HasSubstr("unavailable"), HasSubstr("no-such-host.invalid")));
}

TEST(PostgresVersion, ThirteenIsNewEnoughAndWhatIsOlderIsNamed) {
  for (int const good : {130000, 130014, 150018, 170002}) EXPECT_FALSE(postgres::check_version(good)) << good;
  for (auto const& [number, name] :
       std::map<int, std::string>{{129999, "12.99"}, {120022, "12.22"}, {90624, "9.6.24"}}) {
    auto const error = postgres::check_version(number);
    ASSERT_TRUE(error) << number;
    EXPECT_EQ(to_string(*error), "misconfigured: PostgreSQL " + name + " is too old: 13 or newer is needed");
  }
}

// Connections are taken by the kernel, and nobody greets.
TEST_F(PostgresOpen, AServerThatStandsStillIsATimeOut) {
  postgres::ConnectOptions options;
  options.url = database.url();
  options.patience = milliseconds{200};
  postgres_server().stand_still();
  auto const opened = run_coroutine(io, postgres::Connection::open(io.get_executor(), options));
  postgres_server().go_on();
  ASSERT_FALSE(opened);
  EXPECT_EQ(to_string(opened.error()), "timed out: PostgreSQL did not answer within 200ms when connecting");
  options.patience = seconds{20};
  EXPECT_TRUE(run_coroutine(io, postgres::Connection::open(io.get_executor(), options)));
}

TEST_F(PostgresOpen, RefusesAReadOnlyDatabase) {
  ask_postgres(postgres_server().url(),
               "ALTER DATABASE " + database.name() + " SET default_transaction_read_only = on");
  EXPECT_THAT(refusal(database.url()), AllOf(HasSubstr("misconfigured"), HasSubstr("read-only")));
}

TEST_F(PostgresOpen, RefusesARoleThatMayNotCreateItsSchema) {
  database.ask("CREATE ROLE newcomer_" + database.name() + " LOGIN");
  EXPECT_THAT(refusal(url_as("newcomer_" + database.name())),
              AllOf(HasSubstr("misconfigured"), HasSubstr("permission denied for database")));
}

TEST_F(PostgresOpen, RefusesASchemaOfAnotherVersionAndOneOfSomebodyElse) {
  ASSERT_EQ(refusal(database.url()), "");
  database.ask("UPDATE assay_batch.about SET version = 999");
  EXPECT_THAT(refusal(database.url()), AllOf(HasSubstr("version 999"), HasSubstr("DROP SCHEMA assay_batch CASCADE")));
  database.ask("CREATE SCHEMA assay_skip_locked");
  EXPECT_THAT(refusal(database.url(), backend_postgres_skip_locked()), HasSubstr("that assay did not make"));
}

TEST_F(PostgresOpen, SaysWhichConnectionWasOneTooMany) {
  database.ask("CREATE ROLE frugal_" + database.name() + " LOGIN CONNECTION LIMIT 3");
  ask_postgres(postgres_server().url(),
               "GRANT CREATE ON DATABASE " + database.name() + " TO frugal_" + database.name());
  EXPECT_THAT(refusal(url_as("frugal_" + database.name())),
              AllOf(HasSubstr("unavailable"), HasSubstr("connection 4 of 5"), HasSubstr("too many connections")));
}

TEST_F(PostgresOpen, TouchesNothingOutsideItsSchemas) {
  std::string const everything_else =
      "SELECT string_agg(oid::text || relname, ' ' ORDER BY oid) FROM pg_class WHERE relnamespace NOT IN "
      "(SELECT oid FROM pg_namespace WHERE nspname IN ('assay_batch', 'assay_skip_locked', 'pg_toast'))";
  std::string const before = database.ask(everything_else);
  for (Backend const& backend : {backend_postgres_batch(), backend_postgres_skip_locked()}) {
    OpenStore open{io, backend, database.url()};
    open.submit(make_runs(10));
    for (Claim const& claim : open.claim(10)) open.complete({{claim.run, claim.token, ""}});
  }
  EXPECT_EQ(database.ask(everything_else), before);
}

TEST_F(PostgresOpen, ReadsBackTheServersSettings) {
  OpenStore open{io, backend_postgres_batch(), database.url()};
  EXPECT_THAT(open.facts(), Contains(Pair("fsync", "on")));
  EXPECT_THAT(open.facts(), Contains(Pair("synchronous_commit", "on")));
  EXPECT_THAT(open.facts(), Contains(Pair("synchronous_commit of claims", "off")));
  EXPECT_THAT(open.facts(), Contains(Pair("max_connections", "500")));
  EXPECT_THAT(open.facts(), Contains(Pair("epoch", "1")));
  OpenStore again{io, backend_postgres_batch(), database.url()};
  EXPECT_THAT(again.facts(), Contains(Pair("epoch", "2")));
}

}  // namespace
}  // namespace assay::test
