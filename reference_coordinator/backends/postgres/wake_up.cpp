#include "reference_coordinator/backends/postgres/wake_up.hpp"

#include "reference_coordinator/backends/postgres/link.hpp"

#include <fmt/format.h>

namespace assay::postgres {

namespace {

constexpr Duration quiet_time = milliseconds{10};  // between two announcements

// Shared with the coroutine that sends and with the connection's callback: both may outlive the owner's interest.
struct State {
  explicit State(Executor executor) : changed{executor} {}
  std::shared_ptr<Link> link;
  std::function<void()> heard;
  Signal changed;
  bool wanted = false;
  bool closing = false;
  bool ended = false;
};

Awaitable<void> send_announcements(std::shared_ptr<State> state, std::string channel, Duration patience) {
  Executor const executor = co_await asio::this_coro::executor;
  Timer pause{executor};
  while (!state->closing) {
    if (!state->wanted) {
      bool const woken = co_await state->changed.wait_until(std::chrono::steady_clock::now() + patience);
      if (woken) continue;
      Command ask;
      ask.sql = "SELECT 1";
      [[maybe_unused]] auto const answer = co_await state->link->run(std::move(ask));  // the link sees to the rest
      continue;
    }
    state->wanted = false;
    Command notify;
    notify.sql = fmt::format("NOTIFY {}", channel);
    // Lost with its connection, it is made up for by the others' sweeps.
    [[maybe_unused]] auto const rows = co_await state->link->run(std::move(notify));
    pause.expires_after(quiet_time);
    [[maybe_unused]] auto const [error] = co_await pause.async_wait(as_result);
  }
  state->ended = true;
  state->changed.notify();
}

class PostgresWakeUp final : public WakeUp {
 public:
  explicit PostgresWakeUp(std::shared_ptr<State> state) : state_{std::move(state)} {}
  ~PostgresWakeUp() override { stop(); }

  void listen(std::function<void()> heard) override { state_->heard = std::move(heard); }

  void announce() override {
    if (std::exchange(state_->wanted, true)) return;
    state_->changed.notify();
  }

  Awaitable<void> close() override {
    stop();
    while (!state_->ended) co_await state_->changed.wait_until();
  }

 private:
  void stop() {
    state_->heard = nullptr;
    state_->closing = true;
    state_->link->close();
    state_->changed.notify();
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Awaitable<Result<std::unique_ptr<WakeUp>>> open_wake_up(Executor executor, std::string url, std::string channel,
                                                        Duration patience) {
  auto const state = std::make_shared<State>(executor);
  std::weak_ptr<State> const known = state;
  ConnectOptions options;
  options.url = std::move(url);
  options.answer_patience = patience;
  options.session = {fmt::format("LISTEN {}", channel),
                     "SET synchronous_commit = off"};  // a hint may get lost with the server
  options.notified = [known] {
    auto const listening = known.lock();
    if (listening && listening->heard) listening->heard();
  };
  Result<std::shared_ptr<Link>> link = co_await Link::open(executor, std::move(options));
  if (!link) co_return link.error();
  state->link = *std::move(link);
  asio::co_spawn(executor, send_announcements(state, std::move(channel), patience), asio::detached);
  std::unique_ptr<WakeUp> wake_up = std::make_unique<PostgresWakeUp>(state);
  co_return wake_up;
}

}  // namespace assay::postgres
