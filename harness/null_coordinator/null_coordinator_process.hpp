// A null coordinator in a process of its own: its CPU time and descriptors are not ours, and it can be stopped and
// resumed from outside. Made by fork alone, so that any program that links this can have one. Easy to get wrong: the
// kernel ends it together with the *thread* that made it.
#pragma once

#include "harness/null_coordinator/null_coordinator.hpp"

#include <sys/types.h>

namespace assay {

class NullCoordinatorProcess {
 public:
  // Returns when it listens. Throws Failure{unreachable} when it can't.
  explicit NullCoordinatorProcess(NullCoordinatorOptions const& options);
  ~NullCoordinatorProcess() { stop(); }
  NullCoordinatorProcess(NullCoordinatorProcess const&) = delete;
  NullCoordinatorProcess& operator=(NullCoordinatorProcess const&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t port() const { return port_; }

  // Between the two it does nothing, and what is sent to it waits in the kernel.
  void pause();
  void resume();

  // Lets it write its ledger and end. False: it had ended by itself, or had to be killed.
  bool stop();

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace assay
