// What the contract suite can't see of the sqlite backend: its file.
#include "harness/base/random.hpp"
#include "harness/services/service.hpp"
#include "reference_coordinator/backends/sqlite/run_file.hpp"
#include "tests/support/run_coroutine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace assay {

Backend backend_sqlite();

namespace {

using sqlite::Database;
using sqlite::RunFile;
using test::run_coroutine;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class sqlite_file : public testing::Test {
 protected:
  Result<OpenedStore> open(StoreOptions options = {}) {
    if (options.url.empty()) options.url = file.url();
    return run_coroutine(io, backend_sqlite().open(io, clock, std::move(options)));
  }

  RunSpec run() {
    RunSpec spec;
    spec.id = make_run_id(1, random);
    return spec;
  }

  PrivateFile file;
  asio::io_context io;
  SystemClock clock;
  Random random{random_seed()};
};

TEST_F(sqlite_file, says_how_durable_it_is) {
  auto opened = open();
  ASSERT_TRUE(opened) << to_string(opened.error());
  EXPECT_THAT(opened->facts, Contains(Pair("journal_mode", "wal")));
  EXPECT_THAT(opened->facts, Contains(Pair("synchronous", "full")));
  EXPECT_THAT(opened->facts, Contains(Pair("epoch", "1")));
  run_coroutine(io, opened->store->close());
  opened = open();
  EXPECT_THAT(opened->facts, Contains(Pair("epoch", "2")));
  run_coroutine(io, opened->store->close());
}

TEST_F(sqlite_file, refuses_what_is_not_its_own_in_one_line) {
  StoreOptions nowhere;
  nowhere.url = "/nowhere/at/all";
  StoreOptions server;
  server.url = "postgresql://somewhere";
  Result<OpenedStore> none = run_coroutine(io, backend_sqlite().open(io, clock, StoreOptions{}));
  EXPECT_THAT(none.error().detail, HasSubstr("a file is needed"));
  EXPECT_THAT(open(server).error().detail, HasSubstr("is no file name"));
  EXPECT_THAT(open(nowhere).error().detail, HasSubstr("'/nowhere/at/all'"));

  std::ofstream{file.url()} << "Dear diary, today I am not a database at all.";
  auto const text = open();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::misconfigured) << to_string(text.error());

  std::filesystem::remove(file.url());
  Database{file.url()}.run("CREATE TABLE recipes (name TEXT)");
  auto const foreign = open();
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(foreign.error().detail, HasSubstr("assay did not make"));
  EXPECT_EQ(Database{file.url()}.value_of("SELECT count(*) FROM sqlite_schema"), "1") << "it was changed";
}

TEST_F(sqlite_file, refuses_another_version) {
  run_coroutine(io, open()->store->close());
  Database{file.url()}.run("UPDATE about SET version = 99");
  auto const newer = open();
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(newer.error().detail, HasSubstr("has version 99 and this assay needs 1"));
}

TEST_F(sqlite_file, a_temporary_one_must_be_new_and_goes_when_closed) {
  StoreOptions temporary;
  temporary.temporary = true;
  auto opened = open(temporary);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::filesystem::exists(file.url()));
  EXPECT_THAT(open(temporary).error().detail, HasSubstr("is there already"));
  run_coroutine(io, opened->store->close());
  for (char const* part : {"", "-wal", "-shm"}) EXPECT_FALSE(std::filesystem::exists(file.url() + part)) << part;
}

// The monotonic clock starts again at every boot of the machine.
TEST_F(sqlite_file, leases_and_delays_survive_a_reboot_by_the_wall_clock) {
  TimePoint const now = clock.now();
  RunSpec const held = run();
  RunSpec later = run();
  later.delay = std::chrono::hours{3};
  {
    RunFile before{file.url(), {}};
    before.begin();
    before.submit(held, now);
    before.submit(later, now);
    EXPECT_THAT(before.claim({{TagSet{}, "runner", 1}}, std::chrono::hours{2}, now), SizeIs(1));
    before.commit();
  }
  // As if all this had happened in a boot whose clock was 1,000 hours ahead of this one's, one hour ago.
  std::string const hour = "3600000000";
  Database{file.url()}.run("UPDATE run SET at = at + 1000 * " + hour + " - " + hour +
                           "; UPDATE about SET boot = 'another', boot_unix = boot_unix - 1000 * " + hour);
  RunFile after{file.url(), {}};
  auto const swept_at = [&](Duration from_now) {
    after.begin();
    auto swept = after.sweep(10, clock.now() + from_now);
    after.commit();
    return swept;
  };
  EXPECT_THAT(swept_at(std::chrono::minutes{59}).requeued, IsEmpty()) << "one of the two hours is left";
  EXPECT_THAT(swept_at(std::chrono::minutes{61}).requeued, testing::ElementsAre(held.id));
  EXPECT_EQ(swept_at(std::chrono::minutes{119}).released, 0U);
  EXPECT_EQ(swept_at(std::chrono::minutes{121}).released, 1U);
}

}  // namespace
}  // namespace assay
