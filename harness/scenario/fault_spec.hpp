// What is done to a trial while it runs: the scenario's `faults`.
#pragma once

#include "harness/base/clock.hpp"

#include <cstdint>

namespace assay {

struct FaultSpec {
  // restart: they end what they do, go, and come back. kill: they are gone at once, with what they held. stop: they
  // stand still (SIGSTOP). drop: their connections are cut, they go on. The store is the private server behind the
  // coordinators.
  enum class What : std::uint8_t { restart, stop, kill, drop };
  enum class Whom : std::uint8_t { runners, coordinators, store };

  Duration at{};  // since the start of the trial, warm-up included
  What what = What::restart;
  Whom whom = Whom::runners;
  Duration lasting{};  // until they are back
  Duration every{};    // from one to the next; 0: runners all at once, coordinators one after the other
  int number = 0;      // how many, beginning with the first; 0: all

  friend bool operator==(FaultSpec const&, FaultSpec const&) = default;
};

}  // namespace assay
