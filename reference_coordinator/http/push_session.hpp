// One runner's push connection: a WebSocket on which the gateway sends runs and the runner what it would otherwise POST
// (protocol/push.hpp). Each question goes through the Api exactly as over HTTP, so that fencing, ledger and counts are
// the same. Made by the Connection whose request asked for the upgrade, which keeps it in the server's list. Easy to
// get wrong: what was queued and not written when the peer goes away was never had by the runner, and is given back;
// what was written counts as had.
#pragma once

#include "reference_coordinator/http/api.hpp"
#include "reference_coordinator/http/push_desk.hpp"
#include "reference_coordinator/protocol/push.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <deque>
#include <memory>
#include <string>

namespace assay {

class PushSession final : public PushLine, public Peer, public std::enable_shared_from_this<PushSession> {
 public:
  PushSession(TcpSocket socket, Api& api, PushDesk& desk, Identity const& identity, std::string token,
              PushUpgrade upgrade);

  // Until the connection is closed and every answer under way has been made.
  Awaitable<void> run();

  void stop();   // says goodbye; what the runner holds it takes along
  void abort();  // closes now

  void push(Claim claim, protocol::ClaimTimes times) override;
  void watch(std::function<void()>) override {}  // nothing that a runner asks here waits for anything
  void unwatch() override {}

 private:
  struct Outgoing {
    std::string frame;
    Response run;  // with the claim it carries, or none
  };

  Awaitable<void> read();
  Awaitable<void> answer(std::string frame);
  Awaitable<void> write();
  Awaitable<void> say_goodbye();
  void settle(protocol::PushQuestion const& question, Response const& response);
  void send(std::string frame, Response run);
  void spawn(Awaitable<void> work);

  boost::beast::websocket::stream<TcpSocket> socket_;
  Api& api_;
  PushDesk& desk_;
  Identity const& identity_;
  PushUpgrade upgrade_;
  PushRunnerId runner_ = 0;
  boost::beast::flat_buffer input_;
  std::deque<Outgoing> outgoing_;
  Signal ended_;
  std::size_t running_ = 0;  // coroutines of ours beside read()
  bool writing_ = false;
  bool closing_ = false;  // nothing more is sent
};

}  // namespace assay
