#include "tests/support/traced_child.hpp"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace assay::test {

namespace {

// What reaches the world outside the process.
bool counts(std::uint64_t call) {
  switch (call) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_syncfs:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate: return true;
    default: return false;
  }
}

[[noreturn]] void become(std::vector<char*> const& argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  ::raise(SIGSTOP);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

void kill_and_reap(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(-child, &status, __WALL) > 0) {  // every thread of it
  }
}

bool at_entry_of_counted_call(pid_t thread) {
  __ptrace_syscall_info info{};
  if (::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), thread, sizeof info, &info) <= 0) return false;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY && counts(info.entry.nr);
}

}  // namespace

Crash crash_at_call(std::vector<std::string> const& argv, int n) {
  std::vector<char*> arguments;
  for (std::string const& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t const child = ::fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) become(arguments);
  ::setpgid(child, child);

  int status = 0;
  if (::waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status)) return Crash::not_traced;
  auto const options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SETOPTIONS, child, nullptr, options) != 0) {
    kill_and_reap(child);
    return Crash::not_traced;
  }
  ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);

  bool counting = false;
  int calls = 0;
  for (;;) {
    pid_t const thread = ::waitpid(-child, &status, __WALL);
    if (thread < 0) throw std::runtime_error{"lost the traced child"};
    if (!WIFSTOPPED(status)) {
      if (thread != child) continue;
      throw std::runtime_error{"the traced child ended by itself: " + argv[0]};
    }
    int deliver = 0;
    int const signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      if (counting && at_entry_of_counted_call(thread) && ++calls == n) {
        kill_and_reap(child);
        return Crash::at_the_call;
      }
    } else if (signal == SIGUSR1) {
      counting = true;
    } else if (signal == SIGUSR2) {
      kill_and_reap(child);
      return Crash::at_the_answer;
    } else if (signal != SIGTRAP && signal != SIGSTOP) {  // those two are the trace's own
      deliver = signal;
    }
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, deliver);
  }
}

}  // namespace assay::test
