// A coordinator in a few lines, on the test's own io_context: hands submitted runs to held polls, first in first out,
// and misbehaves on demand. It keeps its own account of what happened, against which the fleet's is checked.
#pragma once

#include "harness/base/async.hpp"
#include "harness/base/text.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <fmt/format.h>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>

namespace assay {

struct FakeRequest {
  std::string method, target, token, body;
  int on_connection = 0;  // 1: the first of its connection
  bool is(std::string_view wanted) const { return (method + " " + target).starts_with(wanted); }
};

// What becomes of a request instead of the ordinary. `cut` acts after the ordinary answer was prepared: the request has
// counted, its answer is lost.
struct FakeFault {
  enum class Kind { none, status, refuse_unread, cut, half, garbage, silence };
  Kind kind = Kind::none;
  int status = 503;
  std::string body = R"({"error":{"kind":"unavailable","detail":"planted"}})";
  Duration delay{};  // before the request is looked at
};

class FakeCoordinator {
 public:
  explicit FakeCoordinator(asio::io_context& context) : executor_{context.get_executor()}, acceptor_{executor_} {
    asio::ip::tcp::endpoint const any{asio::ip::address_v4::loopback(), 0};
    acceptor_.open(any.protocol());
    acceptor_.bind(any);
    acceptor_.listen();
    endpoint_ = acceptor_.local_endpoint();
    asio::co_spawn(executor_, accept(), asio::detached);
  }

  asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

