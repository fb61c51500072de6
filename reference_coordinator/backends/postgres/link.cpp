#include "reference_coordinator/backends/postgres/link.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::postgres {

namespace {

constexpr Duration first_pause = milliseconds{20};
constexpr Duration longest_pause = seconds{2};

}  // namespace

Link::Link(Executor executor, ConnectOptions options, std::shared_ptr<Connection> connection)
    : executor_{executor}, options_{std::move(options)}, connection_{std::move(connection)}, closing_{executor} {}

Awaitable<Result<std::shared_ptr<Link>>> Link::open(Executor executor, ConnectOptions options) {
  Result<std::shared_ptr<Connection>> connection = co_await Connection::open(executor, options);
  if (!connection) co_return connection.error();
  std::shared_ptr<Link> const link{new Link{executor, std::move(options), *connection}};
  asio::co_spawn(executor, keep_alive(link), asio::detached);
  co_return link;
}

Awaitable<void> Link::keep_alive(std::shared_ptr<Link> self) {
  Random random{random_seed()};
  Duration pause{};
  while (!self->closed_) {
    co_await self->connection_->until_broken();
    if (self->closed_) break;
    self->last_error_ = self->connection_->why_broken();
    // The first try is at once: a server that only threw us out is there. Half of each pause is left to chance, so that
    // the links of all coordinators do not come back in step.
    TimePoint const when =
        std::chrono::steady_clock::now() + pause / 2 + from_seconds(to_seconds(pause / 2) * random.uniform());
    co_await self->closing_.wait_until(when);
    if (self->closed_) break;
    Result<std::shared_ptr<Connection>> next = co_await Connection::open(self->executor_, self->options_);
    if (next) {
      if (self->closed_) {
        (*next)->close();
        break;
      }
      self->connection_ = *next;
      ++self->reconnects_;
      // Not back to zero yet: a server that accepts and breaks off again would be a busy loop.
      pause = first_pause;
    } else {
      self->last_error_ = next.error().detail;
      pause = std::clamp<Duration>(pause * 2, first_pause, longest_pause);
    }
  }
}

Awaitable<Result<std::vector<Rows>>> Link::run(Batch batch) {
  std::shared_ptr<Connection> const connection = connection_;
  if (!connection->alive()) {
    Error away{ErrorKind::unavailable, fmt::format("no connection to PostgreSQL: {}",
                                                   last_error_.empty() ? connection->why_broken() : last_error_)};
    co_return away;
  }
  Result<std::vector<Rows>> rows = co_await connection->run(std::move(batch));
  co_return rows;
}

Awaitable<Result<std::vector<Rows>>> Link::run(Command command) {
  Batch batch;
  batch.push_back(std::move(command));
  return run(std::move(batch));
}

void Link::close() {
  closed_ = true;
  connection_->close();
  closing_.notify();
}

void Links::close() {
  for (std::shared_ptr<Link> const& link : links_) link->close();
}

bool Links::any_alive() const {
  return std::any_of(links_.begin(), links_.end(), [](auto const& link) { return link->alive(); });
}

std::uint64_t Links::reconnects() const {
  std::uint64_t sum = 0;
  for (std::shared_ptr<Link> const& link : links_) sum += link->reconnects();
  return sum;
}

}  // namespace assay::postgres
