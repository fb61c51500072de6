// A TCP proxy on loopback for tests of lost answers: it forwards until told to swallow what the server answers and,
// when the server has answered, to cut. What the client sent has happened then, and the client cannot know. Or it falls
// silent, as a connection does whose other end lost its power.
#pragma once

#include "harness/base/async.hpp"

#include <array>
#include <memory>
#include <vector>

namespace assay::test {

class CuttingProxy {
 public:
  CuttingProxy(asio::io_context& io, std::uint16_t server_port) : state_{std::make_shared<State>(io, server_port)} {
    asio::co_spawn(io, accept(state_), asio::detached);
  }
  ~CuttingProxy() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
  }
  CuttingProxy(CuttingProxy const&) = delete;
  CuttingProxy& operator=(CuttingProxy const&) = delete;

  std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }

  // The next bytes that the server sends on any connection are not passed on; that connection is cut instead. Once.
  void cut_at_next_answer() { state_->cutting = true; }
  bool has_cut() const { return state_->has_cut; }

  // The connections that there are stay open, and nothing gets through them any more, either way. New ones do.
  void fall_silent() { ++state_->age; }

 private:
  struct State {
    State(asio::io_context& io, std::uint16_t port)
        : acceptor{io.get_executor(), {asio::ip::address_v4::loopback(), 0}},
          server{asio::ip::address_v4::loopback(), port} {}
    TcpAcceptor acceptor;
    asio::ip::tcp::endpoint server;
    bool cutting = false;
    bool has_cut = false;
    int age = 0;
  };
  struct Pair {
    Pair(TcpSocket accepted, int age_at_birth)
        : client{std::move(accepted)}, server{client.get_executor()}, age{age_at_birth} {}
    void close() {
      boost::system::error_code ignored;
      client.close(ignored);
      server.close(ignored);
    }
    TcpSocket client, server;
    int age;
  };

  static Awaitable<void> accept(std::shared_ptr<State> state) {
    for (;;) {
      auto [refused, client] = co_await state->acceptor.async_accept(as_result);
      if (refused) co_return;
      auto const pair = std::make_shared<Pair>(std::move(client), state->age);
      auto const [unreachable] = co_await pair->server.async_connect(state->server, as_result);
      if (unreachable) continue;
      asio::co_spawn(state->acceptor.get_executor(), forward(state, pair, true), asio::detached);
      asio::co_spawn(state->acceptor.get_executor(), forward(state, pair, false), asio::detached);
    }
  }

  static Awaitable<void> forward(std::shared_ptr<State> state, std::shared_ptr<Pair> pair, bool answers) {
    TcpSocket& from = answers ? pair->server : pair->client;
    TcpSocket& to = answers ? pair->client : pair->server;
    std::array<char, 16384> bytes;
    for (;;) {
      auto const [ended, size] = co_await from.async_read_some(asio::buffer(bytes), as_result);
      if (ended) break;
      if (pair->age < state->age) continue;
      if (answers && state->cutting) {
        state->cutting = false;
        state->has_cut = true;
        break;
      }
      auto const [lost, written] = co_await asio::async_write(to, asio::buffer(bytes.data(), size), as_result);
      if (lost || written != size) break;
    }
    pair->close();
  }

  std::shared_ptr<State> state_;
};

}  // namespace assay::test
