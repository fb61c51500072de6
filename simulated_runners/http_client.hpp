// One request at a time over one kept-alive HTTP/1.1 connection. Used by runners (a connection each) and OpenLoop (a
// pool). Built to cost little: a request is one non-blocking write of prebuilt text; while it waits for its answer, a
// connection holds no buffer (all share one, which is read when bytes are there), and its time-out is an entry in a
// wheel that all share.
//
// Easy to get wrong: a server may close an idle connection at any moment. If a *reused* connection turns out closed
// before a byte of the answer came, soon after the request left, the request is repeated once on a fresh connection.
// Every request of the protocol allows that: submissions are idempotent by run id, starts and reports by token, polls
// by contract clause 45. If it can't be repeated, the first try still counts: the fate is `in_doubt`, not
// `unavailable`.
#pragma once

#include "harness/base/async.hpp"
#include "harness/measure/observation.hpp"
#include "simulated_runners/deadline_wheel.hpp"
#include "simulated_runners/http_response.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace assay {

// What the connections of one generator thread share. Outlives them.
struct HttpClient {
  HttpClient(asio::io_context& context, Clock const& clock_to_use, asio::ip::tcp::endpoint server);

  Executor executor;
  Clock const& clock;
  asio::ip::tcp::endpoint endpoint;
  DeadlineWheel deadlines;
  std::vector<char> buffer;
  std::uint64_t connections_opened = 0;
  std::uint64_t requests_repeated = 0;
};

// What became of one request.
struct Exchange {
  // By status: 2xx ok, 409 conflict, other 4xx refused, 5xx unavailable; but in_doubt when the coordinator says so in
  // the error's kind, or when a 500, 502 or 504 says nothing at all. Never `empty`, which is for the runner to see.
  Fate fate = Fate::ok;
  int status = 0;                 // 0: no answer
  std::string_view body;          // valid until the caller suspends
  TimePoint started, finished;    // the call · the answer, or the end of hope
  char const* problem = nullptr;  // an answer that makes no sense (its fate is in_doubt): why
};

class HttpConnection final : private DeadlineWheel::Entry {
 public:
  explicit HttpConnection(HttpClient& client) : client_{client}, socket_{client.executor} {}

  // Connects now rather than with the first exchange. Errors are the operating system's; timed_out after `timeout`.
  Awaitable<boost::system::error_code> open(Duration timeout);

  // `request` is the whole text, valid until the answer; `timeout` counts from now and includes connecting.
  Awaitable<Exchange> exchange(std::string_view request, Duration timeout);

  // The exchange under way, and every later one, ends as `abandoned`.
  void abandon();

 private:
  void expired() override;
  Awaitable<boost::system::error_code> connect();
  Awaitable<boost::system::error_code> write(std::string_view request);
  Awaitable<boost::system::error_code> read(HttpResponse& response);
  bool closed_while_idle() const;
  void close();

  HttpClient& client_;
  TcpSocket socket_;
  std::string partial_;  // of an answer that came in several pieces
  TimePoint last_answer_;
  bool expired_ = false;
  bool abandoned_ = false;
  bool wrote_ = false;      // some of the request may have left
  bool answering_ = false;  // some of the answer has come
};

}  // namespace assay
