#include "simulated_runners/gateway_client.hpp"

#include <algorithm>

namespace assay {

namespace {

using boost::system::error_code;
using Waiter = PushSocket::Waiter;

constexpr std::string_view no_runs = R"({"runs":[]})";

// The parts of a request's text, as RequestWriter makes it.
struct Parts {
  std::string_view path, token, body;
  bool is_post = false;
};

Parts parts_of(std::string_view request) {
  constexpr std::string_view bearer = "Authorization: Bearer ";
  Parts parts;
  parts.is_post = request.starts_with("POST ");
  std::size_t const path = request.find(' ') + 1;
  parts.path = request.substr(path, request.find(' ', path) - path);
  std::size_t const head_end = request.find("\r\n\r\n");
  if (std::size_t const at = request.find(bearer); at < head_end) {
    parts.token = request.substr(at + bearer.size(), request.find('\r', at) - at - bearer.size());
  }
  if (head_end != std::string_view::npos) parts.body = request.substr(head_end + 4);
  return parts;
}

bool is_submission(Parts const& parts) {
  return parts.is_post && parts.path.substr(0, parts.path.find('?')) == "/runs";
}

// Trying again can help: nothing is known to have come of it; or the run has been taken and its result is not there
// yet.
bool may_be_repeated(Exchange const& exchange) {
  constexpr int taken_only = 202;
  return exchange.fate == Fate::unavailable || exchange.fate == Fate::in_doubt || exchange.fate == Fate::timed_out ||
         exchange.status == taken_only;
}

class GatewayChannel final : public Channel {
 public:
  GatewayChannel(GatewayClient& client, std::size_t place, PushSocket* socket)
      : client_{client}, place_{place}, socket_{socket}, wake_{client.executor} {
    tries_.push_back(std::make_unique<HttpConnection>(client, place));
  }

  Awaitable<error_code> open(Duration timeout) override {
    if (socket_ != nullptr) return socket_->open(wake_);
    return tries_.front()->open(timeout);
  }

  Awaitable<Exchange> exchange(std::string_view request, Duration timeout) override {
    Parts const parts = parts_of(request);
    if (is_submission(parts)) return client_.retry().tries > 1 ? submit(request, timeout) : http(request, timeout);
    PushSocket* const socket = socket_ != nullptr ? socket_ : client_.socket_of(parts.token);
    // A heartbeat alone is no reason to connect.
    if (socket == nullptr || (socket_ == nullptr && !socket->up())) return http(request, timeout);
    return parts.is_post ? ask(*socket, parts, timeout) : next_run(*socket);
  }

  void abandon() override {
    abandoned_ = true;
    for (auto& one : tries_) one->abandon();
    if (socket_ != nullptr) socket_->cut();
    wake_.notify();
  }

  void cut() override {
    if (socket_ != nullptr) return socket_->cut();
    for (auto& one : tries_) one->cut();
  }
  void drain() override { socket_ != nullptr ? socket_->drain() : cut(); }
  void leave() override { socket_ != nullptr ? socket_->leave() : cut(); }

 private:
  Awaitable<Exchange> http(std::string_view request, Duration timeout) {
    return tries_.front()->exchange(request, timeout);
  }

  Awaitable<Exchange> submit(std::string_view request, Duration timeout) {
    RetrySpec const& retry = client_.retry();
    TimePoint const started = client_.clock.now();
    Duration const each = retry.timeout > Duration{0} ? std::min(retry.timeout, timeout) : timeout;
    Exchange result;
    for (int tried = 1;; ++tried) {
      std::size_t const which = static_cast<std::size_t>(tried - 1) % client_.servers.size();
      if (which == tries_.size()) {
        tries_.push_back(std::make_unique<HttpConnection>(client_, place_ + which));
      }
      result = co_await tries_[which]->exchange(request, each);
      bool const last = tried >= retry.tries || abandoned_ || !may_be_repeated(result);
      if (last) break;
      ++client_.submissions_repeated;
      co_await wake_.wait_until(client_.clock.now() + pause_after(tried));
      if (abandoned_) {
        result.fate = Fate::abandoned;
        result.finished = client_.clock.now();
        break;
      }
    }
    result.started = started;
    co_return result;
  }

