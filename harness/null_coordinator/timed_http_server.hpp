// An HTTP/1.1 server that costs next to nothing and keeps time: one thread, epoll and a timerfd, no coroutine, no Asio.
// What instruments are measured with must not share their event loop's faults. Used by NullCoordinator. Easy to get
// wrong: on_request must see to it that each Ticket is answered sometime; a connection takes no second request before.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/http/request.hpp"
#include "reference_coordinator/http/response.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace assay {

class TimedHttpServer {
 public:
  // Names one request until its answer; later requests have larger ones.
  using Ticket = std::uint64_t;

  // Listens on 127.0.0.1 at once; port 0: any free one. Throws Failure{unreachable}.
  explicit TimedHttpServer(std::uint16_t port);
  ~TimedHttpServer();
  TimedHttpServer(TimedHttpServer const&) = delete;
  TimedHttpServer& operator=(TimedHttpServer const&) = delete;

  std::uint16_t port() const { return port_; }

  // To be set before run(). `received` is when the last byte of the request had been read. `on_gone`: the peer of an
  // unanswered request has closed its connection.
  std::function<void(Ticket, Request const&, TimePoint received)> on_request;
  std::function<void(Ticket)> on_gone;

  // Hands the answer to the kernel. False: the peer is gone.
  bool answer(Ticket ticket, Response const& response);

  // Calls `action` when `when` has come, in the order of `when`; never early, and late by what the machine needs to
  // wake up.
  void at(TimePoint when, std::function<void()> action);

  // Until stop(). On one thread; only stop() may be called from others, and from signal handlers.
  void run();
  void stop();

  std::size_t connections() const { return open_; }

 private:
  struct Connection;
  struct Due {
    TimePoint when;
    std::uint64_t order;
    std::function<void()> action;

    bool operator<(Due const& other) const {  // a heap has its greatest on top, and the earliest belongs there
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  void watch(int descriptor, std::uint32_t events, int operation);
  void accept_all();
  void readable(Connection& connection);
  void take_request(Connection& connection);
  bool write(Connection& connection);
  void close(Connection& connection);
  void run_due();
  void arm();

  int listener_ = -1, poller_ = -1, timer_ = -1, stopper_ = -1;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<std::unique_ptr<Connection>> closed_;       // kept until no event of this round can name them
  std::size_t open_ = 0;
  std::vector<Due> due_;  // a heap
  std::uint64_t order_ = 0, requests_ = 0;
  TimePoint armed_ = TimePoint::max();
  Request request_;
  std::time_t date_ = 0;
  std::string date_line_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace assay
