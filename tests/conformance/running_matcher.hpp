// The real Matcher over a store of the suite, for clauses about polls that wait. Easy to get wrong: it runs only while
// the test lets the event loop run, in answer() and until().
#pragma once

#include "reference_coordinator/claim_core/matcher.hpp"
#include "tests/support/run_coroutine.hpp"

#include <functional>
#include <utility>

namespace assay::test {

inline constexpr Duration never = std::chrono::hours{1};

// A matcher for a test body: started on construction, stopped at its end.
class RunningMatcher {
 public:
  // on_surplus: as MatcherOptions'.
  RunningMatcher(asio::io_context& io, Clock const& clock, ClaimStore& store, Duration sweep_interval,
                 std::function<void()> on_surplus = {})
      : io_{io},
        clock_{clock},
        matcher_{io.get_executor(), clock, store, options(sweep_interval, std::move(on_surplus))} {
    matcher_.start();
  }
  RunningMatcher(RunningMatcher const&) = delete;
  RunningMatcher& operator=(RunningMatcher const&) = delete;
  ~RunningMatcher() { run_coroutine(io_, matcher_.stop()); }

  Matcher* operator->() { return &matcher_; }

  PollId park(std::string_view offered, Duration hold = seconds{30}) {
    return matcher_.park("runner", TagSet::from_key(offered), 1, clock_.now() + hold);
  }
  Assignment answer(PollId poll) { return run_coroutine(io_, matcher_.answer(poll)); }

  // Lets the event loop run until `done`; false after `patience`.
  template <class Done>
  bool until(Done const& done, Duration patience = seconds{20}) {
    TimePoint const deadline = clock_.now() + patience;
    while (!done()) {
      if (clock_.now() > deadline) return false;
      run_coroutine(io_, sleep_until(clock_.now() + milliseconds{1}));
    }
    return true;
  }

  // Until the store has said that there is nothing for anybody.
  bool quiet() {
    return until([&] { return matcher_.counters().empty_batches > 0 && matcher_.in_flight() == 0; });
  }

 private:
  static MatcherOptions options(Duration sweep_interval, std::function<void()> on_surplus) {
    MatcherOptions options;
    options.on_surplus = std::move(on_surplus);
    options.sweep_interval = sweep_interval;
    options.lease = seconds{60};
    return options;
  }

  asio::io_context& io_;
  Clock const& clock_;
  Matcher matcher_;
};

}  // namespace assay::test
