#include "reference_coordinator/backends/postgres/link.hpp"

#include "harness/base/reconnect_pause.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::postgres {

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

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
  ReconnectPause pause{random_seed()};
  pause.connected(now());
  while (!self->closed_) {
    co_await self->connection_->until_broken();
    if (self->closed_) break;
    self->last_error_ = self->connection_->why_broken();
    co_await self->closing_.wait_until(pause.next_try(now()));
    if (self->closed_) break;
    Result<std::shared_ptr<Connection>> next = co_await Connection::open(self->executor_, self->options_);
    if (next) {
      if (self->closed_) {
        (*next)->close();
        break;
      }
      self->connection_ = *next;
      ++self->reconnects_;
      pause.connected(now());
    } else {
      self->last_error_ = next.error().detail;
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
