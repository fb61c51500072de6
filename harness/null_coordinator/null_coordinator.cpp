#include "harness/null_coordinator/null_coordinator.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>

namespace assay {

namespace {

Response with(unsigned status, std::string body) {
  Response response = ok(std::move(body));
  response.status = status;
  return response;
}

Response told(Outcome outcome) {
  unsigned const status = outcome == Outcome::ok || outcome == Outcome::already_done ? 200
                          : outcome == Outcome::unknown_run                          ? 404
                                                                                     : 409;
  return with(status, protocol::encode_outcome(outcome));
}

// The ledger's words (protocol/ledger.hpp).
std::string_view event_of(Outcome outcome, bool failure) {
  switch (outcome) {
    case Outcome::ok: return failure ? "failed" : "completed";
    case Outcome::already_done: return failure ? "failed_again" : "completed_again";
    case Outcome::unknown_run: return "unknown";
    case Outcome::rejected: return "contradicted";
    default: return "stale";
  }
}

std::string_view parameter(std::string_view query, std::string_view name) {
  for (std::size_t at = 0; at < query.size();) {
    auto const part = query.substr(at, query.find('&', at) - at);
    if (part.starts_with(name) && part.size() > name.size() && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
    at += part.size() + 1;
  }
  return {};
}

// Nothing when it can't be understood.
std::optional<Duration> wait_of(std::string_view query) {
  auto const text = parameter(query, "wait");
  if (text.empty()) return protocol::longest_wait;
  return parse_duration(text);
}

std::uint64_t unix_ms() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count());
}

}  // namespace

NullCoordinator::NullCoordinator(NullCoordinatorOptions options)
    : options_{std::move(options)},
      random_{Random::stream(options_.seed, "null coordinator")},
      // Tokens of two null coordinators must differ, also when they were given one seed.
      runs_{options_.runs, static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
            options_.max_attempts},
      started_at_{std::chrono::steady_clock::now()},
      server_{options_.port} {
  if (!options_.ledger.empty()) {
    ledger_ = protocol::Ledger{options_.ledger};
    flush();
  }
  counts_.backend = "null";
  server_.on_request = [this](Ticket ticket, Request const& request, TimePoint received) {
    handle(ticket, request, received);
  };
  server_.on_gone = [this](Ticket ticket) {
    auto const poll = parked_.extract(ticket);
    if (poll.empty()) return;
    deadlines_.erase({poll.mapped().deadline, ticket});
    ++counts_.abandoned_polls;
  };
  if (options_.stall.length > Duration{}) server_.at(options_.stall.first, [this] { stall(); });
}

void NullCoordinator::handle(Ticket ticket, Request const& request, TimePoint received) {
  std::string_view const target = request.target;
  auto const question = target.find('?');
  RouteMatch const match = match_route(request.method, target.substr(0, question));
  if (match.route == nullptr) {
    server_.answer(ticket, error_response(404, fmt::format("a null coordinator has no {}", target.substr(0, 128))));
    return;
  }
  Served served{ticket, match.route->endpoint, StoreOperation::renew, received};
  Response response;
  switch (served.endpoint) {
    case Endpoint::poll:
      park(ticket, question == std::string_view::npos ? std::string_view{} : target.substr(question + 1), received);
      return;
    case Endpoint::submit:
      served.operation = StoreOperation::submit;
      response = submit(request.body, received);
      break;
    case Endpoint::start: response = start(match.id, request.body); break;
    case Endpoint::status: response = report(match.id, request.body, received, served.operation); break;
    case Endpoint::heartbeat: response = heartbeat(request.body); break;
    case Endpoint::healthz: server_.answer(ticket, ok(R"({"status":"ok"})")); return;
    case Endpoint::stats: server_.answer(ticket, ok(protocol::encode(stats()))); return;
    default: response = error_response(404, fmt::format("a null coordinator has no {}", to_string(*match.route)));
  }
  answer(served, std::move(response));
  assign(received);
}

