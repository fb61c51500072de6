// Splits each run's claim latency into the coordinator's share and the fleet's:
//
//   claim latency   = received − created (intended)
//   runner shortage = max(created, first eligible runner free) − created
//   dispatch latency = the rest
//
// "First eligible runner free" can't be read off one run: of five runs created at once with one runner parked, only one
// finds it free. So the trial is replayed through a coordinator that costs nothing: the same runs arrive, the same
// runners become free, and whatever fits is matched at once, highest priority first, then first in first out. When the
// replay hands a run out, an eligible runner was there for it; what it took longer in fact is dispatch latency. With
// one class of runs and runners the replay's k-th hand-out is at max(k-th creation, k-th free runner).
//
// Easy to get wrong: a runner is free from the end of its last run, not from its last poll. Were an empty poll to reset
// it, a coordinator that sits on a run until the poll ends would be called a shortage of runners.
#pragma once

#include "harness/measure/observation.hpp"
#include "harness/scenario/scenario.hpp"

#include <span>
#include <vector>

namespace assay {

struct ClaimSplit {
  RunId run;
  std::uint32_t run_class = 0;
  TimePoint created;  // intended
  Duration claim{}, dispatch{}, shortage{};
  Duration poll_wait{};   // of dispatch: until the next poll of an orchestrator was due, time of the modelled system
  bool delivered = true;  // false: accepted and never received; claim is its age at `end`, all of it counted as
                          // dispatch unless no eligible runner ever became free for it

  // At the scale of the modelled system, whose time was compressed so many times: runner shortage, and the wait for an
  // orchestrator's next poll, scale with its time; a millisecond of the coordinator does not (docs/method.md).
  Duration modelled_shortage(double compression) const { return std::chrono::round<Duration>(shortage * compression); }
  Duration modelled_dispatch(double compression) const {
    return dispatch + std::chrono::round<Duration>(poll_wait * (compression - 1));
  }
};

// `events` of the whole trial, in any order; `kind_of_actor[n]` is the kind of runner number n
// (RunEvent::actor); runners count from 1, and entry 0, the submitters', is not looked at. Only
// first deliveries count: a later attempt was not waiting since its creation. `end`: when observation stopped.
// `runs_at_once` ≥ 1 of each runner.
std::vector<ClaimSplit> split_claims(std::span<RunEvent const> events, std::vector<RunClass> const& classes,
                                     std::vector<RunnerKind> const& kinds,
                                     std::vector<std::uint32_t> const& kind_of_actor, TimePoint end,
                                     int runs_at_once = 1);

}  // namespace assay
