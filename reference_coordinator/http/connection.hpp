// One connection of one client: reads requests one after the other (what is pipelined waits in the input buffer), has
// the Api answer each, writes the answer. One coroutine, no timer of its own: the server's tick calls expire() when
// deadline() has passed. While a poll is parked, a wait for readability stays pending on the socket: easy to get wrong,
// that is the only way to see the peer go away, and bytes that come meanwhile are the next request's.
#pragma once

#include "reference_coordinator/http/api.hpp"

#include <boost/beast/core/flat_buffer.hpp>

#include <functional>
#include <memory>
#include <string>

namespace assay {

class PushSession;
class Server;

class Connection final : public Peer, public std::enable_shared_from_this<Connection> {
 public:
  Connection(TcpSocket socket, Server& server);

  // Ends when the connection is closed. The caller keeps the object alive until then.
  Awaitable<void> run();

  TimePoint deadline() const { return deadline_; }
  void expire();  // the deadline has passed: answers 408 to half a request, closes
  void stop();    // closes when nothing is in progress, else after the answer
  void abort();   // closes now

  void watch(std::function<void()> gone) override;
  void unwatch() override { gone_away_ = nullptr; }

  std::size_t slot = 0;  // the server's place for it

 private:
  // What the deadline is for; none while the Api works.
  enum class Phase : std::uint8_t { idle, receiving, working, sending };
  // What became of reading a request.
  enum class Input : std::uint8_t { request, refused, timed_out, closed };

  void enter(Phase phase);
  Awaitable<Input> receive(RequestParser& parser, Refusal& refusal);
  Awaitable<Response> answer();
  Awaitable<void> push(PushUpgrade upgrade);
  Awaitable<bool> send(Response const& response, bool keep_alive);
  bool send_some(std::string_view body, std::size_t& sent, bool& blocked);
  Awaitable<void> drain();
  void await_readable();
  void on_readable();
  void tell_gone();
  bool peer_is_gone();
  void give_up(Response response);

  TcpSocket socket_;
  Server& server_;
  std::shared_ptr<PushSession> session_;  // once it is a push connection; the socket is the session's then
  boost::beast::flat_buffer input_;
  Request request_;
  std::string head_;
  TimePoint deadline_ = TimePoint::max();
  std::function<void()> gone_away_;  // whom to tell that the peer went away; empty: nobody
  Phase phase_ = Phase::idle;
  bool waits_for_input_ = false;  // a wait for readability is pending
  bool expired_ = false;
  bool stopping_ = false;
  bool gone_ = false;
};

}  // namespace assay