Response NullCoordinator::submit(std::string_view body, TimePoint now) {
  auto decoded = protocol::decode_submission(body);
  if (!decoded) return error_response(400, decoded.error().detail);
  RunId const id = decoded->id ? *decoded->id : make_run_id(unix_ms(), random_);
  Outcome const outcome = runs_.submit(id, std::move(*decoded), now);
  if (outcome == Outcome::ok) note("submitted", {id, {}}, 0, now);
  return with(outcome == Outcome::ok ? 201 : 200, protocol::encode(protocol::SubmissionAnswer{id, outcome}));
}

Response NullCoordinator::start(std::string_view id, std::string_view body) {
  auto const run = parse_run_id(id);
  auto const token = protocol::decode_start(body);
  if (!run || !token) return error_response(400, "a run id and {\"token\"} are expected");
  return told(runs_.renew({*run, *token}));
}

Response NullCoordinator::report(std::string_view id, std::string_view body, TimePoint now, StoreOperation& operation) {
  auto const run = parse_run_id(id);
  auto const decoded = protocol::decode_status_report(body);
  if (!run || !decoded) return error_response(400, "a run id and {\"token\",\"status\"} are expected");
  ClaimRef const claim{*run, decoded->token};
  bool const failure = decoded->status == protocol::StatusReport::Status::failed;
  operation = failure ? StoreOperation::fail : StoreOperation::complete;
  Outcome const outcome = failure ? runs_.fail(claim, now) : runs_.complete(claim);
  note(event_of(outcome, failure), claim, 0, now);
  return told(outcome);
}

Response NullCoordinator::heartbeat(std::string_view body) {
  auto const decoded = protocol::decode_heartbeat(body);
  if (!decoded) return error_response(400, decoded.error().detail);
  protocol::HeartbeatAnswer answer;
  for (auto const& claim : decoded->claims) answer.claims.push_back({claim.run, runs_.renew(claim)});
  return ok(protocol::encode(answer));
}

void NullCoordinator::answer(Served const& served, Response response) {
  auto& operation = counts_.store.operations[static_cast<std::size_t>(served.operation)];
  ++operation.items;
  ++operation.outcomes[static_cast<std::size_t>(response.status < 400 ? Outcome::ok : Outcome::stale_token)];
  Duration const takes = draw(options_.answer);
  if (takes <= Duration{}) return finish(served, response);
  delayed_.emplace(served.ticket, std::move(response));
  server_.at(served.received + takes, [this, served] { finish(served, delayed_.extract(served.ticket).mapped()); });
}

void NullCoordinator::finish(Served const& served, Response const& response) {
  ++requests_[{served.endpoint, response.status}];
  if (!server_.answer(served.ticket, response)) return;
  auto& operation = counts_.store.operations[static_cast<std::size_t>(served.operation)];
  ++operation.calls;
  operation.latency.record((std::chrono::steady_clock::now() - served.received).count());
}

void NullCoordinator::park(Ticket ticket, std::string_view query, TimePoint now) {
  auto const wait = wait_of(query);
  Poll poll{.parked_at = now, .deadline = now + wait.value_or(Duration{})};
  auto const most = parameter(query, "max");
  auto const [end, error] = std::from_chars(most.data(), most.data() + most.size(), poll.most);
  if (!wait || (!most.empty() && (error != std::errc{} || poll.most == 0))) {
    ++requests_[{Endpoint::poll, 400}];
    server_.answer(ticket, error_response(400, "wait=<duration>&max=<count> is expected"));
    return;
  }
  parked_.emplace(ticket, poll);
  deadlines_.emplace(poll.deadline, ticket);
  assign(now);
  expect_expiry();
}

// One timer for all polls, for the earliest deadline: most polls end before theirs.
void NullCoordinator::expect_expiry() {
  if (deadlines_.empty() || deadlines_.begin()->first >= expiry_expected_) return;
  expiry_expected_ = deadlines_.begin()->first;
  server_.at(expiry_expected_, [this] { expire(); });
}

void NullCoordinator::expire() {
  TimePoint const now = std::chrono::steady_clock::now();
  Response const nothing = ok(protocol::encode(std::vector<protocol::AssignedRun>{}));
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Ticket const ticket = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    parked_.erase(ticket);
    ++counts_.empty_polls;
    ++requests_[{Endpoint::poll, nothing.status}];
    server_.answer(ticket, nothing);
  }
  if (expiry_expected_ <= now) expiry_expected_ = TimePoint::max();
  expect_expiry();
}

