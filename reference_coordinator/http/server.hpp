// Listens, accepts, limits, and ends connections: one event loop on one thread. Deadlines of all connections are looked
// at by one tick, so that a parked poll costs no timer. Running out of descriptors closes the newcomers with a clear
// log line and never turns into a busy loop. Easy to get wrong: stop() must be awaited before the Api and the store
// below go away.
#pragma once

#include "reference_coordinator/http/api.hpp"
#include "reference_coordinator/http/connection.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class PushDesk;

struct ServerOptions {
  std::string address = "127.0.0.1";  // numeric
  std::uint16_t port = 0;             // 0: any free one
  std::size_t max_connections = 10'000;
  Duration idle_time = seconds{120};     // between two requests of one connection
  Duration request_time = seconds{10};   // from the first byte of a request to its last
  Duration response_time = seconds{10};  // to take an answer off our hands
};

class Server {
 public:
  // Listens at once. Throws Failure: unreachable when the address is in use, bad_input when it is none. Without a desk
  // the Api must not offer push.
  Server(asio::io_context& context, Api& api, PushDesk* push_desk, ServerOptions options);
  ~Server();
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  void start();

  // Accepts nobody any more, closes what is idle; what is in progress ends with its answer.
  void begin_stop();
  // Returns when all connections are closed, by force after `deadline`. False: answers were cut off.
  Awaitable<bool> end_stop(TimePoint deadline);
  void abort_all();

  std::string listening() const;  // "127.0.0.1:43211"
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // For connections.
  Api& api() { return api_; }
  PushDesk* push_desk() { return push_desk_; }
  ServerOptions const& options() const { return options_; }
  TimePoint coarse_now() const { return coarse_now_; }  // at most a tick old
  std::string_view date_line() const { return date_line_; }

 private:
  Awaitable<void> accept();
  Awaitable<void> tick();
  void add(TcpSocket socket);
  void remove(Connection& connection);
  void refuse(TcpSocket socket);
  bool shed_one();
  void complain(std::string_view what);
  Duration tick_interval() const;

  asio::io_context& context_;
  Api& api_;
  PushDesk* push_desk_;
  ServerOptions options_;
  TcpAcceptor acceptor_;
  std::vector<std::shared_ptr<Connection>> connections_;
  Signal ticks_;   // raised to end tick()
  Signal closed_;  // a connection was
  TimePoint coarse_now_;
  std::string date_line_;
  TimePoint complained_at_ = TimePoint::min();
  std::size_t unreported_ = 0;  // newcomers turned away since the last line in the log
  int reserve_ = -1;            // a descriptor to give up when there are no others
  int running_ = 0;             // of accept() and tick()
  bool stopping_ = false;
};

}  // namespace assay
