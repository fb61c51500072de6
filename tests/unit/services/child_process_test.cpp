#include "harness/services/child_process.hpp"

#include "harness/base/error.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace assay {
namespace {

using testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-test-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TimePoint in(Duration d) { return std::chrono::steady_clock::now() + d; }

ChildProcess shell(std::string script, std::filesystem::path log = {}, std::vector<std::string> environment = {}) {
  ChildCommand command;
  command.argv = {"sh", "-c", std::move(script)};
  command.log = std::move(log);
  command.environment = std::move(environment);
  return ChildProcess{std::move(command)};
}

// Waits until the process has ended, reaped or not; true when that came about.
bool gone(pid_t pid) {
  int const pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return true;
  pollfd ended{pidfd, POLLIN, 0};
  bool const result = poll(&ended, 1, 10'000) == 1;
  close(pidfd);
  return result;
}

TEST(ChildProcess, TellsHowItEnded) {
  ChildProcess child = shell("exit 7");
  auto const exit = child.wait_until(in(seconds{10}));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 7);
  EXPECT_EQ(to_string(*exit), "ended with exit status 7");
}

TEST(ChildProcess, SaysWhyAProgramCannotBeStarted) {
  ChildCommand command;
  command.argv = {"/nowhere/at-all"};
  try {
    ChildProcess child{command};
    FAIL();
  } catch (Failure const& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::unreachable);
    EXPECT_STREQ(failure.what(), "cannot start '/nowhere/at-all': No such file or directory");
  }
}

TEST(ChildProcess, WritesItsOutputToTheLogAndSeesItsEnvironment) {
  Folder folder;
  ChildProcess child = shell("echo port $PORT; echo late >&2; sleep 60", folder.path / "log", {"PORT=4711"});
  EXPECT_EQ(child.wait_for_line("port ", in(seconds{10})), "port 4711");
  EXPECT_EQ(child.wait_for_line("late", in(seconds{10})), "late");
  EXPECT_TRUE(child.running());
}

TEST(ChildProcess, ALineThatNeverComesEndsTheWaitWhenTheChildEnds) {
  Folder folder;
  ChildProcess child = shell("echo something else", folder.path / "log");
  EXPECT_EQ(child.wait_for_line("port ", in(seconds{60})), std::nullopt);
  EXPECT_EQ(last_line(folder.path / "log"), "something else");
}

TEST(ChildProcess, StopEscalatesToKillForWhoIgnoresTheFirstSignal) {
  Folder folder;
  ChildProcess child = shell("trap '' TERM; echo ready; while :; do sleep 1; done", folder.path / "log");
  ASSERT_TRUE(child.wait_for_line("ready", in(seconds{10})));
  EXPECT_EQ(child.stop({SIGTERM}, milliseconds{50}).signal, SIGKILL);
}

TEST(ChildProcess, StopReachesTheGrandchildren) {
  Folder folder;
  ChildProcess child = shell("sleep 1000 & echo pid $!; wait", folder.path / "log");
  auto const line = child.wait_for_line("pid ", in(seconds{10}));
  ASSERT_TRUE(line);
  child.stop();
  EXPECT_TRUE(gone(std::stoi(line->substr(4))));
}

TEST(ChildProcess, IsInASessionOfItsOwnSoThatCtrlCReachesOnlyUs) {
  ChildProcess child = shell("sleep 1000");
  EXPECT_EQ(getsid(child.pid()), child.pid());
  EXPECT_NE(getsid(0), child.pid());
}

TEST(ChildProcess, TheDestructorLeavesNothingBehind) {
  pid_t pid = 0;
  {
    ChildProcess child = shell("sleep 1000");
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ChildProcess, OutlivesTheThreadThatStartedIt) {
  std::optional<ChildProcess> child;
  std::thread{[&] { child.emplace(shell("sleep 1000")); }}.join();
  // The kernel's death signal would have been sent by now, as join() returns after the thread has gone.
  EXPECT_FALSE(child->wait_until(in(milliseconds{100})));
}

// The test program starts a copy of itself as the harness that gets killed.
TEST(ChildProcess, DiesWhenWeAreKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t const harness = fork();
  if (harness == 0) {
    execl("/proc/self/exe", "unit_services", "--gtest_filter=ChildProcess.DISABLED_HarnessToBeKilled",
          "--gtest_also_run_disabled_tests", fmt::format("--report={}", ends[1]).c_str(), nullptr);
    _exit(1);
  }
  pid_t child = 0;
  ASSERT_EQ(read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_EQ(kill(harness, SIGKILL), 0);
  waitpid(harness, nullptr, 0);
  EXPECT_TRUE(gone(child));
}

TEST(ChildProcess, DISABLED_HarnessToBeKilled) {
  std::ifstream arguments{"/proc/self/cmdline"};
  std::string all{std::istreambuf_iterator<char>{arguments}, {}};
  ChildProcess child = shell("sleep 1000");
  pid_t const pid = child.pid();
  int const report = std::stoi(all.substr(all.find("--report=") + 9));
  ASSERT_EQ(write(report, &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  pause();
}

}  // namespace
}  // namespace assay
