#include "harness/null_coordinator/timed_http_server.hpp"

#include "harness/base/error.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace assay {

namespace {

constexpr int backlog = 16 * 1024;  // the kernel takes less when net.core.somaxconn says so
constexpr std::size_t most_input = max_body_bytes + max_header_bytes;
constexpr unsigned descriptor_bits = 20;
constexpr std::uint64_t descriptor_mask = (1U << descriptor_bits) - 1;

[[noreturn]] void cannot(std::string_view what) {
  throw Failure{ExitStatus::unreachable, fmt::format("null coordinator: cannot {}: {}", what, std::strerror(errno))};
}

}  // namespace

struct TimedHttpServer::Connection {
  int descriptor = -1;
  Ticket ticket = 0;  // of the request that is not answered yet; 0: none
  bool keep_alive = true;
  bool blocked = false;  // waits until the kernel takes the rest of `output`
  std::string input, output;
};

TimedHttpServer::TimedHttpServer(std::uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int const on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || ::bind(listener_, where, size) != 0 ||
      ::listen(listener_, backlog) != 0 || ::getsockname(listener_, where, &size) != 0) {
    cannot(fmt::format("listen on 127.0.0.1:{}", port));
  }
  port_ = ntohs(address.sin_port);
  poller_ = ::epoll_create1(EPOLL_CLOEXEC);
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  stopper_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (poller_ < 0 || timer_ < 0 || stopper_ < 0) cannot("make an event loop");
  for (int const descriptor : {listener_, timer_, stopper_}) watch(descriptor, EPOLLIN, EPOLL_CTL_ADD);
}

TimedHttpServer::~TimedHttpServer() {
  for (auto const& connection : connections_) {
    if (connection) ::close(connection->descriptor);
  }
  for (int const descriptor : {listener_, poller_, timer_, stopper_}) ::close(descriptor);
}

void TimedHttpServer::watch(int descriptor, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  if (::epoll_ctl(poller_, operation, descriptor, &event) != 0) cannot("watch a connection");
}

void TimedHttpServer::run() {
  std::array<epoll_event, 512> events;
  while (!stopping_) {
    run_due();
    arm();
    closed_.clear();
    int const count = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) cannot("wait for requests");
    if (auto const now = std::time(nullptr); now != date_) date_line_ = assay::date_line(date_ = now);
    for (int i = 0; i < count; ++i) {
      auto const& event = events[static_cast<std::size_t>(i)];
      int const descriptor = event.data.fd;
      if (descriptor == listener_) {
        accept_all();
      } else if (descriptor == timer_) {
        std::uint64_t fired = 0;
        [[maybe_unused]] auto const bytes = ::read(timer_, &fired, sizeof fired);
        armed_ = TimePoint::max();
      } else if (descriptor != stopper_) {
        auto* const connection = connections_[static_cast<std::size_t>(descriptor)].get();
        if (connection == nullptr) continue;  // closed within this round
        if (connection->blocked && (event.events & EPOLLOUT) != 0) write(*connection);
        if (connections_[static_cast<std::size_t>(descriptor)].get() == connection) readable(*connection);
      }
    }
  }
}

void TimedHttpServer::stop() {
  stopping_ = true;
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const bytes = ::write(stopper_, &one, sizeof one);
}

// Those accepted now get their first event in the next round, so that no event of this one is taken for theirs.
void TimedHttpServer::accept_all() {
  for (;;) {
    int const descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED) return;
      cannot("accept a connection");
    }
    auto const slot = static_cast<std::size_t>(descriptor);
    if (connections_.size() <= slot) connections_.resize(slot + 1);
    connections_[slot] = std::make_unique<Connection>();
    connections_[slot]->descriptor = descriptor;
    ++open_;
    watch(descriptor, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
  }
}

// Reads also while a request waits for its answer: only so is a peer that went away seen, and level-triggered epoll
// kept quiet.
void TimedHttpServer::readable(Connection& connection) {
  std::array<char, 16 * 1024> buffer;
  auto const count = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (count <= 0 || connection.input.size() > most_input) return close(connection);
  connection.input.append(buffer.data(), static_cast<std::size_t>(count));
  if (connection.ticket == 0 && !connection.blocked) take_request(connection);
}

