#include "reference_coordinator/http/push_session.hpp"

#include <spdlog/spdlog.h>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

namespace assay {

namespace {

namespace websocket = boost::beast::websocket;

constexpr Duration goodbye_time = seconds{5};

// What Beast wants to see of the request that our own parser has read.
http::request<http::empty_body> upgrade_request(std::string const& key) {
  http::request<http::empty_body> request{http::verb::get, "/runner/push", 11};
  request.set(http::field::host, "coordinator");
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::sec_websocket_key, key);
  return request;
}

// "/runs/{id}/status" → id.
std::optional<RunId> run_in(std::string_view path) {
  constexpr std::string_view before = "/runs/";
  if (!path.starts_with(before)) return std::nullopt;
  path.remove_prefix(before.size());
  return parse_run_id(path.substr(0, path.find('/')));
}

}  // namespace

PushSession::PushSession(TcpSocket socket, Api& api, PushDesk& desk, Identity const& identity, std::string token,
                         PushUpgrade upgrade)
    : socket_{std::move(socket)},
      api_{api},
      desk_{desk},
      identity_{identity},
      upgrade_{std::move(upgrade)},
      ended_{socket_.get_executor()} {
  known_token = std::move(token);
  known_identity = &identity;
  websocket::stream_base::timeout limits;
  limits.handshake_timeout = goodbye_time;
  limits.idle_timeout = websocket::stream_base::none();  // a quiet runner is a parked one
  limits.keep_alive_pings = false;
  socket_.set_option(limits);
  socket_.read_message_max(max_body_bytes);
  socket_.text(true);
}

Awaitable<void> PushSession::run() {
  auto const request = upgrade_request(upgrade_.key);
  auto const [error] = co_await socket_.async_accept(request, as_result);
  if (!error && !closing_) {
    runner_ = desk_.join(*this, identity_.name, identity_.tags, upgrade_.slots, upgrade_.busy);
    co_await read();
    desk_.drain(runner_);
  }
  closing_ = true;
  abort();
  while (running_ > 0) co_await ended_.wait_until();
  // Before the runner leaves: what was never written is not what it has failed.
  for (auto& unsent : outgoing_) {
    if (unsent.run.claims.empty()) continue;
    desk_.not_sent(runner_, unsent.run.claims.front().run);
    api_.undelivered(std::move(unsent.run));
  }
  desk_.leave(runner_);
}

Awaitable<void> PushSession::read() {
  for (;;) {
    auto const [error, bytes] = co_await socket_.async_read(input_, as_result);
    if (error) co_return;
    std::string frame = boost::beast::buffers_to_string(input_.data());
    input_.consume(bytes);
    spawn(answer(std::move(frame)));
  }
}

Awaitable<void> PushSession::answer(std::string frame) {
  auto const question = protocol::decode_push_question(frame);
  Response response;
  if (!question) {
    response = api_.refuse({400, question.error().detail});
  } else if (question->path == "/runner/drain") {
    desk_.drain(runner_);
    response.body = "{}";
  } else {
    Request request;
    request.method = http::verb::post;
    request.target = question->path;
    request.token = known_token;
    request.body = question->body;
    response = co_await api_.handle(request, *this);
    settle(*question, response);
  }
  protocol::PushAnswer answered;
  answered.number = question ? question->number : 0;
  answered.status = static_cast<int>(response.status);
  answered.body = response.body;
  send(protocol::encode(answered), {});
}

// What the answer means for the runner's slots: a report that was not turned away for now ends the run, a start that
// was refused ends it, and so does a lost lease.
void PushSession::settle(protocol::PushQuestion const& question, Response const& response) {
  if (response.status >= 500) return;
  if (question.path == "/runner/heartbeat") {
    auto const beat = protocol::decode_heartbeat_answer(response.body);
    if (!beat) return;
    for (auto const& claim : beat->claims) {
      bool const lost = claim.outcome == Outcome::stale_token || claim.outcome == Outcome::unknown_run;
      if (lost) desk_.ended(runner_, claim.run);
    }
    return;
  }
  auto const run = run_in(question.path);
  bool const ends = question.path.ends_with("/status") || response.status >= 400;
  if (run && ends) desk_.ended(runner_, *run);
}

void PushSession::push(Claim claim, protocol::ClaimTimes times) {
  Response run;
  run.asked_at = times.asked;
  run.claimed_at = times.claimed;
  run.claims.push_back(std::move(claim));
  protocol::PushAnswer pushed;
  std::string const body = protocol::encode(run.claims, api_.lease());
  pushed.body = body;
  send(protocol::encode(pushed), std::move(run));
}

void PushSession::send(std::string frame, Response run) {
  if (closing_ && run.claims.empty()) return;
  outgoing_.push_back({std::move(frame), std::move(run)});
  if (!writing_ && !closing_) {
    writing_ = true;
    spawn(write());
  }
}

Awaitable<void> PushSession::write() {
  while (!outgoing_.empty() && !closing_) {
    auto const text = asio::buffer(outgoing_.front().frame);
    auto const [error, bytes] = co_await socket_.async_write(text, as_result);
    if (error || outgoing_.empty()) break;  // read() hears of it, too
    api_.delivered(outgoing_.front().run, *this);
    outgoing_.pop_front();
  }
  writing_ = false;
}

void PushSession::stop() {
  if (closing_) return;
  spawn(say_goodbye());
}

Awaitable<void> PushSession::say_goodbye() {
  websocket::close_reason const reason{websocket::close_code::going_away};
  auto const [error] = co_await socket_.async_close(reason, as_result);
  if (error) abort();
}

void PushSession::abort() {
  boost::system::error_code ignored;
  socket_.next_layer().close(ignored);
}

void PushSession::spawn(Awaitable<void> work) {
  ++running_;
  asio::co_spawn(socket_.get_executor(), std::move(work), [self = shared_from_this()](std::exception_ptr bug) {
    --self->running_;
    self->ended_.notify();
    if (bug) std::rethrow_exception(bug);
  });
}

}  // namespace assay
