#include "reference_coordinator/http/connection.hpp"

#include "reference_coordinator/http/push_session.hpp"
#include "reference_coordinator/http/server.hpp"

#include <spdlog/spdlog.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace assay {

namespace {

constexpr std::size_t small_read = 1024;       // holds any request of a runner without a large payload
constexpr std::size_t large_read = 16 * 1024;  // within a body, or a header that did not fit
constexpr std::size_t most_input = 32 * 1024;  // pipelined while a poll is parked
constexpr std::size_t most_drained = 4 * 1024 * 1024;

}  // namespace

Connection::Connection(TcpSocket socket, Server& server) : socket_{std::move(socket)}, server_{server} {}

Awaitable<void> Connection::run() {
  for (bool keep_alive = true; keep_alive;) {
    request_.clear();
    RequestParser parser{request_};
    Refusal refusal{};
    Input const input = co_await receive(parser, refusal);
    if (input == Input::closed) break;

    Response response;
    if (input == Input::request) {
      enter(Phase::working);
      response = co_await answer();
    } else {
      response = server_.api().refuse(refusal);
    }
    if (response.push && !stopping_ && !gone_) {
      co_await push(std::move(*response.push));
      break;
    }
    keep_alive = input == Input::request && parser.keep_alive() && !stopping_;
    if (gone_ || (!response.claims.empty() && peer_is_gone())) {
      give_up(std::move(response));
      break;
    }
    if (!co_await send(response, keep_alive)) {
      give_up(std::move(response));
      break;
    }
    server_.api().delivered(response, *this);
    // Closing over unread input makes the kernel send a reset, which can overtake the answer that says why.
    if (input != Input::request) co_await drain();
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Awaitable<Connection::Input> Connection::receive(RequestParser& parser, Refusal& refusal) {
  bool continued = false;
  if (input_.size() == 0 && input_.capacity() > 2 * small_read) input_.shrink_to_fit();
  enter(input_.size() == 0 ? Phase::idle : Phase::receiving);
  for (;;) {
    if (input_.size() > 0) {
      boost::system::error_code error;
      input_.consume(parser.put(input_.data(), error));
      if (error && error != http::error::need_more) {
        refusal = refusal_of(error);
        co_return Input::refused;
      }
      if (parser.is_done()) co_return Input::request;
      if (phase_ == Phase::idle) enter(Phase::receiving);
      if (parser.is_header_done() && request_.expects_continue && !std::exchange(continued, true)) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        if (::send(socket_.native_handle(), go_on.data(), go_on.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
          co_return Input::closed;
        }
      }
    }
    if (stopping_ && phase_ == Phase::idle) co_return Input::closed;
    bool const large = parser.is_header_done() || input_.size() >= small_read / 2;
    auto const space = input_.prepare(large ? large_read : small_read);
    auto const [error, bytes] = co_await socket_.async_read_some(space, as_result);
    if (expired_ && phase_ == Phase::receiving) {
      refusal = {408, "the request did not arrive in time"};
      co_return Input::timed_out;
    }
    if (error) co_return Input::closed;
    input_.commit(bytes);
  }
}

Awaitable<Response> Connection::answer() {
  try {
    co_return co_await server_.api().handle(request_, *this);
  } catch (std::exception const& problem) {
    spdlog::error("{}: {}", request_.target, problem.what());
  }
  co_return error_response(500, "an error inside the coordinator; its log says more");
}

// What a client sends before it has been told that it may is not a frame: input_ is dropped.
Awaitable<void> Connection::push(PushUpgrade upgrade) {
  session_ = std::make_shared<PushSession>(std::move(socket_), server_.api(), *server_.push_desk(), *known_identity,
                                           known_token, std::move(upgrade));
  co_await session_->run();
  session_.reset();
}

// The common case, an answer that fits into the socket's buffer, is one system call and no suspension.
Awaitable<bool> Connection::send(Response const& response, bool keep_alive) {
  enter(Phase::sending);
  head_.clear();
  append_head(head_, response, server_.date_line(), keep_alive);
  std::size_t sent = 0;
  for (bool blocked = false;;) {
    if (!send_some(response.body, sent, blocked)) co_return false;
    if (sent == head_.size() + response.body.size()) co_return true;
    if (!blocked) continue;
    auto const [error] = co_await socket_.async_wait(TcpSocket::wait_write, as_result);
    if (error || expired_) co_return false;
  }
}

bool Connection::send_some(std::string_view body, std::size_t& sent, bool& blocked) {
  std::array<::iovec, 2> parts;
  std::size_t count = 0;
  std::size_t skip = sent;
  for (std::string_view part : {std::string_view{head_}, body}) {
    std::size_t const gone = std::min(skip, part.size());
    skip -= gone;
    part.remove_prefix(gone);
    if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  ::msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  ssize_t const n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  blocked = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (n < 0) return blocked || errno == EINTR;
  sent += static_cast<std::size_t>(n);
  return true;
}

// Until the peer has closed, for a limited time and size.
Awaitable<void> Connection::drain() {
  boost::system::error_code ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
  expired_ = false;
  enter(Phase::sending);
  input_.clear();
  auto const space = input_.prepare(large_read);
  for (std::size_t drained = 0; drained < most_drained && !stopping_;) {
    auto const [error, bytes] = co_await socket_.async_read_some(space, as_result);
    if (error || expired_) co_return;
    drained += bytes;
  }
}

void Connection::enter(Phase phase) {
  phase_ = phase;
  auto const& options = server_.options();
  switch (phase) {
    case Phase::idle: deadline_ = server_.coarse_now() + options.idle_time; break;
    case Phase::receiving: deadline_ = server_.coarse_now() + options.request_time; break;
    case Phase::working: deadline_ = TimePoint::max(); break;
    case Phase::sending: deadline_ = server_.coarse_now() + options.response_time; break;
  }
}

void Connection::expire() {
  deadline_ = TimePoint::max();
  expired_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);  // what waits for the socket sees it
}

void Connection::stop() {
  stopping_ = true;
  if (session_) return session_->stop();
  if (phase_ == Phase::idle) abort();
}

void Connection::abort() {
  if (session_) return session_->abort();
  boost::system::error_code ignored;
  socket_.close(ignored);
  gone_ = true;
  tell_gone();
}

void Connection::watch(std::function<void()> gone) {
  gone_away_ = std::move(gone);
  if (!waits_for_input_ && input_.size() < most_input) await_readable();
}

void Connection::tell_gone() {
  if (auto const gone = std::exchange(gone_away_, nullptr)) gone();
}

// Left pending when the poll is answered: the next read queues up behind it, and it then finds nothing watched.
void Connection::await_readable() {
  waits_for_input_ = true;
  socket_.async_wait(TcpSocket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    self->waits_for_input_ = false;
    if (!error && self->gone_away_) self->on_readable();
  });
}

void Connection::on_readable() {
  auto const space = input_.prepare(small_read);
  ssize_t const n = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
  if (n > 0) input_.commit(static_cast<std::size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    gone_ = true;
    tell_gone();
  } else if (input_.size() < most_input) {
    await_readable();
  }
}

// The kernel may know already what the event loop has not told us yet.
bool Connection::peer_is_gone() {
  char byte;
  ssize_t const n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Connection::give_up(Response response) {
  if (!response.claims.empty()) server_.api().undelivered(std::move(response));
}

}  // namespace assay
