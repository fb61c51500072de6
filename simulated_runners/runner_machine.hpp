// What a runner does next: poll, work, report, poll again; after an error, wait. A plain class that is fed with events
// and a time and knows neither sockets nor clocks, so that it runs over TCP (runner.hpp) as well as by hand in a test
// or in simulated time. The owner loops: next(), do it, tell how it went.
//
// Easy to get wrong: a runner is *free* from the end of its last run, however many empty or failed polls lie between;
// it is the start of its last poll that would hide a coordinator which lets runs lie. And lateness is told, not hidden:
// a step's `intended` is when it should have been done, which may be earlier than when next() is asked.
#pragma once

#include "harness/measure/observation.hpp"
#include "harness/scenario/scenario.hpp"
#include "reference_coordinator/protocol/protocol.hpp"
#include "simulated_runners/duration_sampler.hpp"
#include "simulated_runners/run_journal.hpp"

#include <functional>
#include <vector>

namespace assay {

// What all runners of a fleet have in common.
struct RunnerRules {
  RunnerRules(FleetSpec const& fleet, double time_compression);

  Duration hold;
  DurationSampler run_length;
  double failure_rate;
  bool confirm_start;
  Duration backoff_base, backoff_limit;
  double slowdown;
};

class RunnerMachine {
 public:
  enum class Action : std::uint8_t { poll, start, work, report, back_off };

  struct Step {
    Action action = Action::poll;
    TimePoint intended;   // poll, start, report: when it was due · work, back_off: until when
    Duration hold{};      // poll: how long the coordinator may take
    ClaimRef claim;       // start, report
    bool failed = false;  // report
  };

  // `number` ≥ 1 is the runner's RunEvent::actor. The first poll is `first_hold` long, not rules.hold: a fleet that has
  // been there for a while has its polls spread over the hold, and one that starts all at once would come back all at
  // once.
  RunnerMachine(RunnerRules const& rules, RunJournal& journal, std::uint32_t number, Random random,
                Duration first_hold);

  // Idempotent: asked again without news, it answers the same.
  Step next(TimePoint now);

  // `runs` empty and fate ok is an empty poll.
  void polled(Fate fate, std::vector<protocol::AssignedRun> const& runs, TimePoint now);
  void started(Fate fate, TimePoint now);
  void reported(Fate fate, TimePoint now);

  // A heartbeat heard that the claim is not current any more. True: the run was being worked or waited for its turn, it
  // has been dropped, and next() has to be asked again. A claim that is being started or reported is left to that
  // answer.
  bool lease_lost(ClaimRef const& claim, TimePoint now);

  // The trial is over: whatever is held is abandoned.
  void give_up(TimePoint now);
  // The runner was killed, with what it holds.
  void die(TimePoint now);

  // Other runs that the same runner works at once: each makes one that begins longer, by rules.slowdown.
  void work_beside(std::function<std::size_t()> others) { others_ = std::move(others); }

  std::vector<ClaimRef> claims() const;  // what a heartbeat renews
  bool holds_runs() const { return !held_.empty(); }

 private:
  struct Held {
    ClaimRef claim;
    std::int32_t attempt = 1;
    bool fails = false;
    bool doubted = false;  // its report was cut off once
  };
  // Of held_.front(); `none` when nothing is held; `asleep` before the first poll.
  enum class Stage : std::uint8_t { asleep, none, starting, working, reporting };

  void begin_next_run(TimePoint now);
  void begin_work(TimePoint now);
  void drop_current(RunEvent::Kind why, TimePoint now);
  void drop_all(RunEvent::Kind why, TimePoint now);
  void back_off(TimePoint now);
  void succeeded();
  void tell(RunEvent::Kind kind, Held const& held, TimePoint now) const;

  RunnerRules const& rules_;
  RunJournal& journal_;
  Random random_;
  std::uint32_t number_;
  int errors_ = 0;  // in a row
  Stage stage_ = Stage::asleep;
  bool polled_before_ = false;
  Duration first_hold_;
  std::vector<Held> held_;  // worked in this order
  TimePoint due_;           // when the step under way became due; of work: its end
  TimePoint pause_until_;   // back-off
  TimePoint free_since_;
  std::function<std::size_t()> others_;
};

}  // namespace assay
