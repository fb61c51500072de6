// Asio with the concrete io_context executor: the type-erased default costs an allocation and an indirect call on every
// operation of the hot path. Every coroutine of the project is an Awaitable<T> on one io_context, which one thread runs.
//
// Coroutines are named functions that take what they need by value. GCC 12 destroys some braced temporaries inside a
// co_await expression twice: pass named variables or std::move(named), not `co_await f({a, b})`.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "harness/base/timer_clock.hpp"

#include <boost/asio.hpp>

namespace assay {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

template <class T>
using Awaitable = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_awaitable{};

// co_await op(as_result) gives (error_code, values...) instead of throwing.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> as_result{};

using Timer = asio::basic_waitable_timer<TimerClock, TimerWait, Executor>;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

// One waiter or several sleep until notify(): the bridge between plain classes that are fed with events and the coroutine
// that acts on them. A notification while nobody waits is remembered once; several collapse into one.
class Signal {
 public:
  explicit Signal(Executor executor) : timer_{executor, TimePoint::max()} {}

  void notify() {
    raised_ = true;
    timer_.cancel();
  }

  // Returns when notified, or at `deadline`. True: notified.
  Awaitable<bool> wait_until(TimePoint deadline = TimePoint::max()) {
    if (!raised_) {
      timer_.expires_at(deadline);
      [[maybe_unused]] auto [error] = co_await timer_.async_wait(as_result);
    }
    co_return std::exchange(raised_, false);
  }

 private:
  Timer timer_;
  bool raised_ = false;
};

inline Awaitable<void> sleep_until(TimePoint when) {
  Timer timer{co_await asio::this_coro::executor, when};
  [[maybe_unused]] auto [error] = co_await timer.async_wait(as_result);
}

}  // namespace assay
