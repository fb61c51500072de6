#include "reference_coordinator/http/server.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace assay {

namespace {

using asio::ip::tcp;

constexpr int backlog = 4096;
constexpr Duration complaint_interval = seconds{1};
constexpr Duration pause_without_descriptors = milliseconds{100};

bool out_of_descriptors(boost::system::error_code error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Server::Server(asio::io_context& context, Api& api, PushDesk* push_desk, ServerOptions options)
    : context_{context},
      api_{api},
      push_desk_{push_desk},
      options_{std::move(options)},
      acceptor_{context.get_executor()},
      ticks_{context.get_executor()},
      closed_{context.get_executor()},
      coarse_now_{api.clock().now()},
      date_line_{assay::date_line(std::time(nullptr))} {
  boost::system::error_code error;
  auto const address = asio::ip::make_address(options_.address, error);
  if (error) {
    throw Failure{ExitStatus::bad_input,
                  fmt::format("listen: a numeric address is expected, found \"{}\"", options_.address)};
  }
  tcp::endpoint const endpoint{address, options_.port};
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  // Linux hands it down to every accepted socket, which saves a system call for each.
  if (!error) acceptor_.set_option(tcp::no_delay(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(backlog, error);
  if (error) {
    throw Failure{ExitStatus::unreachable, fmt::format("cannot listen on {}:{}: {}", options_.address, options_.port,
                                                       error == boost::system::errc::address_in_use
                                                           ? "the port is in use; choose another one with --listen"
                                                           : error.message())};
  }
  reserve_ = open_reserve();
}

Server::~Server() {
  if (reserve_ >= 0) ::close(reserve_);
}

void Server::start() {
  for (auto const loop : {&Server::accept, &Server::tick}) {
    ++running_;
    asio::co_spawn(context_.get_executor(), (this->*loop)(), [this](std::exception_ptr problem) {
      --running_;
      closed_.notify();
      if (problem) std::rethrow_exception(problem);
    });
  }
}

void Server::begin_stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  auto const open = connections_;
  for (auto const& connection : open) connection->stop();
}

Awaitable<bool> Server::end_stop(TimePoint deadline) {
  while (!connections_.empty() && api_.clock().now() < deadline) co_await closed_.wait_until(deadline);
  bool const all_answered = connections_.empty();
  abort_all();
  ticks_.notify();
  while (!connections_.empty() || running_ > 0) co_await closed_.wait_until();
  co_return all_answered;
}

void Server::abort_all() {
  auto const open = connections_;
  for (auto const& connection : open) connection->abort();
}

std::string Server::listening() const {
  auto const endpoint = acceptor_.local_endpoint();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", endpoint.address().to_string(), endpoint.port())
                                    : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

Awaitable<void> Server::accept() {
  while (!stopping_) {
    auto [error, socket] = co_await acceptor_.async_accept(as_result);
    if (stopping_) break;
    if (out_of_descriptors(error)) {
      if (!shed_one()) co_await sleep_until(api_.clock().now() + pause_without_descriptors);
    } else if (error) {
      // The newcomer went away before we took it; anything else must not become a busy loop.
      spdlog::debug("accept: {}", error.message());
      if (error != asio::error::connection_aborted)
        co_await sleep_until(api_.clock().now() + pause_without_descriptors);
    } else if (connections_.size() >= options_.max_connections) {
      refuse(std::move(socket));
    } else {
      add(std::move(socket));
    }
  }
}

void Server::add(TcpSocket socket) {
  auto connection = std::make_shared<Connection>(std::move(socket), *this);
  connection->slot = connections_.size();
  connections_.push_back(connection);
  ++api_.counts().connections_accepted;
  api_.counts().connections = connections_.size();
  asio::co_spawn(context_.get_executor(), connection->run(), [this, connection](std::exception_ptr problem) {
    remove(*connection);
    if (problem) std::rethrow_exception(problem);
  });
}

void Server::remove(Connection& connection) {
  std::size_t const slot = connection.slot;
  std::swap(connections_[slot], connections_.back());
  connections_[slot]->slot = slot;
  connections_.pop_back();
  api_.counts().connections = connections_.size();
  closed_.notify();
}

void Server::refuse(TcpSocket socket) {
  Response const response = error_response(503, fmt::format("all {} connections are taken", options_.max_connections),
                                           ErrorKind::unavailable);
  std::string text;
  append_head(text, response, date_line_, false);
  text += response.body;
  static_cast<void>(::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  complain(fmt::format("all {} connections (--max-connections) are taken", options_.max_connections));
}

// Gives up the reserve for a moment, to take one newcomer off the queue and close it: otherwise it would stay readable
// for ever, and its client would wait for ever.
bool Server::shed_one() {
  complain("no file descriptors are left for another connection");
  if (reserve_ < 0) return (reserve_ = open_reserve()) >= 0;
  ::close(reserve_);
  int const newcomer = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (newcomer >= 0) ::close(newcomer);
  reserve_ = open_reserve();
  return newcomer >= 0;
}

void Server::complain(std::string_view what) {
  ++api_.counts().connections_refused;
  ++unreported_;
  if (coarse_now_ - complaint_interval < complained_at_) return;
  complained_at_ = coarse_now_;
  spdlog::warn("{}: {} turned away", what, std::exchange(unreported_, std::size_t{0}));
}

// A quarter of the shortest limit, so that none is missed by much; a second at most, for the Date line.
Duration Server::tick_interval() const {
  Duration const shortest = std::min({options_.idle_time, options_.request_time, options_.response_time});
  return std::clamp<Duration>(shortest / 4, milliseconds{5}, seconds{1});
}

Awaitable<void> Server::tick() {
  TimePoint next = api_.clock().now();
  for (;;) {  // GCC 12 miscompiles a co_await within a loop's condition
    next += tick_interval();
    bool const stopped = co_await ticks_.wait_until(next);
    if (stopped) co_return;
    coarse_now_ = api_.clock().now();
    next = std::max(next, coarse_now_);
    date_line_ = assay::date_line(std::time(nullptr));
    // Expiring only cancels; nobody is removed while we walk.
    for (auto const& connection : connections_) {
      if (connection->deadline() > coarse_now_) continue;
      ++api_.counts().connections_timed_out;
      connection->expire();
    }
  }
}

}  // namespace assay
