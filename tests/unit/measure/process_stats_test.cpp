#include "harness/measure/process_stats.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

namespace assay {
namespace {

using namespace std::chrono_literals;

// A tick of each of user and system time, for the process itself and its children.
constexpr Duration rounding = 40ms;

Duration cpu_used(clockid_t clock = CLOCK_PROCESS_CPUTIME_ID) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

void burn(Duration cpu) {
  auto const end = cpu_used() + cpu;
  while (cpu_used() < end) {
  }
}

// A process that does `work` with a pipe to tell us things, and then stays until it is let go. Only calls that are safe
// after fork(), and only _exit.
class Child {
 public:
  explicit Child(std::function<void(int pipe)> const& work) {
    EXPECT_EQ(::pipe2(news_, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(leash_, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(leash_[1]);
      work(news_[1]);
      char released = 0;
      [[maybe_unused]] auto const got = ::read(leash_[0], &released, 1);
      ::_exit(0);
    }
    ::close(news_[1]);
    ::close(leash_[0]);
  }
  ~Child() {
    end();
    ::close(news_[0]);
  }

  pid_t pid() const { return pid_; }

  template <class Value>
  Value hear() {
    Value value{};
    EXPECT_EQ(::read(news_[0], &value, sizeof value), static_cast<ssize_t>(sizeof value));
    return value;
  }
  bool has_news() const {
    pollfd waiting{news_[0], POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  }

  // Ended, and not yet waited for.
  void become_zombie() {
    ::close(leash_[1]);
    released_ = true;
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  void end() {
    if (pid_ == 0) return;
    if (!released_) ::close(leash_[1]);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  bool released_ = false;
  int news_[2]{}, leash_[2]{};
};

template <class Value>
void tell(int pipe, Value const& value) {
  if (::write(pipe, &value, sizeof value) != static_cast<ssize_t>(sizeof value)) ::_exit(1);
}

TEST(process_stats, measures_itself) {
  ProcessMonitor monitor{::getpid(), ProcessMonitor::Scope::process};
  auto const before = monitor.sample();
  auto const clock_before = cpu_used();
  ASSERT_TRUE(before);
  burn(50ms);
  auto const clock_after = cpu_used();
  auto const after = monitor.sample();
  ASSERT_TRUE(after);
  EXPECT_GE(after->cpu - before->cpu, clock_after - clock_before);
  EXPECT_LE(after->cpu - before->cpu, clock_after - clock_before + rounding);
  EXPECT_GE(after->user + after->system - before->user - before->system, 50ms - rounding);
  EXPECT_EQ(after->processes, 1);
  EXPECT_GT(after->resident_bytes, 1 << 20);
}

TEST(process_stats, counts_threads_descriptors_and_memory) {
  ProcessMonitor monitor{::getpid(), ProcessMonitor::Scope::process};
  auto const before = monitor.sample();
  ASSERT_TRUE(before && before->descriptors);

  std::vector<char> memory(32 << 20, 'x');
  int const opened = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::atomic<bool> release = false;
  std::thread waiting{[&] { release.wait(false); }};
  auto const after = monitor.sample();
  release = true;
  release.notify_one();
  waiting.join();
  ::close(opened);

  ASSERT_TRUE(after && after->descriptors);
  EXPECT_EQ(*after->descriptors, *before->descriptors + 1);
  EXPECT_EQ(after->threads, before->threads + 1);
  EXPECT_GE(after->resident_bytes - before->resident_bytes, 31 << 20);
}

TEST(process_stats, a_tree_is_its_root_and_all_below_it) {
  Child root{[](int pipe) {
    int leash[2];
    if (::pipe(leash) != 0) ::_exit(1);
    for (int i = 0; i < 3; ++i) {
      if (::fork() == 0) {
        ::close(leash[1]);
        bool const middle = i == 0 && ::fork() != 0;  // the first has a child of its own
        char released = 0;
        [[maybe_unused]] auto const got = ::read(leash[0], &released, 1);  // until the root's end of the pipe closes
        if (middle) ::wait(nullptr);
        ::_exit(0);
      }
    }
    tell(pipe, true);
  }};
  root.hear<bool>();
  ProcessMonitor tree{root.pid(), ProcessMonitor::Scope::tree};
  ProcessMonitor alone{root.pid(), ProcessMonitor::Scope::process};
  auto stats = tree.sample();
  while (stats && stats->processes < 5) stats = tree.sample();  // the grandchild may be a moment behind
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->processes, 5);
  EXPECT_EQ(stats->threads, 5);
  auto const one = alone.sample();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->processes, 1);
  EXPECT_GT(stats->resident_bytes, one->resident_bytes / 2);
  EXPECT_LT(stats->resident_bytes, 5 * one->resident_bytes);
  EXPECT_GE(stats->descriptors.value(), 4 + one->descriptors.value());
}

// A postmaster: backends come, work for a while and go, most of them between two samples.
TEST(process_stats, cpu_of_children_that_ended_stays_and_never_runs_backwards) {
  struct Truth {
    Duration own;
    rusage children;
  };
  Child root{[](int pipe) {
    for (int round = 0; round < 12; ++round) {
      pid_t const backend = ::fork();
      if (backend == 0) {
        if (::fork() == 0) {
          burn(5ms);
          ::_exit(0);
        }
        burn(15ms);
        ::wait(nullptr);
        ::_exit(0);
      }
      ::waitpid(backend, nullptr, 0);
    }
    Truth truth{cpu_used(), {}};
    ::getrusage(RUSAGE_CHILDREN, &truth.children);
    tell(pipe, truth);
  }};
  ProcessMonitor monitor{root.pid(), ProcessMonitor::Scope::tree};
  ProcessStats last;
  int samples = 0;
  for (bool done = false; !done; ++samples) {
    done = root.has_news();
    auto const stats = monitor.sample();
    ASSERT_TRUE(stats);
    ASSERT_GE(stats->cpu, last.cpu);
    ASSERT_GE(stats->user, last.user);
    ASSERT_GE(stats->system, last.system);
    last = *stats;
  }
  auto const truth = root.hear<Truth>();
  auto const children = seconds{truth.children.ru_utime.tv_sec + truth.children.ru_stime.tv_sec} +
                        microseconds{truth.children.ru_utime.tv_usec + truth.children.ru_stime.tv_usec};
  EXPECT_GE(children, Duration{12 * 20ms});
  EXPECT_GE(last.cpu, truth.own + children - rounding);
  EXPECT_LE(last.cpu, truth.own + children + rounding);
  EXPECT_GT(samples, 2);
}

TEST(process_stats, a_root_that_is_gone_is_an_outcome) {
  Child child{[](int) {}};
  ProcessMonitor monitor{child.pid(), ProcessMonitor::Scope::tree};
  EXPECT_TRUE(monitor.sample());
  pid_t const pid = child.pid();
  child.end();
  EXPECT_FALSE(monitor.sample());
  EXPECT_FALSE(monitor.sample());
  ProcessMonitor late{pid, ProcessMonitor::Scope::process};
  EXPECT_FALSE(late.sample());
}

TEST(process_stats, a_root_that_ended_keeps_its_cpu_time_until_it_is_waited_for) {
  Child child{[](int pipe) {
    burn(30ms);
    tell(pipe, cpu_used());
  }};
  auto const used = child.hear<Duration>();
  ProcessMonitor monitor{child.pid(), ProcessMonitor::Scope::tree};
  child.become_zombie();
  auto const stats = monitor.sample();
  ASSERT_TRUE(stats);
  EXPECT_GE(stats->cpu, used);
  EXPECT_EQ(stats->resident_bytes, 0);
}

}  // namespace
}  // namespace assay