  // Full jitter, doubling.
  Duration pause_after(int tried) {
    double const longest = to_seconds(client_.retry().backoff) * static_cast<double>(1U << std::min(tried - 1, 10));
    return from_seconds(longest * client_.random().uniform());
  }

  Awaitable<Exchange> next_run(PushSocket& socket) {
    Exchange result;
    result.started = client_.clock.now();
    result.fate = Fate::unavailable;
    error_code error;
    if (!abandoned_) error = co_await socket.open(wake_);
    if (!abandoned_ && !error) {
      Waiter waiter{wake_};
      socket.wait_for_run(waiter);
      while (waiter.end == Waiter::End::none && !abandoned_) co_await wake_.wait_until();
      socket.forget(waiter);
      if (waiter.end == Waiter::End::drained) {
        waiter.status = 200;
        waiter.body = no_runs;
      }
      if (waiter.status != 0) answered(result, waiter);
    }
    if (result.status == 0 && abandoned_) result.fate = Fate::abandoned;
    result.finished = client_.clock.now();
    co_return result;
  }

  Awaitable<Exchange> ask(PushSocket& socket, Parts parts, Duration timeout) {
    Exchange result;
    result.started = client_.clock.now();
    result.fate = Fate::unavailable;
    error_code error;
    if (!abandoned_) error = co_await socket.open(wake_);
    Waiter waiter{wake_};
    if (!abandoned_ && !error && socket.ask(parts.path, parts.body, waiter)) {
      TimePoint const deadline = result.started + timeout;
      while (waiter.end == Waiter::End::none && !abandoned_ && client_.clock.now() < deadline) {
        co_await wake_.wait_until(deadline);
      }
      socket.forget(waiter);
      result.fate = waiter.end == Waiter::End::none ? Fate::timed_out : Fate::in_doubt;
      if (waiter.status != 0) answered(result, waiter);
    }
    if (result.status == 0 && abandoned_) result.fate = Fate::abandoned;
    result.finished = client_.clock.now();
    co_return result;
  }

  void answered(Exchange& result, Waiter& waiter) {
    body_ = std::move(waiter.body);
    result.status = waiter.status;
    result.body = body_;
    result.fate = fate_of_answer(waiter.status, body_);
  }

  GatewayClient& client_;
  std::size_t place_;
  PushSocket* socket_;  // the runner's whose channel this is
  Signal wake_;
  std::vector<std::unique_ptr<HttpConnection>> tries_;  // the k-th leads to the k-th gateway from ours
  std::string body_;
  bool abandoned_ = false;
};

}  // namespace

GatewayClient::GatewayClient(asio::io_context& context, Clock const& clock_to_use,
                             std::vector<asio::ip::tcp::endpoint> gateways, int slots, RetrySpec retry,
                             std::uint64_t seed)
    : HttpClient{context, clock_to_use, std::move(gateways)},
      slots_{slots},
      retry_{retry},
      random_{Random::stream(seed, "submission retries")} {}

std::unique_ptr<Channel> GatewayClient::make_channel(std::size_t place) {
  return std::make_unique<GatewayChannel>(*this, place, nullptr);
}

std::unique_ptr<Channel> GatewayClient::make_runner_channel(std::size_t number, std::string const& token) {
  if (slots_ == 0) return make_channel(number);
  auto& socket = sockets_[token];
  if (!socket) socket = std::make_unique<PushSocket>(*this, token, slots_, number);
  return std::make_unique<GatewayChannel>(*this, number, socket.get());
}

PushSocket* GatewayClient::socket_of(std::string_view token) {
  auto const found = sockets_.find(token);
  return found == sockets_.end() ? nullptr : found->second.get();
}

}  // namespace assay
