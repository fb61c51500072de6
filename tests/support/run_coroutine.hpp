// Runs a coroutine to its end from a plain test body, and whatever else lives on the same io_context meanwhile. Easy to
// get wrong: coroutines that are still suspended afterwards go on only in the next call.
#pragma once

#include "harness/base/async.hpp"

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace assay::test {

template <class T>
T run_coroutine(asio::io_context& io, Awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr thrown, T value) {
    failure = thrown;
    result.emplace(std::move(value));
  });
  io.restart();
  while (!result) {
    if (io.run_one() == 0) throw std::logic_error{"the coroutine waits for something that cannot happen"};
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline void run_coroutine(asio::io_context& io, Awaitable<void> work) {
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr thrown) {
    failure = thrown;
    done = true;
  });
  io.restart();
  while (!done) {
    if (io.run_one() == 0) throw std::logic_error{"the coroutine waits for something that cannot happen"};
  }
  if (failure) std::rethrow_exception(failure);
}

// Several coroutines at once. Not io.run(): a store with a connection has something to wait for as long as it lives.
class Contenders {
 public:
  explicit Contenders(asio::io_context& io) : io_{io} {}
  Contenders(Contenders const&) = delete;
  Contenders& operator=(Contenders const&) = delete;

  void enter(Awaitable<void> contender) {
    ++running_;
    asio::co_spawn(io_, std::move(contender), [this](std::exception_ptr thrown) {
      --running_;
      if (thrown && !failure_) failure_ = thrown;
    });
  }

  // Until all have ended, or `done` says so. Throws what the first of them threw.
  template <class Done>
  void run_until(Done const& done) {
    io_.restart();
    while (running_ > 0 && !done()) {
      if (io_.run_one() == 0) throw std::logic_error{"a coroutine waits for something that cannot happen"};
    }
    if (failure_) std::rethrow_exception(failure_);
  }

  void run() {
    run_until([] { return false; });
  }

 private:
  asio::io_context& io_;
  std::size_t running_ = 0;
  std::exception_ptr failure_;
};

}  // namespace assay::test
