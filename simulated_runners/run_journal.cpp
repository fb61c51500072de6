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
    case Kind::received: {
      ++held_;
      auto const found = open_.find(event.run);
      if (found != open_.end() && event.attempt == 1) recorder_.saw_claim_latency(event.time - found->second.intended);
      break;
    }
    case Kind::completed:
      --held_;
      ++completed_;
      done(event.run);
      break;
    case Kind::failed:
      --held_;
      if (event.attempt >= max_attempts_) done(event.run);
      break;
    case Kind::report_refused:
    case Kind::abandoned: --held_; break;
    case Kind::report_in_doubt: break;  // the runner asks again
  }
  if (signal_ != nullptr) signal_->notify();
}

void RunJournal::done(RunId const& id) {
  auto const found = open_.find(id);
  if (found == open_.end() || found->second.done) return;
  found->second.done = true;
  if (found->second.accepted) --outstanding_;
  if (found->second.answered) open_.erase(found);
}

}  // namespace assay
