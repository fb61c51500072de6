// A store as a coordinator sees it over a bad day's network: slow, now and then standing still, refusing, or cut off so
// that nobody knows what happened. One per life of a coordinator: once its coordinator was killed, nothing more of it
// takes effect.
#pragma once

#include "harness/base/random.hpp"
#include "harness/measure/recorder.hpp"
#include "tests/simulation/store_layers.hpp"

namespace assay::simulation {

struct StoreFaults {
  Duration usual_delay = microseconds{200};  // mean, before and after the effect
  double refused = 0, in_doubt = 0;          // shares of calls
  double stall = 0;                          // share of calls that take `stall_length` longer
  Duration stall_length = milliseconds{300};
  Window troubled;  // otherwise there is only the usual delay
};

class FaultyStore final : public StoreLayer {
 public:
  FaultyStore(ClaimStore& below, Clock const& clock, StoreFaults const& faults, Random random)
      : StoreLayer{below}, clock_{clock}, faults_{faults}, random_{random} {}

  void kill() { dead_ = true; }

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override {
    return through(below_.submit(std::move(runs)));
  }
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override {
    return through(below_.submit_and_claim(std::move(runs), std::move(demands), lease));
  }
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    return through(below_.claim(std::move(demands), lease));
  }
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    return through(below_.renew(std::move(claims), lease));
  }
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override {
    return through(below_.complete(std::move(completions)));
  }
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override {
    return through(below_.fail(std::move(failures)));
  }
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override {
    return through(below_.release(std::move(claims)));
  }
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override { return through(below_.sweep(max)); }
  std::size_t pending_writes() const override { return pending_; }

 private:
  // `effect` is a call that has not begun: dropped, nothing happens.
  template <class T>
  Awaitable<Result<T>> through(Awaitable<Result<T>> effect) {
    ++pending_;
    bool const calm = !faults_.troubled.contains(clock_.now());
    double const luck = calm ? 1 : random_.uniform();
    bool const refused = luck < faults_.refused;
    bool const doubtful = !refused && luck < faults_.refused + faults_.in_doubt;
    bool const without_effect = doubtful && random_.below(2) == 0;
    bool const stalls = !calm && random_.uniform() < faults_.stall;
    TimePoint const effect_at = clock_.now() + delay() + (stalls ? faults_.stall_length : Duration{0});
    Duration const way_back = delay();

    co_await sleep_until(effect_at);
    Result<T> answer = Error{ErrorKind::unavailable, "simulated: the store refused"};
    if (doubtful || dead_) answer = Error{ErrorKind::in_doubt, "simulated: the connection to the store was cut"};
    if (!refused && !without_effect && !dead_) {
      Result<T> happened = co_await std::move(effect);
      if (!doubtful) answer = std::move(happened);
    }
    co_await sleep_until(effect_at + way_back);
    --pending_;
    if (dead_) answer = Error{ErrorKind::in_doubt, "simulated: the coordinator is no more"};
    co_return answer;
  }

  Duration delay() { return from_seconds(random_.exponential(to_seconds(faults_.usual_delay))); }

  Clock const& clock_;
  StoreFaults const& faults_;
  Random random_;
  std::size_t pending_ = 0;
  bool dead_ = false;
};

}  // namespace assay::simulation
