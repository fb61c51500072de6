// The memory backend's thinking, and the definition of what the contract means: state of every run, places, tokens,
// leases, delays. A plain class: no coroutine, no clock, no thread; the same inputs give the same answers, tokens
// included, so that a simulation can use it. Easy to get wrong: nothing happens by itself when time passes, only
// sweep() ends leases.
//
// Memory: an unfinished run keeps its payload; a finished one keeps what lookups and repeated reports need (about 200
// bytes and its result), and only the last `remembered` finished runs are kept at all. An older id is unknown, and free
// again.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/backends/memory/ready_runs.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/claim_core/deadline_queue.hpp"

#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace assay {

class RunTable {
 public:
  struct Options {
    RetryPolicy retry;
    std::uint64_t epoch = 0;             // first half of all tokens; never the same for two tables
    std::size_t remembered = 1'000'000;  // finished runs
  };

  explicit RunTable(Options options) : options_{options} {}

  // The verbs of ClaimStore, one item at a time.
  Outcome submit(RunSpec spec, TimePoint now);
  void claim(Demand const& demand, std::uint32_t demand_index, Duration lease, TimePoint now,
             std::vector<Claim>& claims);
  Outcome renew(ClaimRef claim, Duration lease, TimePoint now);
  Outcome complete(Completion completion);
  Outcome fail(FailedAttempt failure, TimePoint now);
  Outcome release(ClaimRef claim, TimePoint now);

  // At most `max` leases and at most `max` delays.
  SweepResult sweep(std::size_t max, TimePoint now);

  // oldest_ready_age: since when the longest-ready of those runs has been ready that are next in their lines.
  Depth depth(TimePoint now) const;
  std::optional<RunView> find(RunId id) const;

 private:
  using RunIndex = ReadyRuns::RunIndex;
  enum class Report : std::uint8_t { none, completed, failed };  // the last one accepted, by the current `token`

  // What a claim reads and writes comes first, in one cache line: with a long backlog, cache misses are what a match
  // costs.
  struct alignas(64) Run {
    RunId id;
    TimePoint when;           // delayed: ready at; claimed: end of the lease; ready: since
    std::uint64_t place = 0;  // in the order of submission
    std::uint64_t token = 0;  // counter of the last claim; 0: never claimed
    ReadyRuns::SetId required = 0;
    int attempts = 0;
    int max_attempts = 1;
    int priority = 0;
    RunState state = RunState::ready;
    Report last_report = Report::none;
    std::string payload;  // empty when finished
    std::string runner;
    std::string report;  // the result, or the cause of a dead letter
  };

  struct Timed {  // a lease or a delay: void when the run went on, which `mark` (token or place) and the state tell
    RunIndex run;
    std::uint64_t mark;
  };

  Run* lookup(RunId id);
  bool holds(Run const& run, ClaimToken token) const;
  bool is_current(Run const& run, ClaimToken token) const;
  Outcome refusal(Run const* run, ClaimToken token, Report repeated) const;
  void make_ready(RunIndex index, TimePoint now);
  void make_delayed(RunIndex index, TimePoint until);
  void finish(RunIndex index, RunState state, std::string report);
  RunIndex new_slot();
  RunIndex index_of(RunId id) const { return by_id_.find(id)->second; }
  std::optional<TimePoint> lease_end(Timed timed) const;
  std::optional<TimePoint> delay_end(Timed timed) const;
  std::uint64_t& count(RunState state);

  Options options_;
  // Growing never moves what is there, so that no single submission pays for it.
  boost::container::deque<Run, void, boost::container::deque_options_t<boost::container::block_size<1024>>> runs_;
  std::vector<RunIndex> free_;
  boost::unordered_flat_map<RunId, RunIndex, std::hash<RunId>> by_id_;
  ReadyRuns ready_;
  DeadlineQueue<Timed> leases_;
  DeadlineQueue<Timed> delays_;
  std::deque<RunIndex> finished_;  // oldest first
  Depth depth_;                    // the counts; forgotten runs stay counted
  std::uint64_t next_place_ = 0;
  std::uint64_t last_token_ = 0;
};

}  // namespace assay
