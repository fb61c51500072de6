// The closed loop: so many callers, each of which submits a run, waits for its result, and then submits its next one.
// Its rate is whatever the system makes of it. Easy to get wrong: a slow answer keeps its caller from asking again, so
// that a stall is seen once per caller and not once per run that should have come meanwhile (coordinated omission,
// docs/method.md). A caller's request is due when its last answer came, or when its pause after an error ends.
#pragma once

#include "simulated_runners/run_journal.hpp"
#include "simulated_runners/share.hpp"
#include "simulated_runners/submission_kinds.hpp"
#include "simulated_runners/task_group.hpp"

#include <deque>

namespace assay {

class ClosedLoop {
 public:
  struct Options {
    int callers = 0;                           // of the whole trial
    Share share;                               // of them
    Duration wait{};                           // for a result; then the caller gives up on it
    Duration answer_timeout{};                 // on top of it
    Duration backoff_base{}, backoff_limit{};  // after an error: full jitter, doubling
    std::uint64_t seed = 0;
    TimePoint start, end;                // of the first and of the last request
    std::uint64_t unix_ms_at_start = 0;  // the wall clock, for the time part of the run ids (UUID version 7)
  };

  // Everything must outlive it. Callers are spawned in `tasks`.
  ClosedLoop(Transport& transport, TaskGroup& tasks, Options const& options, SubmissionKinds kinds, RunJournal& journal,
             Recorder& recorder);

  // Before begin(): the trial begins so much later than was said.
  void shift(Duration by);
  // At options.start every caller begins.
  void begin();
  // Requests under way end as abandoned, no other begins.
  void stop();

 private:
  struct Caller {
    Caller(Transport& transport, std::size_t place, Random random_draws)
        : channel{transport.make_shared_channel(place)}, pause{transport.executor}, random{random_draws} {}

    std::unique_ptr<Channel> channel;
    Timer pause;
    Random random;
    std::string request;
    int errors = 0;  // in a row
  };

  struct Call {
    RunId id;
    std::uint32_t run_class = 0;
    TimePoint intended;
  };

  Awaitable<void> run(Caller& self);
  Call next(Caller& self, TimePoint intended);
  void settle(Caller& self, Call const& call, Exchange const& exchange);
  void tell(RunEvent::Kind kind, Call const& call, TimePoint now);
  TimePoint due_after(Caller& self, TimePoint now);

  Transport& transport_;
  TaskGroup& tasks_;
  Options options_;
  SubmissionKinds kinds_;
  RunJournal& journal_;
  Recorder& recorder_;
  std::deque<Caller> callers_;
  bool stopping_ = false;
};

}  // namespace assay
