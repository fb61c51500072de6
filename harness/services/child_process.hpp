// A child process that can't be left behind: a session of its own (the terminal's Ctrl-C reaches us, and we decide what
// the child gets), a signal from the kernel when we die (also by kill -9), a pidfd so that no recycled pid is ever hit,
// stopped and reaped by the destructor. The servers of this folder and `assay-coordinator` are started with it. Easy to
// get wrong: the kernel's death signal fires when the *thread* that forked ends, so all forks are made by one thread
// that never does. Everything here blocks; call it from set-up and tear-down, not from an event loop (that one has
// pidfd()).
#pragma once

#include "harness/base/clock.hpp"

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct UserIds {
  uid_t user = 0;
  gid_t group = 0;
};

struct ChildCommand {
  std::vector<std::string> argv;         // argv[0] is looked up on PATH when it has no slash
  std::vector<std::string> environment;  // "NAME=value", replacing or joining ours
  std::filesystem::path log;             // standard output and error are appended here; empty: /dev/null
  std::filesystem::path folder;          // where it runs; empty: where we run
  std::optional<UserIds> run_as;         // only root can
  int death_signal = SIGKILL;            // what the kernel sends it when we die
};

struct ChildExit {
  int status = 0;  // exit status, when signal is 0
  int signal = 0;  // the signal that ended it, or 0

  bool clean() const { return status == 0 && signal == 0; }
};

std::string to_string(ChildExit exit);  // "ended with exit status 1", "was killed by signal 9 (Killed)"

class ChildProcess {
 public:
  // Throws Failure{unreachable} with one line when the program can't be started.
  explicit ChildProcess(ChildCommand command);
  ~ChildProcess();  // kills what still runs; call stop() before for a kinder end
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }  // readable once the child has ended
  bool running() { return !wait_until(TimePoint::min()); }

  // How it ended; nothing when it still runs at the deadline.
  std::optional<ChildExit> wait_until(TimePoint deadline);

  // The first line of its log (as far as this child wrote it) that starts with `prefix`. Nothing when the deadline
  // passed or the child ended without saying it.
  std::optional<std::string> wait_for_line(std::string_view prefix, TimePoint deadline);

  // To the child and everything it started that stayed in its process group. Nothing happens when it has ended.
  void signal(int number);

  // Sends one signal after the other, waiting `grace` after each; SIGKILL at last. Returns when it has ended.
  ChildExit stop(std::vector<int> const& signals = {SIGTERM}, Duration grace = seconds{10});

 private:
  std::string name_;
  std::filesystem::path log_;
  std::uintmax_t log_start_ = 0;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<ChildExit> exit_;
};

// The last line of a log that is not blank, for error messages; "" when there is none.
std::string last_line(std::filesystem::path const& log);

}  // namespace assay