void NullCoordinator::assign(TimePoint now) {
  while (runs_.any_ready() && !parked_.empty()) {
    auto const [ticket, poll] = *parked_.begin();
    parked_.erase(parked_.begin());
    deadlines_.erase({poll.deadline, ticket});
    counts_.dispatch_wait.record((now - poll.parked_at).count());
    deliveries_.emplace(ticket, Delivery{runs_.take(poll.most), now});
    Duration const takes = draw(options_.delivery);
    if (takes > Duration{}) {
      server_.at(now + takes, [this, ticket = ticket] { deliver(ticket); });
    } else {
      deliver(ticket);
    }
  }
}

void NullCoordinator::deliver(Ticket ticket) {
  Delivery const delivery = std::move(deliveries_.extract(ticket).mapped());
  Response const response = ok(protocol::encode(delivery.runs));
  TimePoint const now = std::chrono::steady_clock::now();  // before the runner has it: the ledger's order is by time
  if (server_.answer(ticket, response)) {
    for (auto const& run : delivery.runs) note("delivered", {run.run, run.token}, run.attempt, now);
    counts_.delivered_claims += delivery.runs.size();
    counts_.claim_commit.record((now - delivery.assigned_at).count());
    auto& claims = counts_.store.operations[static_cast<std::size_t>(StoreOperation::claim)];
    ++claims.calls;
    claims.items += delivery.runs.size();
    claims.outcomes[static_cast<std::size_t>(Outcome::ok)] += delivery.runs.size();
    claims.latency.record((now - delivery.assigned_at).count());
    ++requests_[{Endpoint::poll, response.status}];
    return;
  }
  counts_.undelivered_claims += delivery.runs.size();
  ++counts_.abandoned_polls;
  for (auto run = delivery.runs.rbegin(); run != delivery.runs.rend(); ++run) {
    note("given_back", {run->run, run->token}, run->attempt, now);
    runs_.give_back(*run, now);
  }
  // Not at once: this may have been called by assign().
  server_.at(now, [this] { assign(std::chrono::steady_clock::now()); });
}

// The thread sleeps: everything that arrives meanwhile waits in the kernel, as with a process that is stopped.
void NullCoordinator::stall() {
  auto& stall = options_.stall;
  auto const end = (stall.first + stall.length).time_since_epoch();
  std::timespec until{};
  until.tv_sec = end / seconds{1};
  until.tv_nsec = (end % seconds{1}).count();
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
  if (stall.every <= Duration{}) return;
  stall.first += stall.every;
  server_.at(stall.first, [this] { this->stall(); });
}

void NullCoordinator::flush() {
  ledger_.flush();  // what could not be written is kept, and tried again
  server_.at(std::chrono::steady_clock::now() + seconds{1}, [this] { flush(); });
}

Duration NullCoordinator::draw(ServiceTime const& service) {
  Duration takes = service.mean;
  if (service.shape == ServiceTime::Shape::exponential && takes > Duration{}) {
    takes = from_seconds(random_.exponential(to_seconds(service.mean)));
  }
  if (options_.slow_share > 0 && random_.uniform() < options_.slow_share) takes += options_.slow_by;
  return takes;
}

void NullCoordinator::note(std::string_view event, ClaimRef const& claim, int attempt, TimePoint now) {
  if (!ledger_.open()) return;
  bool const has_token = claim.token != ClaimToken{};
  ledger_.append(now + options_.clock_skew, event, claim.run, attempt,
                 has_token ? std::optional{claim.token} : std::nullopt, "");
}

protocol::CoordinatorStats NullCoordinator::stats() const {
  protocol::CoordinatorStats stats = counts_;
  TimePoint const now = std::chrono::steady_clock::now();
  stats.taken_at = now + options_.clock_skew;
  stats.uptime_ns = static_cast<std::uint64_t>((now - started_at_).count());
  stats.connections = server_.connections();
  stats.parked_polls = parked_.size();
  stats.depth = runs_.depth(now);
  for (auto const& [request, count] : requests_) {
    for (auto const& route : routes()) {
      if (route.endpoint == request.first) stats.requests[{to_string(route), request.second}] = count;
    }
  }
  return stats;
}

}  // namespace assay
