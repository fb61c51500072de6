#include "harness/services/postgres_service.hpp"

#include "harness/base/error.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cstdlib>
#include <fstream>

namespace assay {
namespace {

using testing::HasSubstr;

std::string what_of(auto action) {
  try {
    action();
  } catch (Failure const& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::unreachable);
    return failure.what();
  }
  return "nothing was thrown";
}

// The answer of `psql -c query url`, or its complaint.
std::string ask(std::string const& url, std::string const& query) {
  PrivateFolder const scratch{std::filesystem::temp_directory_path(), "assay-test-"};
  ChildCommand command;
  command.argv = {"psql", "-X", "-A", "-t", "-c", query, url};
  command.log = scratch.path() / "log";
  ChildProcess psql{command};
  psql.wait_until(TimePoint::max());
  return last_line(command.log);
}

TEST(PrivateFolder, IsPrivateAndGoesWithItsOwner) {
  std::filesystem::path path;
  {
    PrivateFolder const folder{std::filesystem::temp_directory_path(), "assay-test-"};
    path = folder.path();
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    std::ofstream{path / "something"} << "left behind";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PrivateFolder, ReapsWhatAKilledOwnerLeftAndNothingElse) {
  PrivateFolder const parent{std::filesystem::temp_directory_path(), "assay-test-"};
  auto const age = [](std::filesystem::path const& folder) {
    utimbuf const long_ago{1'000'000, 1'000'000};
    ASSERT_EQ(utime(folder.c_str(), &long_ago), 0);
  };
  std::filesystem::path const abandoned = parent.path() / "mine-abandoned";
  std::filesystem::path const foreign = parent.path() / "other-abandoned";
  std::filesystem::path const young = parent.path() / "mine-young";
  for (auto const& folder : {abandoned, foreign, young}) {
    std::filesystem::create_directory(folder);
    std::ofstream{folder / "owner.lock"};
  }
  PrivateFolder const owned{parent.path(), "mine-"};
  for (auto const& folder : {abandoned, foreign, owned.path()}) age(folder);

  EXPECT_EQ(reap_private_folders(parent.path(), "mine-"), 1U);
  EXPECT_FALSE(std::filesystem::exists(abandoned));
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_TRUE(std::filesystem::exists(young));
  EXPECT_TRUE(std::filesystem::exists(owned.path()));
}

TEST(FindPostgres, NamesThePackageWhenThereIsNone) {
  EXPECT_THAT(what_of([] { find_postgres("/nowhere:/not/there", "/nowhere"); }),
              HasSubstr("install the package 'postgresql'"));
}

TEST(FindPostgres, TakesTheNewestPackagedVersion) {
  PrivateFolder const root{std::filesystem::temp_directory_path(), "assay-test-"};
  for (std::string const version : {"9.6", "14", "16"}) {
    auto const bin = root.path() / version / "bin";
    std::filesystem::create_directories(bin);
    for (char const* program : {"initdb", "postgres"}) {
      std::ofstream{bin / program} << "#!/bin/sh\necho 'postgres (PostgreSQL) " << version << ".3'\n";
      std::filesystem::permissions(bin / program, std::filesystem::perms::owner_all);
    }
  }
  EXPECT_EQ(find_postgres("", root.path()).version, "16.3");
  EXPECT_EQ(find_postgres(root.path() / "14" / "bin", root.path()).version, "14.3");
  EXPECT_EQ(what_of([&] { find_postgres(root.path() / "9.6" / "bin", root.path()); }),
            "PostgreSQL 9.6.3 in '" + (root.path() / "9.6" / "bin").string() + "' is too old: 13 or newer is needed");
}

TEST(ExternalPostgres, ShowsNoPassword) {
  ExternalPostgres const external{"postgresql://me:secret@db:5432/runs"};
  EXPECT_EQ(external.url(), "postgresql://me:secret@db:5432/runs");
  EXPECT_EQ(external.facts().back().second, "postgresql://me:***@db:5432/runs");
  EXPECT_EQ(ExternalPostgres{"postgresql://db/runs?user=me&password=secret&port=1"}.facts().back().second,
            "postgresql://db/runs?user=me&password=***&port=1");
  EXPECT_EQ(external.server_pid(), std::nullopt);
}

TEST(ExternalPostgres, RefusesWhatIsNoUrl) { EXPECT_THROW(ExternalPostgres{"db:5432"}, Failure); }

TEST(PrivatePostgres, IsDurableReachableBothWaysAndGoneAfterwards) {
  std::filesystem::path folder;
  pid_t postmaster = 0;
  {
    PrivatePostgres const server;
    EXPECT_EQ(ask(server.url(), "show fsync"), "on");
    EXPECT_EQ(ask(server.url(), "show synchronous_commit"), "on");
    EXPECT_EQ(ask(server.url(), "show full_page_writes"), "on");
    EXPECT_EQ(ask(server.tcp_url(), "select inet_server_addr()"), "127.0.0.1");
    EXPECT_THAT(ask(server.url(), "show data_directory"), HasSubstr("assay-postgres-"));
    folder = std::filesystem::path{ask(server.url(), "show data_directory")}.parent_path();
    postmaster = *server.server_pid();
    EXPECT_EQ(kill(postmaster, 0), 0);
  }
  EXPECT_EQ(kill(postmaster, 0), -1);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(PrivatePostgres, KeepsWhatWasCommittedOverACrash) {
  PrivatePostgres server;
  ask(server.url(), "create table kept as select 42 as answer");
  server.crash();
  EXPECT_THAT(ask(server.url(), "select 1"), HasSubstr("onnection"));
  server.start();
  EXPECT_EQ(ask(server.url(), "select answer from kept"), "42");
}

TEST(PrivatePostgres, UsesTheLogSegmentsThatWereMadeBeforehand) {
  PrivatePostgres::Options options;
  options.log_segments = 3;
  PrivatePostgres const server{options};
  auto const segments = [&] { return ask(server.url(), "select count(*) from pg_ls_waldir() where size = 16777216"); };
  EXPECT_EQ(segments(), "4");
  for (int i = 0; i < 2; ++i) {
    std::string const before = ask(server.url(), "select pg_walfile_name(pg_current_wal_insert_lsn())");
    ask(server.url(), "select pg_logical_emit_message(false, 'to', 'the next segment'), pg_switch_wal()");
    EXPECT_NE(ask(server.url(), "select pg_walfile_name(pg_current_wal_insert_lsn() + 1)"), before);
  }
  EXPECT_EQ(segments(), "4") << "it made new ones";
}

TEST(PrivatePostgres, RefusesStrangersOverTcp) {
  PrivatePostgres const server;
  std::string url = server.tcp_url();
  url.replace(url.find("assay:") + 6, 4, "oops");
  EXPECT_THAT(ask(url, "select 1"), HasSubstr("password authentication failed"));
}

TEST(PrivatePostgres, SaysWhatTheServerSaidWhenItDoesNotStart) {
  PrivatePostgres::Options options;
  options.settings = {{"shared_buffers", "a lot"}};
  EXPECT_THAT(what_of([&] { PrivatePostgres{options}; }), HasSubstr("shared_buffers"));
}

}  // namespace
}  // namespace assay
