// Follows every run of a trial from its submission to its last report, as the generator sees it. Submitter and runner
// machines tell it each RunEvent; it passes them on to the Recorder, and knows which runs are still owed, so that
// drain() can wait for them, and since when, for the live display. Easy to get wrong: a runner may have a run, and even
// be done with it, before the submitter has read that the run was accepted. And with several threads, each with a
// journal, a run is owed by the journal that saw it submitted: what another one hears of it has to be handed over.
#pragma once

#include "harness/base/async.hpp"
#include "harness/measure/recorder.hpp"

#include <unordered_map>
#include <vector>

namespace assay {

class RunJournal {
 public:
  // `max_attempts`: as in FleetPlan.
  RunJournal(Recorder& recorder, int max_attempts) : recorder_{recorder}, max_attempts_{max_attempts} {}

  void record(RunEvent const& event);

  // From now on, what runners tell of runs that were not submitted here is kept, for the journal that they are owed by.
  void keep_foreign() { keeps_foreign_ = true; }
  std::vector<RunEvent> take_foreign() { return std::exchange(foreign_, {}); }
  // What another journal kept. Nothing happens when the run isn't ours.
  void settle(std::vector<RunEvent> const& events);

  // Runs that were accepted, as far as known, and neither completed nor failed for good; and runs that runners hold
  // now.
  std::size_t outstanding() const { return outstanding_; }
  std::size_t held() const { return held_; }
  std::uint64_t completed() const { return completed_; }

  // `signal` is notified of every event from now on; nullptr: of none.
  void notify(Signal* signal) { signal_ = signal; }

 private:
  struct Run {
    TimePoint intended;
    bool accepted = false;
    bool answered = false;  // the submission's fate is known
    bool done = false;
  };

  bool follow(RunEvent const& event);

  Recorder& recorder_;
  int max_attempts_;
  std::unordered_map<RunId, Run> open_;  // submitted, and not both answered and done
  std::size_t outstanding_ = 0;
  std::size_t held_ = 0;
  std::uint64_t completed_ = 0;
  bool keeps_foreign_ = false;
  std::vector<RunEvent> foreign_;
  Signal* signal_ = nullptr;
};

}  // namespace assay
