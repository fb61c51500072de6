// The runs of a null coordinator: first in, first out, no leases, no tags, no delays, no durability. It does exactly
// what is right, in next to no time, until a fault is planted. A plain class without clock or socket. Easy to get
// wrong: a planted fault is meant to be found by whoever measures, so it is told nowhere here but in planted().
#pragma once

#include "reference_coordinator/protocol/protocol.hpp"

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace assay {

struct PlantedFaults {
  std::uint64_t double_claim_every = 0;  // the k-th, 2k-th … run given out is given out twice, both completions count
  std::uint64_t lose_every = 0;          // the k-th, 2k-th … accepted run is forgotten at once
};

class NullRuns {
 public:
  struct Planted {
    std::uint64_t doubled = 0, lost = 0;
  };

  // `epoch` is the first half of all tokens; `max_attempts` counts for submissions that name no number.
  NullRuns(PlantedFaults faults, std::uint64_t epoch, int max_attempts);

  // ok: new, and ready at once. already_done: this id is known.
  Outcome submit(RunId id, protocol::Submission submission, TimePoint now);

  bool any_ready() const { return !ready_.empty(); }
  // At most `most`, oldest first.
  std::vector<protocol::AssignedRun> take(std::size_t most);
  // Never delivered: ready again, before all others, with the same attempt number.
  void give_back(protocol::AssignedRun const& run, TimePoint now);

  Outcome renew(ClaimRef const& claim) const;
  Outcome complete(ClaimRef const& claim);
  // Ready again at once, or dead after the last attempt.
  Outcome fail(ClaimRef const& claim, TimePoint now);

  Depth depth(TimePoint now) const;
  Planted const& planted() const { return planted_; }

 private:
  struct Run {
    protocol::Submission submission;
    RunState state = RunState::ready;
    int attempts = 0;                 // used so far
    std::vector<ClaimToken> holders;  // more than one only by a planted fault
    std::vector<ClaimToken> completed_by, failed_by;
  };
  struct Ready {
    RunId run;
    TimePoint since;
    bool again = false;  // planted: its holder has it still
  };

  Outcome refuse(Run const& run, ClaimRef const& claim, bool failure) const;
  std::uint64_t& count(RunState state);
  void move(Run& run, RunState to);

  PlantedFaults faults_;
  std::uint64_t epoch_;
  int max_attempts_;
  std::uint64_t tokens_ = 0, accepted_ = 0, given_out_ = 0;
  std::unordered_map<RunId, Run> runs_;
  std::deque<Ready> ready_;
  Depth depth_;
  Planted planted_;
};

}  // namespace assay
