// What the file backends say of a folder that is not there, not theirs, in use or on a full disk, and what they leave
// in it. Rights and mounts are those of a thread of its own, so that other tests keep theirs.
#include "harness/base/random.hpp"
#include "harness/services/service.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/run_coroutine.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

namespace assay {

Backend backend_file_scan();
Backend backend_file_index();

namespace {

using test::run_coroutine;
using testing::AnyOf;
using testing::HasSubstr;

class BadFolder : public testing::TestWithParam<char const*> {
 protected:
  BadFolder() { std::filesystem::create_directory(place); }

  Result<OpenedStore> open(std::string folder, std::string const& name = GetParam()) {
    StoreOptions options;
    options.url = std::move(folder);
    Backend const backend = name == "scan" ? backend_file_scan() : backend_file_index();
    return run_coroutine(io, backend.open(io, clock, std::move(options)));
  }
  void expect_refused(Result<OpenedStore> const& opened, ErrorKind kind, std::string const& says) {
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, kind) << to_string(opened.error());
    EXPECT_THAT(opened.error().detail, HasSubstr(says));
    EXPECT_EQ(opened.error().detail.find('\n'), std::string::npos);
  }

  RunSpec run(std::size_t payload) {
    RunSpec spec;
    spec.id = make_run_id(1, random);
    spec.payload = std::string(payload, 'x');
    return spec;
  }

