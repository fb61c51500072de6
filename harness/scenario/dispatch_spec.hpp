// How runs get from the coordinators to the runners, and how submitters try again: coordinator.dispatch and load.retry.
#pragma once

#include "harness/base/clock.hpp"

#include <cstdint>

namespace assay {

struct DispatchSpec {
  enum class Mode : std::uint8_t { pull, push };
  enum class Picker : std::uint8_t { random, least_loaded, two_choices, capability_aware };

  Mode mode = Mode::pull;
  Picker picker = Picker::random;                   // push
  bool fenced = true;                               // false: tokens and deadlines are not looked at
  Duration claim_deadline = std::chrono::seconds{30};  // push: of a claim, until its runner's first heartbeat
  bool fair_by_source = false;                      // push

  friend bool operator==(DispatchSpec const&, DispatchSpec const&) = default;
};

struct RetrySpec {
  int tries = 1;                                       // of one submission, the first included
  Duration timeout{};                                  // of each; 0: as without retries
  Duration backoff = std::chrono::milliseconds{200};   // longest pause after the first, doubling; full jitter

  friend bool operator==(RetrySpec const&, RetrySpec const&) = default;
};

}  // namespace assay
