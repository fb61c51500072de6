// What an orchestrator does next: poll by the clock, work several runs at once, report each. A plain class fed with
// events and times, like RunnerMachine; orchestrator.hpp does what it says. It has two kinds of askers: one that polls
// (next_poll, polled) and one for each place a run can be worked in (next, reported).
//
// Easy to get wrong: capacity is looked at before a poll, never during one, as in the system that is modelled. So
// without `clamp` an orchestrator that has one free place takes a whole batch, and what has no place waits here,
// claimed, where nobody else can have it. And a poll that takes longer than the interval delays the next one, but
// polls that were missed are not made up for (a ticker drops ticks).
#pragma once

#include "simulated_runners/runner_machine.hpp"
#include "simulated_runners/warm_pool.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace assay {

// What all orchestrators of a fleet have in common. Times are compressed already.
struct OrchestratorRules {
  OrchestratorRules(OrchestratorSpec const& spec, double time_compression);

  Duration poll_interval;
  std::size_t batch, max_concurrent;
  bool clamp;
  Duration cold_start_from, cold_start_to;
  int warm_pool_size;
  Duration warm_pool_refill;
};

class OrchestratorMachine {
 public:
  struct Poll {
    bool now = false;    // false: ask again at `intended`
    TimePoint intended;  // when it is, or was, due
    int most = 0;        // runs to ask for
  };

  struct Step {
    enum class Action : std::uint8_t { idle, work, report, back_off };
    Action action = Action::idle;
    TimePoint intended;  // idle: never · work, back_off: until when · report: when it was due
    ClaimRef claim;      // report
    bool failed = false;
  };

  // `number` ≥ 1 as in RunnerMachine. Of `runner_rules` count run length, failures and back-off.
  OrchestratorMachine(OrchestratorRules const& rules, RunnerRules const& runner_rules, RunJournal& journal,
                      Recorder& recorder, std::uint32_t number, Random random);

  // The first one comes within an interval of the first call: orchestrators that were started by different people at
  // different times do not poll in step. Polls that are skipped for want of room are counted here. Idempotent.
  Poll next_poll(TimePoint now);
  // No runs and fate ok or empty: there was nothing. After an error the next poll is the next tick. Every place has to
  // ask next() again.
  void polled(Fate fate, std::vector<protocol::AssignedRun> const& runs, TimePoint now);

  std::size_t places() const { return places_.size(); }
  // Of one place; idempotent.
  Step next(std::size_t place, TimePoint now);
  void reported(std::size_t place, Fate fate, TimePoint now);

  // A heartbeat heard that the claim is not current any more. The place that has to ask next() again, if any: a claim
  // that is being reported is left to that answer, one that waits is simply gone.
  std::optional<std::size_t> lease_lost(ClaimRef const& claim, TimePoint now);

  // The trial is over: whatever is held is abandoned.
  void give_up(TimePoint now);

  // It was killed, with all it holds. The places in `reporting` have their report on its way: they are left to that
  // answer, for which nobody asks again.
  void die(TimePoint now, std::vector<std::size_t> const& reporting);
  // When it is asked to poll again, it is back: its clock begins anew, and its places are free from then on.
  void go_away() { awake_ = false; }

  std::vector<ClaimRef> claims() const;  // what a heartbeat renews: not what a dead one held
  std::size_t held() const { return busy_ + waiting_.size(); }
  std::size_t busy() const { return busy_; }

 private:
  struct Held {
    ClaimRef claim;
    std::int32_t attempt = 1;
    bool fails = false;
    bool doubted = false;  // its report was cut off once
    bool orphan = false;   // its orchestrator died while it reported
    TimePoint received;
  };
  struct Place {
    std::optional<Held> held;
    bool reporting = false;
    TimePoint due;          // of work: its end; of the report: when it was due
    TimePoint pause_until;  // back-off of the report
    int errors = 0;         // in a row
    TimePoint free_since;
  };

  void begin(std::size_t place, Held held, TimePoint now);
  void leave(std::size_t place, RunEvent::Kind why, TimePoint now);
  void ask_again(std::size_t place, TimePoint now);
  void back_off(Place& place, TimePoint now);
  void tell(RunEvent::Kind kind, Held const& held, TimePoint now, TimePoint free_since = {}, TimePoint asked = {});

  OrchestratorRules const& rules_;
  RunnerRules const& runner_rules_;
  RunJournal& journal_;
  Recorder& recorder_;
  std::uint32_t number_;
  Random random_;
  WarmPool pool_;
  bool awake_ = false;
  TimePoint tick_;  // the next poll's, or that of the one under way
  std::vector<Place> places_;
  std::size_t busy_ = 0;
  std::deque<std::size_t> free_;  // places, longest free first
  std::deque<Held> waiting_;      // claimed without a place, in the order received
};

}  // namespace assay
