// The transport of a trial: one request at a time over one kept-alive HTTP/1.1 connection. Built to cost little: a
// request is one non-blocking write of prebuilt text; while it waits for its answer, a connection holds no buffer (all
// share one, which is read when bytes are there), and its time-out is an entry in a wheel that all share.
//
// Easy to get wrong: a server may close an idle connection at any moment. If a *reused* connection turns out closed
// before a byte of the answer came, soon after the request left, the request is repeated once on a fresh connection.
// Every request of the protocol allows that: submissions are idempotent by run id, starts and reports by token, polls
// by contract clause 45. If it can't be repeated, the first try still counts: the fate is `in_doubt`, not
// `unavailable`.
#pragma once

#include "simulated_runners/deadline_wheel.hpp"
#include "simulated_runners/http_response.hpp"
#include "simulated_runners/transport.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace assay {

class HttpClient : public Transport {
 public:
  // A connection whose server can't be reached tries the next one, as behind a load balancer. `servers` is not empty.
  HttpClient(asio::io_context& context, Clock const& clock_to_use, std::vector<asio::ip::tcp::endpoint> servers_to_use);

  std::size_t coordinators() const override { return servers.size(); }
  std::unique_ptr<Channel> make_channel(std::size_t place) override;

  // A connection takes a port of ours, and there are about 28,000. But loopback is 2^24 addresses with all ports each:
  // when they run short, the next address is where further connections come from. False: there is no other.
  bool take_next_source();

  std::vector<asio::ip::tcp::endpoint> servers;
  asio::ip::address_v4 source;  // unspecified: as the kernel likes
  DeadlineWheel deadlines;
  std::vector<char> buffer;
};

class HttpConnection final : public Channel, private DeadlineWheel::Entry {
 public:
  explicit HttpConnection(HttpClient& client, std::size_t place = 0)
      : client_{client}, server_{place % client.servers.size()}, socket_{client.executor} {}

  Awaitable<boost::system::error_code> open(Duration timeout) override;
  Awaitable<Exchange> exchange(std::string_view request, Duration timeout) override;
  void abandon() override;
  void cut() override;

 private:
  void expired() override;
  Awaitable<boost::system::error_code> connect();
  boost::system::error_code open_socket(asio::ip::tcp::endpoint const& server);
  Awaitable<boost::system::error_code> write(std::string_view request);
  Awaitable<boost::system::error_code> read(HttpResponse& response);
  bool closed_while_idle() const;
  void close();

  HttpClient& client_;
  std::size_t server_;  // index
  TcpSocket socket_;
  std::string partial_;  // of an answer that came in several pieces
  TimePoint last_answer_;
  bool expired_ = false;
  bool abandoned_ = false;
  bool cut_ = false;        // by cut(), and not by the coordinator
  bool wrote_ = false;      // some of the request may have left
  bool answering_ = false;  // some of the answer has come
};

}  // namespace assay
