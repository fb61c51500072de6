// What coordinators over one store tell each other, in simulated time: announcements close together are one, each takes
// its time to each listener, and some get lost. In the place of a backend's WakeUp (LISTEN/NOTIFY). Owned by the
// simulation; it asks each time who lives.
#pragma once

#include "harness/base/random.hpp"
#include "simulated_runners/task_group.hpp"
#include "tests/simulation/coordinator_life.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace assay::simulation {

struct WakeUpFaults {
  Duration usual_delay = microseconds{300};  // mean
  double lost = 0;                           // share of announcements, for each listener by itself
};

class SimulatedWakeUp {
 public:
  // `listener` gives who has this seat; nullptr: nobody.
  SimulatedWakeUp(Executor executor, Clock const& clock, WakeUpFaults const& faults, Random random, std::size_t seats,
                  std::function<CoordinatorLife*(std::size_t)> listener)
      : clock_{clock},
        faults_{faults},
        random_{random},
        listener_{std::move(listener)},
        seats_(seats),
        tasks_{executor} {}

  void announce(std::size_t from) {
    if (seats_.size() < 2) return;
    seats_[from].wanted = true;
    if (!std::exchange(seats_[from].sending, true)) tasks_.spawn(send(from));
  }

  // Returns when nothing is under way any more.
  Awaitable<void> wait() { return tasks_.wait(); }
  std::uint64_t heard() const { return heard_; }

 private:
  static constexpr Duration pause = milliseconds{10};  // in which announcements become one
  struct Seat {
    bool wanted = false, sending = false;
  };

  Awaitable<void> send(std::size_t from) {
    while (std::exchange(seats_[from].wanted, false)) {
      for (std::size_t to = 0; to < seats_.size(); ++to) {
        bool const lost = random_.uniform() < faults_.lost;
        if (to != from && !lost) tasks_.spawn(arrive(to));
      }
      co_await sleep_until(clock_.now() + pause);
    }
    seats_[from].sending = false;
  }

  Awaitable<void> arrive(std::size_t to) {
    co_await sleep_until(clock_.now() + from_seconds(random_.exponential(to_seconds(faults_.usual_delay))));
    CoordinatorLife* const listener = listener_(to);
    if (listener == nullptr || !listener->serves()) co_return;
    ++heard_;
    listener->matcher().work_may_exist();
  }

  Clock const& clock_;
  WakeUpFaults const& faults_;
  Random random_;
  std::function<CoordinatorLife*(std::size_t)> listener_;
  std::vector<Seat> seats_;
  std::uint64_t heard_ = 0;
  TaskGroup tasks_;
};

}  // namespace assay::simulation
