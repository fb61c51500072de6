// Coroutines that somebody has to outlive: spawned here, counted, and waited for before what they refer to is
// destroyed. An exception that leaves one is a bug: it leaves io_context::run() and ends the program with its message.
#pragma once

#include "harness/base/async.hpp"

#include <exception>

namespace assay {

class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_{executor}, ended_{executor, TimePoint::max()} {}

  void spawn(Awaitable<void> task) {
    ++running_;
    asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr error) {
      if (--running_ == 0) ended_.cancel();
      if (error) std::rethrow_exception(error);
    });
  }

  // Returns when none is running. Several may wait.
  Awaitable<void> wait() {
    while (running_ > 0) {
      [[maybe_unused]] auto [error] = co_await ended_.async_wait(as_result);
    }
  }

  std::size_t running() const { return running_; }

 private:
  Executor executor_;
  Timer ended_;  // never expires; cancelled when the last one ends
  std::size_t running_ = 0;
};

}  // namespace assay
