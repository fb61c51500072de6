#include "harness/null_coordinator/null_coordinator_process.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace assay {

namespace {

constexpr int grace_ms = 5000;

NullCoordinator* serving = nullptr;  // of the child, for its signal handler

extern "C" void stop_serving(int) {
  if (serving != nullptr) serving->stop();
}

// What the child tells the parent: its port, or in words why there is none.
struct Told {
  std::uint16_t port = 0;
  std::array<char, 200> problem{};
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

[[noreturn]] void serve(NullCoordinatorOptions const& options, int report, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // A Ctrl-C of the terminal reaches us too; our parent decides what follows from it.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, stop_serving);
  // The parent's connections must not stay open because of us.
  if (::dup2(report, 3) != 3) ::_exit(1);
  ::close_range(4, ~0U, 0);
  raise_descriptor_limit();
  Told told;
  int status = 0;
  try {
    NullCoordinator coordinator{options};
    serving = &coordinator;
    told.port = coordinator.port();
    bool const heard = ::write(3, &told, sizeof told) == static_cast<ssize_t>(sizeof told);
    ::close(3);
    if (heard) coordinator.run();
    serving = nullptr;
  } catch (std::exception const& error) {
    status = 1;
    if (told.port != 0) {
      fmt::print(stderr, "{}\n", error.what());
    } else {
      std::strncpy(told.problem.data(), error.what(), told.problem.size() - 1);
      static_cast<void>(!::write(3, &told, sizeof told));
    }
  }
  ::_exit(status);  // not exit(): the parent's buffers and its atexit handlers are the parent's
}

}  // namespace

NullCoordinatorProcess::NullCoordinatorProcess(NullCoordinatorOptions const& options) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Failure{ExitStatus::unreachable, fmt::format("null coordinator: no pipe: {}", std::strerror(errno))};
  }
  pid_t const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) serve(options, ends[1], parent);
  ::close(ends[1]);
  Told told;
  ssize_t got = -1;
  do {
    got = pid_ < 0 ? -1 : ::read(ends[0], &told, sizeof told);
  } while (got < 0 && pid_ >= 0 && errno == EINTR);
  ::close(ends[0]);
  port_ = told.port;
  if (got != static_cast<ssize_t>(sizeof told) || port_ == 0) {
    stop();
    throw Failure{ExitStatus::unreachable, told.problem.front() != '\0' ? std::string{told.problem.data()}
                                                                        : "null coordinator: it could not be started"};
  }
}

void NullCoordinatorProcess::pause() {
  if (pid_ > 0) ::kill(pid_, SIGSTOP);
}

void NullCoordinatorProcess::resume() {
  if (pid_ > 0) ::kill(pid_, SIGCONT);
}

bool NullCoordinatorProcess::stop() {
  if (pid_ <= 0) return true;
  pid_t const pid = std::exchange(pid_, -1);
  ::kill(pid, SIGCONT);
  ::kill(pid, SIGTERM);
  int const ended = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd wait{ended, POLLIN, 0};
  if (ended < 0 || ::poll(&wait, 1, grace_ms) <= 0) ::kill(pid, SIGKILL);
  if (ended >= 0) ::close(ended);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace assay