void TimedHttpServer::take_request(Connection& connection) {
  if (connection.input.empty()) return;
  request_.clear();
  RequestParser parser{request_};
  boost::beast::error_code error;
  std::size_t const used = parser.put(boost::asio::buffer(connection.input), error);
  if (error && error != http::error::need_more) {
    auto const refusal = refusal_of(error);
    connection.keep_alive = false;
    connection.ticket = ++requests_ << descriptor_bits | static_cast<std::uint64_t>(connection.descriptor);
    answer(connection.ticket, error_response(refusal.status, refusal.detail));
    return;
  }
  if (!parser.is_done()) return;  // parsed again when there is more: requests are small and mostly come in one piece
  connection.input.erase(0, used);
  if (connection.input.empty() && connection.input.capacity() > 4096) connection.input.shrink_to_fit();
  connection.keep_alive = parser.keep_alive();
  connection.ticket = ++requests_ << descriptor_bits | static_cast<std::uint64_t>(connection.descriptor);
  on_request(connection.ticket, request_, std::chrono::steady_clock::now());
}

bool TimedHttpServer::answer(Ticket ticket, Response const& response) {
  auto const slot = static_cast<std::size_t>(ticket & descriptor_mask);
  auto* const connection = slot < connections_.size() ? connections_[slot].get() : nullptr;
  if (connection == nullptr || connection->ticket != ticket) return false;
  append_head(connection->output, response, date_line_, connection->keep_alive);
  connection->output += response.body;
  connection->ticket = 0;
  if (!write(*connection)) return false;
  // What was pipelined meanwhile; from the loop, so that a long pipeline does not become a deep recursion.
  if (connections_[slot].get() == connection && !connection->input.empty() && !connection->blocked) {
    at(TimePoint{}, [this, slot] {
      if (auto* const again = connections_[slot].get(); again != nullptr && again->ticket == 0) take_request(*again);
    });
  }
  return true;
}

// As much as the kernel takes now. False: the peer is gone, and the connection closed.
bool TimedHttpServer::write(Connection& connection) {
  auto const sent =
      ::send(connection.descriptor, connection.output.data(), connection.output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    close(connection);
    return false;
  }
  connection.output.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
  bool const blocked = !connection.output.empty();
  if (!blocked && !connection.keep_alive) {
    close(connection);
  } else if (blocked != std::exchange(connection.blocked, blocked)) {
    watch(connection.descriptor, EPOLLIN | EPOLLRDHUP | (blocked ? std::uint32_t{EPOLLOUT} : 0U), EPOLL_CTL_MOD);
    if (!blocked) take_request(connection);
  }
  return true;
}

void TimedHttpServer::close(Connection& connection) {
  auto const slot = static_cast<std::size_t>(connection.descriptor);
  Ticket const unanswered = std::exchange(connection.ticket, 0);
  ::close(connection.descriptor);
  --open_;
  closed_.push_back(std::move(connections_[slot]));
  if (unanswered != 0 && on_gone) on_gone(unanswered);
}

void TimedHttpServer::at(TimePoint when, std::function<void()> action) {
  due_.push_back({when, ++order_, std::move(action)});
  std::push_heap(due_.begin(), due_.end());
}

void TimedHttpServer::run_due() {
  while (!due_.empty() && !stopping_ && due_.front().when <= std::chrono::steady_clock::now()) {
    std::pop_heap(due_.begin(), due_.end());
    auto const action = std::move(due_.back().action);
    due_.pop_back();
    action();
  }
}

void TimedHttpServer::arm() {
  TimePoint const next = due_.empty() ? TimePoint::max() : due_.front().when;
  if (next >= armed_) return;  // it fires early and finds nothing to do
  armed_ = next;
  auto const since_epoch = std::max<Duration>(next.time_since_epoch(), nanoseconds{1});
  itimerspec when{};
  when.it_value.tv_sec = since_epoch / seconds{1};
  when.it_value.tv_nsec = (since_epoch % seconds{1}).count();
  if (::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr) != 0) cannot("set a timer");
}

}  // namespace assay
