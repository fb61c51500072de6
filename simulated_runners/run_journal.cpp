#include "simulated_runners/run_journal.hpp"

namespace assay {

void RunJournal::record(RunEvent const& event) {
  using Kind = RunEvent::Kind;
  recorder_.event(event);
  switch (event.kind) {
    case Kind::submitted: open_[event.run].intended = event.since; break;
    case Kind::accepted: {
      auto const found = open_.find(event.run);
      if (found == open_.end()) break;
      found->second.accepted = found->second.answered = true;
      if (found->second.done) {
        open_.erase(found);
      } else {
        ++outstanding_;
      }
      break;
    }
    case Kind::submit_in_doubt: {
      auto const found = open_.find(event.run);
      if (found == open_.end()) break;
      found->second.answered = true;
      if (found->second.done) open_.erase(found);
      break;
    }
    case Kind::submit_failed: open_.erase(event.run); break;
    case Kind::received: ++held_; break;
    case Kind::completed:
      --held_;
      ++completed_;
      break;
    case Kind::failed:
    case Kind::report_refused:
    case Kind::abandoned:
    case Kind::died: --held_; break;
    case Kind::report_in_doubt: break;  // the runner asks again
  }
  if (!follow(event) && keeps_foreign_) foreign_.push_back(event);
  if (signal_ != nullptr) signal_->notify();
}

void RunJournal::settle(std::vector<RunEvent> const& events) {
  for (auto const& event : events) follow(event);
  if (signal_ != nullptr) signal_->notify();
}

// What a runner's event means for the run that is owed. False: that is for another journal to say.
bool RunJournal::follow(RunEvent const& event) {
  using Kind = RunEvent::Kind;
  bool const last = event.kind == Kind::completed || (event.kind == Kind::failed && event.attempt >= max_attempts_);
  if (event.kind != Kind::received && !last) return true;
  auto const found = open_.find(event.run);
  if (found == open_.end()) return false;
  if (event.kind == Kind::received) {
    if (event.attempt == 1) recorder_.saw_claim_latency(event.time - found->second.intended);
  } else if (!found->second.done) {
    found->second.done = true;
    if (found->second.accepted) --outstanding_;
    if (found->second.answered) open_.erase(found);
  }
  return true;
}

}  // namespace assay
