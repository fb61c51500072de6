// The coroutine around Dispatcher and ClaimStore: the HTTP layer parks polls here and gets their assignments. One event
// loop, one timer for all holds. Call start() before the first poll and await stop() before the store is closed; both
// store and clock must outlive it, and `clock` must be the steady clock, because the timer is.
//
//   PollId const poll = matcher.park(runner, tags, max, deadline);      // at once; never forget to await answer()
//   … meanwhile, when the peer goes away: matcher.cancel(poll);
//   Assignment const assignment = co_await matcher.answer(poll);
//   … when the answer could not be delivered: matcher.give_back(std::move(assignment.claims));
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/claim_core/dispatcher.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace assay {

struct Assignment {
  enum class End : std::uint8_t { assigned, expired, cancelled, stopped };

  End end = End::expired;
  std::vector<Claim> claims;  // empty unless assigned
  // Of an assignment: wait in the dispatcher = demanded_at − matchable_at, claim commit = claimed_at − demanded_at.
  TimePoint matchable_at, demanded_at, claimed_at;
};

struct MatcherCounters {
  std::uint64_t batches = 0;          // claim calls that were answered
  std::uint64_t empty_batches = 0;    // … without a single run
  std::uint64_t failed_batches = 0;   // … by an error
  std::uint64_t claims = 0;           // runs that the store gave
  std::uint64_t handed = 0;           // … with their submission
  std::uint64_t given_back = 0;       // claims released because nobody waited any more or the answer got lost
  std::uint64_t failed_releases = 0;  // … that the store did not take: they come back when their lease ends
  std::uint64_t sweeps = 0, failed_sweeps = 0;
  std::uint64_t expired_leases = 0;  // found by sweeps: requeued or dead
  std::uint64_t dead_letters = 0;    // … of them dead
};

struct MatcherOptions {
  Duration lease = seconds{30};
  bool sync_match = false;  // as the backend declares it
  Dispatcher::Options dispatcher;
  Duration sweep_interval = seconds{1};  // each ± 10 %, so that coordinators do not sweep in step
  std::size_t sweep_batch = 1000;
  std::function<void(SweepResult const&)> on_sweep;          // after each sweep that found something; may be empty
  std::function<void(std::span<Claim const>)> on_give_back;  // claims that will be released; may be empty
  std::function<void(Error const&)> on_error;                // of claim, release and sweep, for the log; may be empty
  // Runs may be ready, for who hands them out besides us; true: they can take one. May be empty.
  std::function<bool()> on_work;
  std::function<void()> on_surplus;  // runs may be ready that nobody who waits here can take; may be empty
};

class Matcher {
 public:
  Matcher(Executor executor, Clock const& clock, ClaimStore& store, MatcherOptions options);
  Matcher(Matcher const&) = delete;
  Matcher& operator=(Matcher const&) = delete;

  void start();

  // Every parked poll is answered empty, claims that come in nevertheless are given back, the sweeper ends. Polls that
  // are parked afterwards are answered at once. Returns when no call of ours to the store is out any more. Await it
  // again after the last connection has ended, for what they gave back meanwhile.
  Awaitable<void> stop();

  PollId park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint deadline);
  // Once per park(). Returns when the poll got runs, at its deadline, on cancel() or stop().
  Awaitable<Assignment> answer(PollId poll);
  // The peer went away: answer() returns `cancelled`, and a claim it had been given is given back. Harmless afterwards.
  void cancel(PollId poll);

  // Passes on to the store, hands runs to parked polls in the same commit where the store can, and matches the others.
  // A committed submission resumes its caller before any poll that was given one of its runs.
  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs);

  // To be called after each submission that did not come through submit(), and each release; `required` known is
  // cheaper than unknown.
  void work_may_exist();
  void work_may_exist(TagSet const& required, std::uint64_t runs = 1);
  // The same, from what the store answered to a submission.
  void submitted(std::span<RunSpec const> runs, std::span<Outcome const> outcomes);

  // Releases in the background; stop() waits for it.
  void give_back(std::vector<Claim> claims);

  std::size_t parked() const { return dispatcher_.parked(); }
  std::size_t in_flight() const { return dispatcher_.in_flight(); }
  MatcherCounters const& counters() const { return counters_; }

 private:
  struct Held {
    explicit Held(Executor executor) : answered{executor} {}
    Signal answered;
    std::optional<Assignment> assignment;
  };

  Awaitable<void> match();
  Awaitable<void> sweep();
  Awaitable<void> ask(Batch batch);
  void settle_all(BatchAnswer answer, TimePoint now);
  Awaitable<void> release(std::vector<Claim> claims);
  void spawn(Awaitable<void> work);
  void answer_empty(std::vector<PollId> const& polls, Assignment::End end);
  void settle(PollId poll, Assignment assignment);
  void report(Error const& error) const;
  void report_surplus() const;

  Executor executor_;
  Clock const& clock_;
  ClaimStore& store_;
  MatcherOptions options_;
  Dispatcher dispatcher_;
  Random random_;
  Signal changed_;        // wakes match()
  Signal stop_sweeping_;  // wakes sweep()
  Signal drained_;        // wakes stop()
  std::unordered_map<PollId, Held> held_;
  MatcherCounters counters_;
  std::size_t running_ = 0;  // coroutines of ours
  bool stopping_ = false;
};

}  // namespace assay
