#include "reference_coordinator/backends/redis/link.hpp"

#include "harness/base/reconnect_pause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace assay::redis {

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

Link::Link(Executor executor, Options options)
    : executor_{executor},
      options_{std::move(options)},
      socket_{executor},
      to_write_{executor},
      closing_{executor},
      deadline_{executor} {}

Awaitable<Result<std::shared_ptr<Link>>> Link::open(Executor executor, Options options) {
  std::shared_ptr<Link> const link{new Link{executor, std::move(options)}};
  auto const error = co_await link->connect();
  if (error) co_return *error;
  asio::co_spawn(executor, keep_alive(link), asio::detached);
  asio::co_spawn(executor, watch(link), asio::detached);
  co_return link;
}

Awaitable<void> Link::keep_alive(std::shared_ptr<Link> self) {
  ReconnectPause pause{random_seed()};
  pause.connected(now());
  while (!self->closed_) {
    if (self->connected_) {
      ++self->connection_;
      self->writing_ = false;
      asio::co_spawn(self->executor_, write_loop(self, self->connection_), asio::detached);
      if (self->options_.connected) self->options_.connected();
      co_await self->read_until_broken();
    }
    if (self->closed_) break;
    co_await self->closing_.wait_until(std::max(pause.next_try(now()), self->stay_away_until_));
    if (self->closed_) break;
    auto const error = co_await self->connect();
    if (error) {
      self->why_broken_ = error->detail;
    } else {
      ++self->reconnects_;
      pause.connected(now());
    }
  }
}

Awaitable<std::optional<Error>> Link::connect() {
  deadline_.expires_at(now() + options_.patience);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    boost::system::error_code ignored;
    if (!cancelled && !self->connected_) self->socket_.close(ignored);
  });
  auto const& address = options_.address;
  std::optional<Error> error;
  if (address.host.empty()) {
    asio::local::stream_protocol::endpoint const endpoint{address.socket};
    error = co_await reach(endpoint);
  } else {
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver{executor_};
    std::string const port = std::to_string(address.port);
    auto const [unknown, found] = co_await resolver.async_resolve(address.host, port, as_result);
    if (unknown) {
      bool const passing = unknown == asio::error::host_not_found_try_again;
      error = Error{passing ? ErrorKind::unavailable : ErrorKind::misconfigured,
                    fmt::format("the host of Redis, {}, can't be found: {}", address.host, unknown.message())};
    } else {
      for (auto const& entry : found) {
        asio::ip::tcp::endpoint const endpoint = entry.endpoint();
        error = co_await reach(endpoint);
        if (!error) break;
      }
    }
  }
  if (!error) error = co_await greet();
  deadline_.cancel();
  boost::system::error_code ignored;
  if (error) socket_.close(ignored);
  connected_ = !error && !closed_;
  co_return error;
}

Awaitable<std::optional<Error>> Link::reach(asio::generic::stream_protocol::endpoint endpoint) {
  boost::system::error_code failed;
  socket_.close(failed);
  auto const [error] = co_await socket_.async_connect(endpoint, as_result);
  if (error) {
    bool const late = error == asio::error::operation_aborted;
    co_return Error{late ? ErrorKind::timed_out : ErrorKind::unavailable,
                    fmt::format("Redis at {} can't be reached: {}", options_.address.text(),
                                late ? "no answer in time" : error.message())};
  }
  if (endpoint.protocol().family() != AF_UNIX) socket_.set_option(asio::ip::tcp::no_delay{true}, failed);
  if (options_.at_once) socket_.non_blocking(true, failed);
  co_return std::nullopt;
}

// Who we are, which database; then the caller's own greeting.
Awaitable<std::optional<Error>> Link::greet() {
  reader_.emplace();
  auto const& address = options_.address;
  Commands hello;
  if (!address.password.empty() && address.user.empty()) hello.add({"AUTH", address.password});
  if (!address.password.empty() && !address.user.empty()) hello.add({"AUTH", address.user, address.password});
  hello.add({"CLIENT", "ID"});
  hello.add({"SELECT", std::to_string(address.database)});
  auto const answers = co_await exchange_alone(std::move(hello));
  if (!answers) co_return answers.error();
  if (auto const error = first_error(*answers)) {
    // Whatever the server has against a login or a database number, trying again is useless.
    bool const passing = error->kind == ErrorKind::unavailable;
    co_return Error{passing ? error->kind : ErrorKind::misconfigured,
                    fmt::format("{}: {}", address.text(), error->detail)};
  }
  client_id_ = (*answers)[answers->size() - 2].integer;
  if (!options_.greeting.empty()) {
    auto const bytes = asio::buffer(options_.greeting.text());
    auto const [error, sent] = co_await asio::async_write(socket_, bytes, as_result);
    if (error) co_return Error{ErrorKind::unavailable, fmt::format("Redis closed the connection: {}", error.message())};
  }
  co_return std::nullopt;
}

// While nothing else uses the connection.
Awaitable<Link::Answers> Link::exchange_alone(Commands commands) {
  auto const bytes = asio::buffer(commands.text());
  auto const [failed, sent] = co_await asio::async_write(socket_, bytes, as_result);
  boost::system::error_code error = failed;
  std::vector<Value> values;
  std::vector<char> input(options_.read_size);
  while (!error && values.size() < commands.size()) {
    auto const space = asio::buffer(input);
    auto const [broken, count] = co_await socket_.async_read_some(space, as_result);
    error = broken;
    if (error) break;
    reader_->feed({input.data(), count});
    for (;;) {
      auto next = reader_->next();
      if (!next) co_return next.error();
      if (!*next) break;
      values.push_back(std::move(**next));
    }
  }
  if (error) {
    bool const late = error == asio::error::operation_aborted;
    co_return Error{late ? ErrorKind::timed_out : ErrorKind::unavailable,
                    fmt::format("Redis at {} {}", options_.address.text(),
                                late ? "did not greet in time" : "closed the connection: " + error.message())};
  }
  co_return values;
}

