// A child process that is killed (SIGKILL, nothing softer) at a chosen one of its system calls: the n-th time that it
// is about to write, send, receive or force something to disk, counted from where it says that the operation under test
// begins. So a test can stand at every point of a crash, without a hook in what it tests. The child says raise(SIGUSR1)
// when the operation begins and raise(SIGUSR2) when it has its answer. Linux only (ptrace); one at a time.
#pragma once

#include <string>
#include <vector>

namespace assay::test {

enum class Crash {
  at_the_call,    // killed when about to make its n-th call
  at_the_answer,  // it made fewer than n calls: killed when it had the answer and before it told anybody
  not_traced      // this machine does not let us trace
};

// Starts argv and waits until it is dead. Throws std::runtime_error when the child ends by itself.
Crash crash_at_call(std::vector<std::string> const& argv, int n);

}  // namespace assay::test