  // Everything closed; coroutines end when the loop comes round.
  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto& connection : connections_) connection->socket.close(ignored);
    for (auto* parked : parked_) parked->notify();
    for (auto& [run, waits] : waiting_) waits->notify();
  }

  // Closes connections that wait for their next request, as an idle time-out does.
  void close_idle() {
    boost::system::error_code ignored;
    for (auto& connection : connections_) {
      if (connection->idle) connection->socket.close(ignored);
    }
  }

  // No request is looked at before then.
  void stall_until(TimePoint when) { stalled_until_ = when; }

  std::function<FakeFault(FakeRequest const&)> fault = [](FakeRequest const&) { return FakeFault{}; };
  std::map<std::string, int> requests;  // "GET /runner/runs", "POST /runs", …; ids taken out
  std::vector<std::string> polls;       // their targets
  std::set<RunId> submitted;
  std::map<RunId, int> completions;  // accepted reports, by run
  int failures = 0;
  std::size_t parked() const { return parked_.size(); }
  std::size_t open_connections() const { return connections_.size(); }

  // Leases of these runs are lost: heartbeats and reports say stale_token.
  std::set<RunId> stale;

 private:
  struct Connection {
    explicit Connection(TcpSocket accepted) : socket{std::move(accepted)} {}
    TcpSocket socket;
    bool idle = true;
  };

  struct Reply {
    int status = 200;
    std::string body;
  };

  Awaitable<void> accept() {
    while (!stopped_) {
      auto [error, socket] = co_await acceptor_.async_accept(as_result);
      if (error) co_return;
      auto connection = std::make_shared<Connection>(std::move(socket));
      connections_.push_back(connection);
      asio::co_spawn(executor_, serve(connection), asio::detached);
    }
  }

  Awaitable<void> serve(std::shared_ptr<Connection> connection) {
    std::string buffer;
    int count = 0;
    while (!stopped_) {
      connection->idle = true;
      FakeRequest request;
      bool const read = co_await read_request(*connection, buffer, request);
      if (!read) break;
      connection->idle = false;
      request.on_connection = ++count;
      FakeFault const trouble = fault(request);
      if (trouble.kind == FakeFault::Kind::refuse_unread) break;
      TimePoint const not_before = std::max(stalled_until_, std::chrono::steady_clock::now() + trouble.delay);
      if (not_before > std::chrono::steady_clock::now()) co_await sleep_until(not_before);
      if (trouble.kind == FakeFault::Kind::silence) continue;
      ++requests[name_of(request)];
      Reply reply;
      if (trouble.kind == FakeFault::Kind::status) {
        reply = {trouble.status, trouble.body};
      } else {
        reply = co_await handle(request);
      }
      if (trouble.kind == FakeFault::Kind::cut || stopped_) break;
      std::string text = fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                                     reply.status, reply.body.size(), reply.body);
      if (trouble.kind == FakeFault::Kind::garbage) text = "\x16\x03\x01 no HTTP at all\r\n\r\n";
      if (trouble.kind == FakeFault::Kind::half) text.resize(text.size() / 2);
      auto const buffers = asio::buffer(text);
      auto [error, bytes] = co_await asio::async_write(connection->socket, buffers, as_result);
      if (error || trouble.kind == FakeFault::Kind::half) break;
    }
    boost::system::error_code ignored;
    connection->socket.close(ignored);
    connections_.remove(connection);
  }

  Awaitable<bool> read_request(Connection& connection, std::string& buffer, FakeRequest& request) {
    auto head_buffer = asio::dynamic_buffer(buffer);
    auto [error, head_bytes] = co_await asio::async_read_until(connection.socket, head_buffer, "\r\n\r\n", as_result);
    if (error) co_return false;
    std::string const head = buffer.substr(0, head_bytes);
    buffer.erase(0, head_bytes);
    request.method = head.substr(0, head.find(' '));
    auto const target = head.find(' ') + 1;
    request.target = head.substr(target, head.find(' ', target) - target);
    if (auto const at = head.find("Bearer "); at != std::string::npos) request.token = head.substr(at + 7, 32);
    if (auto const at = head.find("Content-Length: "); at != std::string::npos) {
      std::size_t const length = std::stoul(head.substr(at + 16));
      if (buffer.size() < length) {
        auto body_buffer = asio::dynamic_buffer(buffer);
        auto const missing = asio::transfer_exactly(length - buffer.size());
        auto [body_error, bytes] = co_await asio::async_read(connection.socket, body_buffer, missing, as_result);
        if (body_error) co_return false;
      }
      request.body = buffer.substr(0, length);
      buffer.erase(0, length);
    }
    co_return true;
  }

  static std::string name_of(FakeRequest const& request) {
    if (request.is("GET /runner/runs")) return "poll";
    if (request.is("POST /runner/heartbeat")) return "heartbeat";
    if (request.target == "/runs") return "submit";
    if (request.target.starts_with("/runs?wait=")) return "call";
    if (request.target.ends_with("/status")) return "report";
    if (request.target.ends_with("/start")) return "start";
    return request.method + " " + request.target;
  }

  Awaitable<Reply> handle(FakeRequest const& request) {
    if (request.is("GET /runner/runs")) {
      Reply const reply = co_await poll(request.target);
      co_return reply;
    }
    if (request.target == "/runs") co_return submit(request.body);
    if (request.target.starts_with("/runs?wait=")) {
      Reply const reply = co_await submit_and_wait(request);
      co_return reply;
    }
    if (request.is("POST /runner/heartbeat")) co_return heartbeat(request.body);
    if (request.target.ends_with("/status")) co_return report(request);
    if (request.target.ends_with("/start")) {
      Reply const started{200, protocol::encode_outcome(Outcome::ok)};
      co_return started;
    }
    Reply const unknown{404, {}};
    co_return unknown;
  }

  Awaitable<Reply> poll(std::string target) {
    polls.push_back(target);
    auto const wait = target.find("wait=") + 5;
    auto const hold = parse_duration(target.substr(wait, target.find('&') - wait));
    TimePoint const deadline = std::chrono::steady_clock::now() + hold.value();
    if (ready_.empty()) {
      Signal news{executor_};
      parked_.push_back(&news);
      co_await news.wait_until(deadline);
      parked_.remove(&news);
    }
    std::vector<protocol::AssignedRun> runs;
    if (!ready_.empty() && !stopped_) {
      runs.push_back(std::move(ready_.front()));
      ready_.pop_front();
      runs.back().token = ClaimToken{1, ++tokens_};
    }
    Reply const reply{200, protocol::encode(runs)};
    co_return reply;
  }

  Reply submit(std::string const& body) {
    auto const submission = protocol::decode_submission(body).value();
    bool const fresh = submitted.insert(*submission.id).second;
    if (fresh) {
      protocol::AssignedRun run;
      run.run = *submission.id;
      run.payload = submission.payload;
      run.priority = submission.priority;
      run.tags = submission.tags;
      run.lease = seconds{60};
      make_ready(std::move(run));
    }
    protocol::SubmissionAnswer const answer{*submission.id, fresh ? Outcome::ok : Outcome::already_done};
    return {fresh ? 201 : 200, protocol::encode(answer)};
  }

  Awaitable<Reply> submit_and_wait(FakeRequest request) {
    auto const wait = parse_duration(request.target.substr(request.target.find('=') + 1)).value();
    TimePoint const deadline = std::chrono::steady_clock::now() + wait;
    submit(request.body);
    protocol::SubmissionAnswer answer{*protocol::decode_submission(request.body).value().id};
    auto const news = std::make_shared<Signal>(executor_);
    waiting_[answer.id] = news;
    while (!completions.contains(answer.id) && !stopped_ && std::chrono::steady_clock::now() < deadline) {
      co_await news->wait_until(deadline);
    }
    waiting_.erase(answer.id);
    bool const done = completions.contains(answer.id);
    answer.state = done ? RunState::completed : RunState::ready;
    Reply const reply{done ? 200 : 202, protocol::encode(answer)};
    co_return reply;
  }

  Reply heartbeat(std::string const& body) {
    protocol::HeartbeatAnswer answer;
    for (auto const& claim : protocol::decode_heartbeat(body).value().claims) {
      answer.claims.push_back({claim.run, stale.contains(claim.run) ? Outcome::stale_token : Outcome::ok});
    }
    return {200, protocol::encode(answer)};
  }

  Reply report(FakeRequest const& request) {
    auto const id = parse_run_id(request.target.substr(6, 36)).value();
    auto const told = protocol::decode_status_report(request.body).value();
    if (stale.contains(id)) return {409, protocol::encode_outcome(Outcome::stale_token)};
    if (told.status == protocol::StatusReport::Status::failed) {
      ++failures;
      protocol::AssignedRun again;
      again.run = id;
      again.attempt = ++attempts_[id] + 1;
      again.lease = seconds{60};
      if (again.attempt <= 3) make_ready(std::move(again));
      return {200, protocol::encode_outcome(Outcome::ok)};
    }
    bool const first = completed_by_.try_emplace(id, told.token).second;
    if (!first && completed_by_[id] == told.token) return {200, protocol::encode_outcome(Outcome::already_done)};
    ++completions[id];
    if (auto const waits = waiting_.find(id); waits != waiting_.end()) waits->second->notify();
    return {200, protocol::encode_outcome(Outcome::ok)};
  }

  void make_ready(protocol::AssignedRun run) {
    ready_.push_back(std::move(run));
    if (parked_.empty()) return;
    parked_.front()->notify();
    parked_.pop_front();
  }

  Executor executor_;
  TcpAcceptor acceptor_;
  asio::ip::tcp::endpoint endpoint_;
  std::list<std::shared_ptr<Connection>> connections_;
  std::list<Signal*> parked_;
  std::deque<protocol::AssignedRun> ready_;
  std::map<RunId, int> attempts_;
  std::map<RunId, std::shared_ptr<Signal>> waiting_;  // submissions held until their run is completed
  std::map<RunId, ClaimToken> completed_by_;
  std::uint64_t tokens_ = 0;
  TimePoint stalled_until_;
  bool stopped_ = false;
};

}  // namespace assay
