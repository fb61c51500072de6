// How runners behave that poll by the clock and work several runs at once (orchestrators), instead of holding one long
// poll. Part of FleetSpec. All durations are the modelled system's: time compression shortens them as it does run
// lengths, or the system's own limits (batch ÷ poll interval, runs at once ÷ run length) would move apart.
#pragma once

#include "harness/base/clock.hpp"

namespace assay {

// Uniform from `from` to `to`.
struct ColdStartSpec {
  Duration from = std::chrono::seconds{1};
  Duration to = std::chrono::seconds{2};

  friend bool operator==(ColdStartSpec const&, ColdStartSpec const&) = default;
};

// Containers that are kept ready. While fewer than `size` are, one is made each `refill`.
struct WarmPoolSpec {
  int size = 0;
  Duration refill = std::chrono::seconds{2};

  friend bool operator==(WarmPoolSpec const&, WarmPoolSpec const&) = default;
};

struct OrchestratorSpec {
  Duration poll_interval = std::chrono::seconds{1};
  int batch = 10;          // runs asked for in a poll
  int max_concurrent = 5;  // runs worked at once; holding as many, it skips its poll
  // true: asks for no more than it has room for. false: asks for a whole batch once it may poll, so that it can hold
  // max_concurrent − 1 + batch runs; those without a place wait in its hands, claimed.
  bool clamp = true;
  ColdStartSpec cold_start;  // before a run, unless a warm container is there
  WarmPoolSpec warm_pool;    // of each orchestrator

  friend bool operator==(OrchestratorSpec const&, OrchestratorSpec const&) = default;
};

}  // namespace assay
