// What `assay-coordinator` says of a store that it can't use: one line, and the status that tells whose turn it is.
#include "tests/integration/bad_postgres.hpp"
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace assay::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class BadStore : public testing::Test {
 protected:
  Ending start(std::string const& backend, std::string const& url) const {
    return run_program(
        {"--backend", backend, "--store-url", url, "--identities", write_identities(place_.path()).string()});
  }
  static void expect_one_line(Ending const& ending, std::string const& backend, int status, std::string const& says) {
    EXPECT_EQ(ending.exit.status, status) << ending.log;
    EXPECT_THAT(ending.log, StartsWith(fmt::format("assay-coordinator: {}: ", backend)));
    EXPECT_THAT(ending.log, HasSubstr(says));
    EXPECT_EQ(std::count(ending.log.begin(), ending.log.end(), '\n'), 1) << ending.log;
  }

 private:
  PrivateFolder place_{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
};

TEST_F(BadStore, EachMistakeAboutAPostgresqlIsOneClearLineAndItsStatus) {
  TestDatabase const database;
  TooOldPostgres const too_old{database};
  for (auto const& bad : bad_postgres(database, too_old)) {
    SCOPED_TRACE(bad.mistake);
    expect_one_line(start("postgres-batch", bad.url), "postgres-batch", bad.status, bad.says);
  }
}

TEST_F(BadStore, ASchemaOfAnotherVersionIsRefusedAndLeftAlone) {
  TestDatabase const database;
  { Coordinator makes_it{{"--backend", "postgres-batch", "--store-url", database.url()}}; }
  database.ask("UPDATE assay_batch.about SET version = 999");
  expect_one_line(start("postgres-batch", database.url()), "postgres-batch", 2,
                  "the schema 'assay_batch' has version 999 and this assay needs ");
  EXPECT_EQ(database.ask("SELECT version FROM assay_batch.about"), "999");
}

// Somebody else's coordinator made it, and this role may look.
TEST_F(BadStore, ARoleThatMayOnlyReadTheSchemaIsRefused) {
  TestDatabase const database;
  { Coordinator makes_it{{"--backend", "postgres-batch", "--store-url", database.url()}}; }
  std::string const role = "looker_" + database.name();
  database.ask("CREATE ROLE " + role + " LOGIN");
  database.ask("GRANT USAGE ON SCHEMA assay_batch TO " + role);
  database.ask("GRANT SELECT ON ALL TABLES IN SCHEMA assay_batch TO " + role);
  expect_one_line(start("postgres-batch", replaced(database.url(), "assay@", role + "@")), "postgres-batch", 2,
                  "permission denied for table about");
}

TEST_F(BadStore, AFolderThatIsMissingOrInUseIsOneClearLine) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  std::string const nowhere = place.path() / "missing" / "queue";
  for (std::string const backend : {"file-index", "file-scan"})
    expect_one_line(start(backend, nowhere), backend, 2, fmt::format("'{}': No such file or directory", nowhere));
  std::string const folder = place.path() / "queue";
  Coordinator const owner{{"--backend", "file-index", "--store-url", folder}};
  expect_one_line(start("file-index", folder), "file-index", 2, "is open in another process");
  expect_one_line(start("file-scan", folder), "file-scan", 2, "is open in a process that works alone (file-index)");
}

}  // namespace
}  // namespace assay::test
