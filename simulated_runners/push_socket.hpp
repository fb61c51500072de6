// A simulated runner's push connection: one WebSocket, on which runs arrive and the runner asks what it would otherwise
// POST (reference_coordinator/protocol/push.hpp). Shared by the runner's lanes (one for each run it works at once),
// which wait here as Waiters. Easy to get wrong: a gateway that stands still is not noticed, as by any WebSocket without
// pings; only one that is gone is, and then the next connection goes to the next gateway.
#pragma once

#include "simulated_runners/http_client.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class PushSocket {
 public:
  // Who waits for a run or an answer; lives as long as its wait.
  struct Waiter {
    explicit Waiter(Signal& to_wake) : wake{to_wake} {}
    enum class End : std::uint8_t { none, answered, lost, drained };

    Signal& wake;
    End end = End::none;
    int status = 0;
    std::string body;

    void finish(End how) {
      end = how;
      wake.notify();
    }
  };

  PushSocket(HttpClient& client, std::string token, int slots, std::size_t first_gateway);

  // How many runs the runner holds, for when it connects. Until it is set: none.
  std::function<std::size_t()> held;

  bool up() const { return link_ != nullptr; }
  // Connects, when it isn't; the second of two callers waits for the first. Fails when this gateway can't be reached or
  // does not push; the next call asks the next one.
  Awaitable<boost::system::error_code> open(Signal& wake);

  // A run, as soon as one comes. End it by forget() when nobody waits any more.
  void wait_for_run(Waiter& waiter);
  // True: it has left, or will as soon as what is before it has.
  bool ask(std::string_view path, std::string_view body, Waiter& waiter);
  void forget(Waiter& waiter);

  // No more runs; those who wait for one hear `drained`.
  void drain();
  // Drained, and nothing is held any more: closes.
  void leave();
  // The connection is lost, as far as both sides can see.
  void cut();

 private:
  struct Link;

  Awaitable<void> connect();
  static Awaitable<void> read(PushSocket& self, std::shared_ptr<Link> link);
  static Awaitable<void> write(std::shared_ptr<Link> link);
  void received(Link& link, std::string const& frame);
  void lose();
  void send(std::string frame);

  HttpClient& client_;
  std::string token_;
  int slots_;
  std::size_t gateway_;  // index into the client's servers
  std::shared_ptr<Link> link_, connecting_link_;
  std::vector<Signal*> opening_;  // who waits for connect()
  bool connecting_ = false;
  bool closed_ = false;
  boost::system::error_code open_error_;
  std::deque<Waiter*> free_lanes_;
  std::map<std::uint64_t, Waiter*> questions_;
  std::deque<std::string> runs_;  // that came while every lane was busy
  std::uint64_t asked_ = 0;
};

}  // namespace assay
