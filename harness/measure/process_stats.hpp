// What a process, or a process and everything it started, has used so far, as the operating system counts it:
// coordinator, generator, PostgreSQL's postmaster with its backends. One sample costs some 25 µs per process,
// more with thousands of descriptors on kernels before 6.2: about once a second, and not on a loop that measures.
//
// Easy to get wrong: backends come and go between samples. The kernel adds what an ended child used to its parent once
// the parent has waited for it, so a tree's CPU is that of the living plus what their waited-for children had used.
// Lost is only a process whose parent ends first or ignores SIGCHLD.
#pragma once

#include "harness/base/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace assay {

struct ProcessStats {
  // User and system time of all threads, ended ones included. Never less than in the sample before. The living are
  // counted to the nanosecond, ended children to the tick (10 ms) and so up to two ticks too low for each process that
  // had some.
  Duration cpu{0};
  Duration user{0}, system{0};  // how it splits, in ticks

  // Memory in RAM. For a tree: what is private to each process, plus the largest shared part (PostgreSQL's shared
  // buffers are in every backend, and in memory once).
  std::int64_t resident_bytes = 0;
  std::optional<std::int64_t> descriptors;  // open ones; not available for other users' processes
  int threads = 0;
  int processes = 0;
};

class ProcessMonitor {
 public:
  enum class Scope { process, tree };

  // Watches the process that has the id `root` now: a later one with the same id is not mistaken for it. Throws Failure
  // if the kernel cannot list the children of a process (CONFIG_PROC_CHILDREN) and `scope` needs it.
  ProcessMonitor(pid_t root, Scope scope);

  // Nothing once the root is gone. An ended root that nobody has waited for still has its CPU time, and nothing else.
  std::optional<ProcessStats> sample();

 private:
  pid_t root_;
  Scope scope_;
  std::optional<std::uint64_t> start_time_;  // ticks since boot; with the id it names the process
  ProcessStats last_;
};

}  // namespace assay
