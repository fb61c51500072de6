// The limits that control groups (version 1 or 2, container or not) put on this process. A limit may sit on any level
// above it, so every level up to the mount point is asked. host_stats.hpp is the only caller.
#pragma once

#include "harness/measure/host_stats.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay {

class ControlGroups {
 public:
  // `proc` is /proc, whose self/cgroup and self/mountinfo tell where the groups are.
  explicit ControlGroups(std::string const& proc);

  std::optional<double> cpu_quota() const;           // CPUs; the tightest level
  std::optional<std::int64_t> memory_limit() const;  // bytes; the tightest level
  std::optional<HostStats::Throttling> throttling() const;

 private:
  // The folders of this process's group and of those above it. A controller is in version 1 or in version 2, not in
  // both.
  struct Levels {
    bool version_2 = false;
    std::vector<std::string> folders;
  };

  Levels cpu_, memory_;
};

}  // namespace assay
