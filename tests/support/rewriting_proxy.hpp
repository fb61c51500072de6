// A proxy on loopback, on a thread of its own, so that whole programs can be tested with it. It counts the connections
// that were tried, and may say something else than the server behind it: each time the server sends `what`, the client
// reads `instead`, of the same length. That stands for servers that this machine does not have: a real PostgreSQL or
// Redis of today, and nothing of the client's path left out.
#pragma once

#include "harness/base/async.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace assay::test {

class RewritingProxy {
 public:
  using Endpoint = asio::generic::stream_protocol::endpoint;

  explicit RewritingProxy(Endpoint server, std::string what = {}, std::string instead = {})
      : server_{std::move(server)},
        what_{std::move(what)},
        instead_{std::move(instead)},
        acceptor_{io_.get_executor(), {asio::ip::address_v4::loopback(), 0}} {
    if (what_.size() != instead_.size()) throw std::invalid_argument{"what and instead are not of the same length"};
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~RewritingProxy() {
    io_.stop();
    thread_.join();
  }
  RewritingProxy(RewritingProxy const&) = delete;
  RewritingProxy& operator=(RewritingProxy const&) = delete;

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::size_t accepted() const { return accepted_; }    // connections, whatever became of them
  std::size_t rewritten() const { return rewritten_; }  // times

 private:
  struct Pair {
    Pair(TcpSocket accepted) : client{std::move(accepted)}, server{client.get_executor()} {}
    void close() {
      boost::system::error_code ignored;
      client.close(ignored);
      server.close(ignored);
    }
    TcpSocket client;
    asio::basic_stream_socket<asio::generic::stream_protocol, Executor> server;
  };

  Awaitable<void> accept() {
    for (;;) {
      auto [refused, client] = co_await acceptor_.async_accept(as_result);
      if (refused) co_return;
      ++accepted_;
      auto const pair = std::make_shared<Pair>(std::move(client));
      auto const [unreachable] = co_await pair->server.async_connect(server_, as_result);
      if (unreachable) continue;
      asio::co_spawn(io_, requests(pair), asio::detached);
      asio::co_spawn(io_, answers(pair), asio::detached);
    }
  }

  static Awaitable<void> requests(std::shared_ptr<Pair> pair) {
    std::array<char, 16384> bytes;
    for (;;) {
      auto const [ended, size] = co_await pair->client.async_read_some(asio::buffer(bytes), as_result);
      if (ended) break;
      auto const [lost, written] =
          co_await asio::async_write(pair->server, asio::buffer(bytes.data(), size), as_result);
      if (lost || written != size) break;
    }
    pair->close();
  }

  // What is looked for comes within one read: a server sends its greeting, or one answer, at once.
  Awaitable<void> answers(std::shared_ptr<Pair> pair) {
    std::array<char, 16384> bytes;
    for (;;) {
      auto const [ended, size] = co_await pair->server.async_read_some(asio::buffer(bytes), as_result);
      if (ended) break;
      std::string text{bytes.data(), size};
      auto const next = [&](std::size_t from) { return what_.empty() ? std::string::npos : text.find(what_, from); };
      for (auto at = next(0); at != std::string::npos; at = next(at + what_.size())) {
        text.replace(at, what_.size(), instead_);
        ++rewritten_;
      }
      auto const [lost, written] = co_await asio::async_write(pair->client, asio::buffer(text), as_result);
      if (lost || written != size) break;
    }
    pair->close();
  }

  asio::io_context io_;
  Endpoint server_;
  std::string what_, instead_;
  TcpAcceptor acceptor_;
  std::atomic<std::size_t> accepted_{0}, rewritten_{0};
  std::thread thread_;
};

}  // namespace assay::test