  PrivateFile file;
  std::filesystem::path const place = file.url();
  asio::io_context io;
  SystemClock clock;
  std::uint64_t const seed = random_seed();
  Random random{seed};
};

void on_its_own_thread(std::function<void()> const& work) { std::thread{work}.join(); }

TEST_P(BadFolder, AFolderWhoseParentIsMissingIsNamed) {
  expect_refused(open(place / "missing" / "queue"), ErrorKind::misconfigured,
                 "missing/queue': No such file or directory");
}

TEST_P(BadFolder, WhatIsNoFolderIsNamedAndLeftAlone) {
  std::ofstream{place / "diary"} << "dear diary";
  expect_refused(open(place / "diary"), ErrorKind::misconfigured, "diary': Not a directory");
  expect_refused(open("postgresql://somewhere"), ErrorKind::misconfigured,
                 "'postgresql://somewhere' is no folder's name");
  expect_refused(open(""), ErrorKind::misconfigured, "a folder is needed");
  EXPECT_EQ(std::filesystem::file_size(place / "diary"), 10U);
}

// Root may do everything, so this is nobody.
TEST_P(BadFolder, AFolderWithoutPermissionIsNamed) {
  std::filesystem::permissions(place.parent_path(), std::filesystem::perms{0711});
  std::filesystem::permissions(place, std::filesystem::perms{0555});
  passwd const* const nobody = ::getpwnam("nobody");
  if (::geteuid() == 0 && nobody == nullptr) GTEST_SKIP() << "there is no user 'nobody' to be";
  on_its_own_thread([&] {
    // The system call, which is for this thread alone.
    if (::geteuid() == 0) {
      ASSERT_EQ(::syscall(SYS_setresuid, nobody->pw_uid, nobody->pw_uid, 0), 0);
    }
    expect_refused(open(place / "queue"), ErrorKind::misconfigured, "queue': Permission denied");
    std::filesystem::path const theirs = "/proc/1";  // one that is there, and where nobody may make anything
    expect_refused(open(theirs), ErrorKind::misconfigured, "'/proc/1': ");
  });
  std::filesystem::permissions(place, std::filesystem::perms{0755});
}

TEST_P(BadFolder, AFolderThatGoesAwayIsAnErrorThatNamesItAndNothingIsAccepted) {
  auto opened = open(place / "queue");
  ASSERT_TRUE(opened) << to_string(opened.error());
  std::filesystem::remove_all(place / "queue");
  std::vector<RunSpec> runs{run(10)};
  auto const outcomes = run_coroutine(io, opened->store->submit(runs));
  ASSERT_FALSE(outcomes);
  EXPECT_THAT(to_string(outcomes.error()), HasSubstr("No such file or directory"));
  EXPECT_THAT(outcomes.error().detail, HasSubstr((place / "queue").string()));
  run_coroutine(io, opened->store->close());
}

// A file system of 256 KiB, seen by this thread and those it starts: the store's own.
void on_a_small_disk(std::filesystem::path const& where, std::function<void()> const& work) {
  std::string refused;
  on_its_own_thread([&] {
    int const flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    if (::unshare(flags) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", where.c_str(), "tmpfs", 0, "size=256k") != 0) {
      refused = std::strerror(errno);
      return;
    }
    work();
    ::umount2(where.c_str(), MNT_DETACH);
  });
  if (!refused.empty()) GTEST_SKIP() << "this machine lets us mount nothing: " << refused;
}

TEST_P(BadFolder, AFullDiskRefusesWithoutLosingWhatWasAcceptedAndGoesOnWhenThereIsRoom) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  on_a_small_disk(place, [&] {
    std::ofstream{place / "ballast"} << std::string(100'000, 'x');
    auto opened = open(place / "queue");
    ASSERT_TRUE(opened) << to_string(opened.error());
    ClaimStore& store = *opened->store;
    std::size_t accepted = 0;
    std::optional<Error> refused;
    while (!refused && accepted < 1000) {
      std::vector<RunSpec> runs{run(4000)};
      auto const outcomes = run_coroutine(io, store.submit(runs));
      if (outcomes) ++accepted;
      if (!outcomes) refused = outcomes.error();
    }
    ASSERT_TRUE(refused) << "the disk never was full";
    EXPECT_GT(accepted, 0U);
    EXPECT_EQ(refused->kind, ErrorKind::unavailable) << to_string(*refused);
    EXPECT_THAT(refused->detail, HasSubstr("No space left on device"));
    EXPECT_THAT(refused->detail, HasSubstr((place / "queue").string()));
    EXPECT_EQ(run_coroutine(io, store.depth())->ready, accepted);

    std::filesystem::remove(place / "ballast");
    std::vector<RunSpec> runs{run(4000)};
    EXPECT_TRUE(run_coroutine(io, store.submit(runs)));
    run_coroutine(io, store.close());
    opened = open(place / "queue");
    ASSERT_TRUE(opened) << to_string(opened.error());
    EXPECT_EQ(run_coroutine(io, opened->store->depth())->ready, accepted + 1) << "all of them are really there";
    run_coroutine(io, opened->store->close());
  });
}

TEST_P(BadFolder, ADiskThatIsFullFromTheStartIsToldWhenOpening) {
  on_a_small_disk(place, [&] {
    std::ofstream{place / "ballast"} << std::string(1'000'000, 'x');
    expect_refused(open(place / "queue"), ErrorKind::unavailable, "queue': No space left on device");
    std::filesystem::remove(place / "ballast");
    auto const opened = open(place / "queue");
    EXPECT_TRUE(opened) << "what the first attempt left there is in the way: " << to_string(opened.error());
    if (opened) run_coroutine(io, opened->store->close());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, BadFolder, testing::Values("scan", "index"),
                         [](auto const& name) { return std::string{name.param}; });

class FolderInUse : public BadFolder {
 protected:
  // Locks are between open files, so a second opening here stands for a second process.
  Result<OpenedStore> beside(std::string const& first, std::string const& second) {
    auto opened = open(place / "queue", first);
    if (!opened) throw std::runtime_error{to_string(opened.error())};
    auto other = open(place / "queue", second);
    run_coroutine(io, opened->store->close());
    return other;
  }
};

TEST_F(FolderInUse, FileIndexWorksAlone) {
  expect_refused(beside("index", "index"), ErrorKind::misconfigured,
                 "is open in another process, and file-index works in one only");
  expect_refused(beside("scan", "index"), ErrorKind::misconfigured,
                 "is open in another process, and file-index works in one only");
  expect_refused(beside("index", "scan"), ErrorKind::misconfigured,
                 "is open in a process that works alone (file-index)");
}

TEST_F(FolderInUse, FileScanSharesIt) {
  auto const second = beside("scan", "scan");
  ASSERT_TRUE(second) << to_string(second.error());
  run_coroutine(io, second->store->close());
}

}  // namespace
}  // namespace assay