Awaitable<void> Link::read_until_broken() {
  std::vector<char> input(options_.read_size);
  while (connected_) {
    auto const space = asio::buffer(input);
    auto const [error, count] = co_await socket_.async_read_some(space, as_result);
    if (error) {
      break_off(error == asio::error::eof ? "Redis closed the connection" : error.message());
      co_return;
    }
    reader_->feed({input.data(), count});
    while (connected_) {
      auto next = reader_->next();
      if (!next) break_off(next.error().detail);
      if (!next || !*next) break;
      take(std::move(**next));
    }
  }
}

void Link::take(Value value) {
  if (options_.pushed) {
    options_.pushed(std::move(value));
    return;
  }
  if (pending_.empty() || pending_.size() == unsent_) {
    break_off("Redis answered what nobody had asked");
    return;
  }
  pending_.front().values.push_back(std::move(value));
  if (pending_.front().values.size() < pending_.front().expected) return;
  Pending done = std::move(pending_.front());
  pending_.pop_front();
  done.answered(std::move(done.values));
}

Awaitable<void> Link::write_loop(std::shared_ptr<Link> self, std::uint64_t connection) {
  std::string writing;
  while (self->connected_ && self->connection_ == connection) {
    if (self->unwritten_.empty() && !self->write_wanted_) {
      co_await self->to_write_.wait_until();
      continue;
    }
    self->add_to_write();
    if (self->unwritten_.empty()) continue;
    writing.clear();
    std::swap(writing, self->unwritten_);
    self->unsent_ = 0;
    self->writing_ = true;
    auto const bytes = asio::buffer(writing);
    auto const [error, sent] = co_await asio::async_write(self->socket_, bytes, as_result);
    if (self->connection_ == connection) self->writing_ = false;
    if (error && self->connection_ == connection && self->connected_) self->break_off(error.message());
  }
}

// A server that takes everything and answers nothing must not hold its callers for ever.
Awaitable<void> Link::watch(std::shared_ptr<Link> self) {
  while (!self->closed_) {
    co_await sleep_until(now() + seconds{1});
    bool const late = self->connected_ && !self->pending_.empty() &&
                      now() - self->pending_.front().asked > self->options_.answer_patience;
    if (late) self->break_off("Redis did not answer in time");
  }
}

Awaitable<Link::Answers> Link::run(Commands commands) {
  struct Wait {
    explicit Wait(Executor executor) : done{executor} {}
    Signal done;
    std::optional<Answers> answers;
  };
  auto const self = shared_from_this();
  auto const wait = std::make_shared<Wait>(executor_);
  ask(commands, [wait](Answers answers) {
    wait->answers.emplace(std::move(answers));
    wait->done.notify();
  });
  while (!wait->answers) co_await wait->done.wait_until();
  co_return std::move(*wait->answers);
}

void Link::ask(Commands const& commands, std::function<void(Answers)> answered) {
  if (!connected_) return answered(away());
  if (commands.empty()) return answered(std::vector<Value>{});
  auto& pending = pending_.emplace_back(Pending{std::move(answered), commands.size(), now(), {}});
  pending.values.reserve(commands.size());
  ++unsent_;
  unwritten_ += commands.text();
  if (options_.at_once && !writing_) write_now();
  if (!unwritten_.empty()) to_write_.notify();
}

// Whatever stops it, the write loop finds out.
void Link::write_now() {
  boost::system::error_code error;
  std::size_t const sent = socket_.write_some(asio::buffer(unwritten_), error);
  if (sent > 0) unsent_ = 0;
  unwritten_.erase(0, sent);
}

void Link::write_soon() {
  write_wanted_ = true;
  to_write_.notify();
}

void Link::add_to_write() {
  write_wanted_ = false;
  if (!add_on_write_) return;
  Commands more;
  add_on_write_(more);
  if (!more.empty()) ask(more, [](Answers const&) {});
}

void Link::break_off(std::string why) {
  if (!connected_) return;
  connected_ = false;
  why_broken_ = std::move(why);
  boost::system::error_code ignored;
  socket_.close(ignored);
  std::size_t const sent = pending_.size() - unsent_;
  auto const cut_off = std::exchange(pending_, {});
  unwritten_.clear();
  unsent_ = 0;
  to_write_.notify();
  Error const in_doubt{ErrorKind::in_doubt, fmt::format("cut off before Redis answered: {}", why_broken_)};
  for (std::size_t i = 0; i < cut_off.size(); ++i) cut_off[i].answered(i < sent ? in_doubt : away());
}

Error Link::away() const {
  return {ErrorKind::unavailable, fmt::format("no connection to Redis at {}: {}", options_.address.text(),
                                              why_broken_.empty() ? "closed" : why_broken_)};
}

void Link::cut(Duration away) {
  stay_away_until_ = now() + away;
  break_off("cut on purpose");
}

void Link::close() {
  closed_ = true;
  break_off("closed");
  boost::system::error_code ignored;
  socket_.close(ignored);
  deadline_.cancel();
  closing_.notify();
  to_write_.notify();
}

}  // namespace assay::redis
