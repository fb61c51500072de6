// What the machine is, and what it does to a trial: another tenant's steal, pressure, throttling, load.
// environment.json and the report name the facts; the experiment samples the statistics around each trial, and
// METHOD.md makes a trial invalid whose host stole more than 2 %.
//
// Easy to get wrong: what this kernel, container or virtual machine does not tell is absent, never zero: "no steal" and
// "steal unknown" are different findings. Totals count since boot; only the difference of two samples says something.
#pragma once

#include "harness/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace assay {

struct HostFacts {
  std::optional<std::string> kernel;         // "6.1.0-18-amd64"
  std::optional<std::string> cpu_model;      // as /proc/cpuinfo names it
  std::optional<int> cpus;                   // that this process may run on (affinity)
  std::optional<double> cpu_quota;           // CPUs that control groups allow, 1.5 e.g.; absent: no limit
  std::optional<double> usable_cpus;         // the smaller of both: what utilisation is a share of
  std::optional<std::int64_t> memory_bytes;  // of the machine
  std::optional<std::int64_t> memory_limit;  // that control groups allow; absent: no limit
  std::optional<std::int64_t> descriptors;   // that a process may open; absent: no limit
  struct Ports {
    int first, last;  // both inclusive

    int count() const { return last - first + 1; }
  };
  std::optional<Ports>
      ephemeral_ports;  // local ports for outgoing connections: to one address and port, no more at a time
};

struct HostStats {
  struct Cpu {
    Duration busy, idle, steal;  // of all CPUs together, since boot; busy without steal, idle with waiting for disks
  };
  struct Pressure {
    Duration some;                 // how long some task stood still for want of it (Linux PSI)
    std::optional<Duration> full;  // how long all of them did; for CPU since Linux 5.13
  };
  struct Throttling {
    std::int64_t periods, throttled_periods;  // scheduling periods, and those in which the quota ran out
    Duration throttled;                       // summed over CPUs
  };

  std::optional<Cpu> cpu;
  std::optional<double> load;  // running and waiting tasks, average of a minute
  std::optional<Pressure> cpu_pressure, io_pressure, memory_pressure;
  std::optional<Throttling> throttling;          // of this process's control groups, all levels added
  std::optional<std::int64_t> memory_available;  // bytes
};

// `proc` is /proc; tests bring their own.
HostFacts read_host_facts(std::string const& proc = "/proc");
HostStats read_host_stats(std::string const& proc = "/proc");

// Share of all CPU time between two samples that the hypervisor gave to others, 0..1. Nothing if it is unknown, or if
// no time went by.
std::optional<double> steal_share(HostStats const& before, HostStats const& after);

}  // namespace assay
