#include "harness/services/child_process.hpp"

#include "harness/base/error.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

extern char** environ;

namespace assay {

namespace {

// Runs every fork of the process on one thread that lives as long as the process (see the header).
class ForkingThread {
 public:
  static ForkingThread& instance() {
    static ForkingThread* const forever =
        new ForkingThread;  // never destroyed: its thread must outlive static destructors
    return *forever;
  }

  pid_t run(std::function<pid_t()> fork_and_exec) {
    std::packaged_task<pid_t()> task{std::move(fork_and_exec)};
    std::future<pid_t> pid = task.get_future();
    {
      std::lock_guard const lock{mutex_};
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
    return pid.get();
  }

 private:
  ForkingThread() {
    std::thread{[this] { serve(); }}.detach();
  }

  [[noreturn]] void serve() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the program's own threads
    for (;;) {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return !tasks_.empty(); });
      std::packaged_task<pid_t()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::packaged_task<pid_t()>> tasks_;
};

// What the child needs between fork and exec, prepared before: there it may neither allocate nor lock.
struct Launch {
  std::vector<char*> argv;
  std::vector<char*> environment;
  char const* folder = nullptr;
  int output = -1;
  int report = -1;
  UserIds const* run_as = nullptr;
  int death_signal = SIGKILL;
  pid_t parent = -1;
};

[[noreturn]] void give_up(Launch const& launch) {
  int const reason = errno;
  [[maybe_unused]] ssize_t const written = write(launch.report, &reason, sizeof reason);
  _exit(127);
}

[[noreturn]] void become(Launch const& launch) {
  setsid();
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD}) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(launch.output, STDOUT_FILENO) < 0 || dup2(launch.output, STDERR_FILENO) < 0) give_up(launch);
  int const null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) give_up(launch);
  if (UserIds const* const ids = launch.run_as) {
    // The system calls themselves: glibc's wrappers take locks to tell the other threads, which do not exist here.
    if (syscall(SYS_setgroups, 1, &ids->group) != 0) give_up(launch);
    if (syscall(SYS_setresgid, ids->group, ids->group, ids->group) != 0) give_up(launch);
    if (syscall(SYS_setresuid, ids->user, ids->user, ids->user) != 0) give_up(launch);
  }
  if (launch.folder != nullptr && chdir(launch.folder) != 0) give_up(launch);
  // After the change of user, which clears it; and we may have died in between.
  if (prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0) give_up(launch);
  if (getppid() != launch.parent) _exit(127);
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // Asio's sockets are not close-on-exec by themselves
  execvpe(launch.argv.front(), launch.argv.data(), launch.environment.data());
  give_up(launch);
}

std::vector<std::string> merged_environment(std::vector<std::string> const& additions) {
  std::vector<std::string> merged = additions;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view const ours{*entry};
    std::string_view const name = ours.substr(0, ours.find('=') + 1);
    bool const replaced = std::any_of(additions.begin(), additions.end(), [&](auto& a) { return a.starts_with(name); });
    if (!replaced) merged.emplace_back(ours);
  }
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void cannot_start(std::string const& name, int reason) {
  throw Failure{ExitStatus::unreachable, fmt::format("cannot start '{}': {}", name, std::strerror(reason))};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

}  // namespace

std::string to_string(ChildExit exit) {
  if (exit.signal != 0) return fmt::format("was killed by signal {} ({})", exit.signal, strsignal(exit.signal));
  return fmt::format("ended with exit status {}", exit.status);
}

ChildProcess::ChildProcess(ChildCommand command) : log_{command.log} {
  name_ = command.argv.at(0);
  std::error_code no_log;
  log_start_ = log_.empty() ? 0 : std::filesystem::file_size(log_, no_log);
  if (no_log) log_start_ = 0;
  Descriptor output{open(log_.empty() ? "/dev/null" : log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (output.get() < 0) {
    throw Failure{ExitStatus::unreachable, fmt::format("cannot write '{}': {}", log_.string(), std::strerror(errno))};
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) cannot_start(name_, errno);
  Descriptor report_read{ends[0]};
  Descriptor report_write{ends[1]};

  std::vector<std::string> environment = merged_environment(command.environment);
  Launch launch;
  launch.argv = pointers(command.argv);
  launch.environment = pointers(environment);
  launch.folder = command.folder.empty() ? nullptr : command.folder.c_str();
  launch.output = output.get();
  launch.report = report_write.get();
  launch.run_as = command.run_as ? &*command.run_as : nullptr;
  launch.death_signal = command.death_signal;
  launch.parent = getpid();
  int fork_error = 0;
  pid_ = ForkingThread::instance().run([&] {
    pid_t const pid = fork();
    if (pid == 0) become(launch);
    fork_error = errno;
    return pid;
  });
  if (pid_ < 0) cannot_start(name_, fork_error);

  report_write.close();
  int reason = 0;
  ssize_t got = 0;
  do {
    got = read(report_read.get(), &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof reason) {  // exec closed the pipe without a word when it succeeded
    waitpid(pid_, nullptr, 0);
    cannot_start(name_, reason);
  }
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) {
    reason = errno;
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    cannot_start(name_, reason);
  }
}

ChildProcess::~ChildProcess() {
  if (pidfd_ < 0) return;  // moved from
  stop({}, Duration{});
  close(pidfd_);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : name_{std::move(other.name_)},
      log_{std::move(other.log_)},
      log_start_{other.log_start_},
      pid_{std::exchange(other.pid_, -1)},
      pidfd_{std::exchange(other.pidfd_, -1)},
      exit_{other.exit_} {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(log_, other.log_);
  std::swap(log_start_, other.log_start_);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(exit_, other.exit_);
  return *this;
}

std::optional<ChildExit> ChildProcess::wait_until(TimePoint deadline) {
  while (!exit_) {
    // Rounded up, so that the last wait does not spin through its final millisecond.
    auto const left = deadline == TimePoint::min()
                          ? milliseconds{0}
                          : std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ended{pidfd_, POLLIN, 0};
    int const ready = poll(&ended, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
    if (ready == 0 && left.count() <= 60'000) return std::nullopt;
    if (ready <= 0) continue;  // a signal handler ran, or a long wait goes on
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED) != 0) continue;
    exit_ = info.si_code == CLD_EXITED ? ChildExit{info.si_status, 0} : ChildExit{0, info.si_status};
  }
  return exit_;
}

std::optional<std::string> ChildProcess::wait_for_line(std::string_view prefix, TimePoint deadline) {
  for (;;) {
    bool const ended = !running();  // looked at before the log, so that the last words of a dying child are read
    std::ifstream log{log_};
    log.seekg(static_cast<std::streamoff>(log_start_));
    std::string line;
    while (std::getline(log, line) && !log.eof()) {  // eof: the line has no end yet
      if (line.starts_with(prefix)) return line;
    }
    TimePoint const now = std::chrono::steady_clock::now();
    if (ended || now >= deadline) return std::nullopt;
    wait_until(std::min<TimePoint>(deadline, now + milliseconds{5}));
  }
}

void ChildProcess::signal(int number) {
  // The pid stays ours until wait_until has reaped it, so the group can't be somebody else's.
  if (running()) kill(-pid_, number);
}

ChildExit ChildProcess::stop(std::vector<int> const& signals, Duration grace) {
  for (int number : signals) {
    signal(number);
    if (auto const exit = wait_until(std::chrono::steady_clock::now() + grace)) return *exit;
  }
  signal(SIGKILL);
  return *wait_until(TimePoint::max());
}

std::string last_line(std::filesystem::path const& log) {
  std::ifstream file{log};
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  return last;
}

}  // namespace assay
