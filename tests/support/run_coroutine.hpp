// Runs a coroutine to its end from a plain test body, and whatever else lives on the same io_context meanwhile. Easy to
// get wrong: coroutines that are still suspended afterwards go on only in the next call.
#pragma once

#include "harness/base/async.hpp"

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

}  // namespace assay::test
