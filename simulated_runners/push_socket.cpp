#include "simulated_runners/push_socket.hpp"

#include "reference_coordinator/protocol/push.hpp"

#include <fmt/format.h>
#include <boost/beast/core/buffers_to_string.hpp>

#include <algorithm>

namespace assay {

namespace {

namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr Duration handshake_time = seconds{5};
constexpr std::size_t largest_frame = 2 * 1024 * 1024;

}  // namespace

// Outlives the PushSocket as long as one of its coroutines runs.
struct PushSocket::Link {
  explicit Link(Executor executor) : socket{executor} {}

  websocket::stream<TcpSocket> socket;
  boost::beast::flat_buffer input;
  std::deque<std::string> outgoing;
  bool writing = false;
  bool closed = false;

  void close() {
    closed = true;
    error_code ignored;
    socket.next_layer().close(ignored);
  }
};

PushSocket::PushSocket(HttpClient& client, std::string token, int slots, std::size_t first_gateway)
    : client_{client}, token_{std::move(token)}, slots_{slots}, gateway_{first_gateway % client.servers.size()} {}

Awaitable<error_code> PushSocket::open(Signal& wake) {
  if (up()) co_return error_code{};
  if (!connecting_) {
    co_await connect();
    co_return open_error_;
  }
  opening_.push_back(&wake);
  while (connecting_) co_await wake.wait_until();
  co_return open_error_;
}

Awaitable<void> PushSocket::connect() {
  connecting_ = true;
  closed_ = false;
  auto const link = std::make_shared<Link>(client_.executor);
  connecting_link_ = link;
  auto const server = client_.servers[gateway_];
  std::tie(open_error_) = co_await link->socket.next_layer().async_connect(server, as_result);
  if (!open_error_) {
    error_code ignored;
    link->socket.next_layer().set_option(asio::ip::tcp::no_delay{true}, ignored);
    websocket::stream_base::timeout limits;
    limits.handshake_timeout = handshake_time;
    limits.idle_timeout = websocket::stream_base::none();
    limits.keep_alive_pings = false;
    link->socket.set_option(limits);
    link->socket.set_option(websocket::stream_base::decorator(
        [this](websocket::request_type& request) { request.set("Authorization", "Bearer " + token_); }));
    link->socket.read_message_max(largest_frame);
    link->socket.text(true);
    std::size_t const busy = held ? std::min(held(), static_cast<std::size_t>(slots_)) : 0;
    std::string const target = fmt::format("/runner/push?slots={}&busy={}", slots_, busy);
    std::string const host = "gateway";
    std::tie(open_error_) = co_await link->socket.async_handshake(host, target, as_result);
  }
  if (!open_error_ && closed_) open_error_ = asio::error::operation_aborted;
  if (open_error_) {
    link->close();
    gateway_ = (gateway_ + 1) % client_.servers.size();
  } else {
    ++client_.connections_opened;
    link_ = link;
    asio::co_spawn(client_.executor, read(*this, link), asio::detached);
  }
  connecting_link_.reset();
  connecting_ = false;
  for (Signal* const waiting : std::exchange(opening_, {})) waiting->notify();
}

// `self` is looked at only while the link is its own: afterwards it may be gone.
Awaitable<void> PushSocket::read(PushSocket& self, std::shared_ptr<Link> link) {
  for (;;) {
    auto const [error, bytes] = co_await link->socket.async_read(link->input, as_result);
    if (link->closed) co_return;
    if (error) break;
    std::string const frame = boost::beast::buffers_to_string(link->input.data());
    link->input.consume(bytes);
    self.received(*link, frame);
    if (link->closed) co_return;
  }
  self.gateway_ = (self.gateway_ + 1) % self.client_.servers.size();
  self.lose();
}

void PushSocket::received(Link& link, std::string const& frame) {
  auto const answer = protocol::decode_push_answer(frame);
  if (!answer) {
    link.close();  // what speaks so is no gateway
    return lose();
  }
  if (answer->number == 0) {
    runs_.emplace_back(answer->body);
    if (free_lanes_.empty()) return;
    Waiter& lane = *free_lanes_.front();
    free_lanes_.pop_front();
    lane.status = 200;
    lane.body = std::move(runs_.front());
    runs_.pop_front();
    return lane.finish(Waiter::End::answered);
  }
  auto const question = questions_.extract(answer->number);
  if (question.empty()) return;  // whoever asked has given up waiting
  question.mapped()->status = answer->status;
  question.mapped()->body = answer->body;
  question.mapped()->finish(Waiter::End::answered);
}

void PushSocket::wait_for_run(Waiter& waiter) {
  if (!runs_.empty()) {
    waiter.status = 200;
    waiter.body = std::move(runs_.front());
    runs_.pop_front();
    return waiter.finish(Waiter::End::answered);
  }
  free_lanes_.push_back(&waiter);
}

bool PushSocket::ask(std::string_view path, std::string_view body, Waiter& waiter) {
  if (!up()) return false;
  std::uint64_t const number = ++asked_;
  questions_.emplace(number, &waiter);
  protocol::PushQuestion const question{number, path, body};
  send(protocol::encode(question));
  return true;
}

void PushSocket::forget(Waiter& waiter) {
  std::erase(free_lanes_, &waiter);
  std::erase_if(questions_, [&](auto const& entry) { return entry.second == &waiter; });
}

void PushSocket::drain() {
  if (up()) {
    protocol::PushQuestion const question{++asked_, "/runner/drain", "{}"};
    send(protocol::encode(question));
  }
  for (Waiter* const lane : std::exchange(free_lanes_, {})) lane->finish(Waiter::End::drained);
}

void PushSocket::leave() {
  if (!held || held() == 0) cut();
}

void PushSocket::cut() {
  closed_ = true;
  if (link_) link_->close();
  if (connecting_link_) connecting_link_->close();
  lose();
}

void PushSocket::lose() {
  link_.reset();
  runs_.clear();  // the gateway counts them as failed
  for (Waiter* const lane : std::exchange(free_lanes_, {})) lane->finish(Waiter::End::lost);
  for (auto const& [number, waiter] : std::exchange(questions_, {})) waiter->finish(Waiter::End::lost);
}

void PushSocket::send(std::string frame) {
  link_->outgoing.push_back(std::move(frame));
  if (std::exchange(link_->writing, true)) return;
  asio::co_spawn(client_.executor, write(link_), asio::detached);
}

Awaitable<void> PushSocket::write(std::shared_ptr<Link> link) {
  while (!link->outgoing.empty() && !link->closed) {
    auto const text = asio::buffer(link->outgoing.front());
    auto const [error, bytes] = co_await link->socket.async_write(text, as_result);
    if (error) break;  // read() hears of it, too
    link->outgoing.pop_front();
  }
  link->writing = false;
}

}  // namespace assay
