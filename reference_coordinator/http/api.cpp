#include "reference_coordinator/http/api.hpp"

#include "harness/base/text.hpp"
#include "reference_coordinator/http/prometheus.hpp"
#include "reference_coordinator/http/push_upgrade.hpp"
#include "reference_coordinator/http/query.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

namespace assay {

namespace {

using protocol::Submission;

bool may_call(Caller caller, Identity const& identity) {
  return caller == Caller::either || (caller == Caller::runner) == (identity.role == Identity::Role::runner);
}

std::string_view event_of(Outcome outcome, bool failure) {
  switch (outcome) {
    case Outcome::ok: return failure ? "failed" : "completed";
    case Outcome::already_done: return failure ? "failed_again" : "completed_again";
    case Outcome::stale_token: return "stale";
    case Outcome::unknown_run: return "unknown";
    case Outcome::rejected: return "contradicted";
    case Outcome::in_doubt: return "in_doubt";
    case Outcome::unavailable: return "unavailable";
  }
  return "unknown";
}

}  // namespace

Api::Api(Executor executor, Clock const& clock, MeasuredStore& store, Matcher& matcher, Identities const& identities,
         protocol::Ledger& ledger, ApiOptions options)
    : executor_{executor},
      clock_{clock},
      store_{store},
      matcher_{matcher},
      identities_{identities},
      ledger_{ledger},
      options_{std::move(options)},
      desk_{executor},
      probe_{executor, clock, store},
      loop_monitor_{executor, clock},
      loop_monitor_ended_{executor},
      random_{random_seed()},
      started_at_{clock.now()} {}

void Api::start() {
  watching_loop_ = true;
  asio::co_spawn(executor_, loop_monitor_.watch(), [this](std::exception_ptr) {
    watching_loop_ = false;
    loop_monitor_ended_.notify();
  });
}

Awaitable<void> Api::stop() {
  loop_monitor_.stop();
  while (watching_loop_) co_await loop_monitor_ended_.wait_until();
  co_await probe_.stop();
}

Awaitable<Response> Api::handle(Request const& request, Peer& peer) {
  std::string_view const target = request.target;
  std::size_t const question = target.find('?');
  std::string_view const path = target.substr(0, question);
  std::string_view const query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);

  RouteMatch const match = match_route(request.method, path);
  Response response;
  if (match.route == nullptr) {
    response = match.allow.empty()
                   ? error_response(404, fmt::format("no such path: {}; see docs/openapi.yaml", path.substr(0, 128)))
                   : error_response(405, fmt::format("{} is not served with this method", path.substr(0, 128)));
    response.extra = match.allow;
    count(no_route, response.status);
    co_return response;
  }

  Call const call{request, query, match.id, match.route->caller == Caller::anyone ? nullptr : identify(request, peer),
                  peer};
  if (match.route->caller != Caller::anyone && call.identity == nullptr) {
    response = error_response(
        401, request.token.empty() ? "\"Authorization: Bearer <token>\" is missing" : "this bearer token is nobody's");
    response.extra = "WWW-Authenticate: Bearer\r\n";
  } else if (call.identity != nullptr && !may_call(match.route->caller, *call.identity)) {
    response = error_response(
        403, fmt::format("{} is for {}s, and {} is a {}", to_string(*match.route),
                         match.route->caller == Caller::runner ? "runner" : "submitter", call.identity->name,
                         call.identity->role == Identity::Role::runner ? "runner" : "submitter"));
  } else {
    response = co_await dispatch(match.route->endpoint, call);
  }
  count(static_cast<std::size_t>(match.route - routes().data()), response.status);
  co_return response;
}

Awaitable<Response> Api::dispatch(Endpoint endpoint, Call call) {
  switch (endpoint) {
    case Endpoint::submit: return submit(call);
    case Endpoint::submit_batch: return submit_batch(call);
    case Endpoint::find: return find(call);
    case Endpoint::poll: return poll(call);
    case Endpoint::push: return push(call);
    case Endpoint::start: return start(call);
    case Endpoint::status: return report(call);
    case Endpoint::heartbeat: return heartbeat(call);
    case Endpoint::healthz: return healthz(call);
    case Endpoint::stats: return stats(call);
    case Endpoint::metrics: return metrics(call);
  }
  throw std::logic_error{"an endpoint without a handler"};
}

Response Api::refuse(Refusal const& refusal) {
  count(no_route, refusal.status);
  return error_response(refusal.status, refusal.detail);
}

// Compared in constant time, so that the shortcut tells no more about a token than the digests do.
Identity const* Api::identify(Request const& request, Peer& peer) const {
  if (peer.known_identity != nullptr && peer.known_token.size() == request.token.size() &&
      CRYPTO_memcmp(peer.known_token.data(), request.token.data(), request.token.size()) == 0) {
    return peer.known_identity;
  }
  Identity const* const found = identities_.find(request.token);
  if (found != nullptr) {
    peer.known_token = request.token;
    peer.known_identity = found;
  }
  return found;
}

RunSpec Api::accept(Submission submission) {
  RunSpec run;
  if (submission.id) {
    run.id = *submission.id;
  } else {
    auto const wall = std::chrono::system_clock::now().time_since_epoch();
    run.id = make_run_id(static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(wall).count()), random_);
  }
  run.required = std::move(submission.tags);
  run.priority = submission.priority;
  run.payload = std::move(submission.payload);
  run.max_attempts = submission.max_attempts.value_or(options_.max_attempts);
  run.delay = submission.delay;
  return run;
}

Awaitable<Response> Api::submit_batch(Call call) {
  auto decoded = protocol::decode_submission_batch(call.request.body);
  if (!decoded) co_return error_response(400, decoded.error().detail);
  std::vector<RunSpec> runs;
  runs.reserve(decoded->size());
  for (auto& submission : *decoded) runs.push_back(accept(std::move(submission)));
  std::vector<RunId> ids;
  ids.reserve(runs.size());
  for (auto const& run : runs) ids.push_back(run.id);
  std::vector<Outcome> outcomes;
  if (!runs.empty()) {
    auto answered = co_await matcher_.submit(std::move(runs));
    if (!answered) {
      if (answered.error().kind == ErrorKind::in_doubt) {
        for (RunId const& id : ids) note("in_doubt", id, std::nullopt, call.identity->name);
      }
      co_return error_response(answered.error());
    }
    outcomes = std::move(*answered);
  }
  std::vector<protocol::SubmissionAnswer> answers;
  answers.reserve(outcomes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    answers.push_back({ids[i], outcomes[i]});
    if (outcomes[i] == Outcome::ok) note("submitted", ids[i], std::nullopt, call.identity->name);
    if (outcomes[i] == Outcome::in_doubt) note("in_doubt", ids[i], std::nullopt, call.identity->name);
  }
  co_return ok(protocol::encode(answers));
}

Awaitable<Response> Api::find(Call call) {
  auto const id = parse_run_id(call.id_text);
  if (!id) co_return error_response(400, not_a_run_id(call.id_text).detail);
  auto const found = co_await store_.find(*id);
  if (!found) co_return error_response(found.error());
  if (!*found) co_return error_response(404, fmt::format("no run {}", to_string(*id)));
  co_return ok(protocol::encode(**found));
}

Awaitable<Response> Api::push(Call call) {
  if (!options_.push) {
    co_return error_response(409, "this coordinator hands runs out by long poll only; start it with --dispatch push");
  }
  auto upgrade = parse_push_upgrade(call.request, call.query);
  if (!upgrade) co_return error_response(400, upgrade.error().detail);
  Response response;
  response.status = 101;
  response.push = std::move(*upgrade);
  co_return response;
}

void Api::given_back(std::span<Claim const> claims) {
  for (auto const& claim : claims)
    ledger_.append(clock_.now(), "given_back", claim.run, claim.attempt, claim.token, "");
}

void Api::swept(SweepResult const& result) {
  for (auto const& run : result.requeued) note("expired", run, std::nullopt, "");
  for (auto const& run : result.dead) {
    note("dead", run, std::nullopt, "");
    desk_.look(run);
  }
}

void Api::broken(ClaimRef const& claim, Result<Outcome> const& outcome, std::string const& cause) {
  if (outcome) {
    note(event_of(*outcome, true), claim.run, claim.token, "");
    if (*outcome == Outcome::ok) desk_.tell_broken(claim.run, cause);
  } else if (outcome.error().kind == ErrorKind::in_doubt) {
    note("in_doubt", claim.run, claim.token, "");
  }
}

Awaitable<Response> Api::report(Call call) {
  auto const id = parse_run_id(call.id_text);
  if (!id) co_return error_response(400, not_a_run_id(call.id_text).detail);
  auto decoded = protocol::decode_status_report(call.request.body);
  if (!decoded) co_return error_response(400, decoded.error().detail);
  ClaimToken const token = decoded->token;
  bool const failure = decoded->status == protocol::StatusReport::Status::failed;
  ClaimRef const about{*id, token};
  auto const others = received_with({&about, 1}, *call.identity);

  Result<std::vector<Outcome>> answered = std::vector<Outcome>{};
  Reply reply;
  if (!failure && options_.replies == nullptr && desk_.awaited(*id)) reply.result = decoded->result;
  if (failure) {
    std::vector<FailedAttempt> failures;
    failures.push_back({*id, token, std::move(decoded->result)});
    answered = co_await store_.fail(std::move(failures));
  } else {
    std::vector<Completion> completions;
    completions.push_back({*id, token, std::move(decoded->result)});
    answered = co_await store_.complete(std::move(completions));
  }
  if (!answered) {
    if (answered.error().kind == ErrorKind::in_doubt) note("in_doubt", *id, token, call.identity->name);
    co_return error_response(answered.error());
  }
  Outcome outcome = answered->front();
  if (!options_.fenced && outcome == Outcome::stale_token) {
    outcome = believed_.insert(token).second ? Outcome::ok : Outcome::already_done;
  }
  note(event_of(outcome, failure), *id, token, call.identity->name);
  // What came with it, and was said nothing about.
  if (!others.empty()) co_await renew(others, options_.lease, *call.identity);
  // Whether it was the last attempt, or what the first of two reports said, only the store knows.
  if (options_.replies != nullptr) {
    // The store has sent it.
  } else if (outcome == Outcome::ok && !failure) {
    desk_.tell(*id, reply);
  } else if (outcome == Outcome::ok || outcome == Outcome::already_done) {
    desk_.look(*id);
  }
  co_return told(outcome, *id, token, failure ? "failed" : "completed");
}

Awaitable<Response> Api::healthz(Call) {
  Result<Depth> const* const known = probe_.fresh();
  if (known != nullptr && *known) co_return ok("{\"status\":\"ok\"}");
  auto const depth = co_await probe_.ask();
  if (!depth) {
    Response response = error_response(503, "the store: " + depth.error().detail, depth.error().kind);
    response.extra = "Retry-After: 1\r\n";
    co_return response;
  }
  co_return ok("{\"status\":\"ok\"}");
}

Awaitable<Response> Api::stats(Call) {
  auto const now = co_await snapshot();
  co_return ok(protocol::encode(now));
}

Awaitable<Response> Api::metrics(Call) {
  auto const now = co_await snapshot();
  Response response = ok(prometheus_text(now));
  response.media = Response::Media::prometheus;
  co_return response;
}

Awaitable<protocol::CoordinatorStats> Api::snapshot(bool with_depth) {
  std::optional<Depth> depth;
  if (with_depth) {
    auto const asked = co_await probe_.ask();
    if (asked) depth = *asked;
  }
  LoopLateness const loop = loop_monitor_.take();
  counts_.loop_lateness.add(loop.lateness);
  counts_.loop_stalls += static_cast<std::uint64_t>(loop.stalls);
  protocol::CoordinatorStats stats = counts_;
  stats.depth = depth;
  stats.backend = options_.backend;
  stats.taken_at = clock_.now();
  stats.uptime_ns = static_cast<std::uint64_t>((stats.taken_at - started_at_).count());
  stats.parked_polls = matcher_.parked();
  stats.waiting_submissions = desk_.waiting();
  stats.batches_in_flight = matcher_.in_flight();
  stats.matcher = matcher_.counters();
  stats.store = store_.snapshot();
  ProcessUse const use = process_use();
  stats.cpu_user_ns = use.cpu_user_ns;
  stats.cpu_system_ns = use.cpu_system_ns;
  stats.resident_bytes = use.resident_bytes;
  for (std::size_t route = 0; route <= route_count; ++route) {
    std::string const name = route == no_route ? "other" : to_string(routes()[route]);
    for (std::size_t status = 0; status < statuses; ++status) {
      if (requests_[route][status] != 0) stats.requests[{name, status}] = requests_[route][status];
    }
  }
  co_return stats;
}

Response Api::told(Outcome outcome, RunId const& run, ClaimToken token, std::string_view verb) {
  Response response;
  std::string detail;
  switch (outcome) {
    case Outcome::ok:
    case Outcome::already_done: break;
    case Outcome::stale_token:
      response.status = 409;
      detail = fmt::format("claim {} of run {} is not current any more", to_string(token), to_string(run));
      break;
    case Outcome::rejected:
      response.status = 409;
      detail = fmt::format("run {} cannot be {} by claim {}: it said something else before", to_string(run), verb,
                           to_string(token));
      break;
    case Outcome::unknown_run:
      response.status = 404;
      detail = fmt::format("no run {}", to_string(run));
      break;
    case Outcome::unavailable:
      return error_response(Error{ErrorKind::unavailable, "the store did not take the report"});
    case Outcome::in_doubt:
      return error_response(Error{ErrorKind::in_doubt, "the report may or may not have been taken: send it again"});
  }
  response.body = protocol::encode_outcome(outcome, detail);
  return response;
}

void Api::note(std::string_view event, RunId const& run, std::optional<ClaimToken> token, std::string_view who) {
  if (ledger_.open()) ledger_.append(clock_.now(), event, run, 0, token, who);
}

// What the ledger has to know of a renewal: from when on the lease may be as long as ever. A refused one changes
// nothing.
void Api::note_renewal(Result<std::vector<Outcome>> const& renewed, std::size_t item, ClaimRef const& claim,
                       std::string_view who) {
  Outcome outcome = Outcome::unavailable;
  if (renewed) outcome = (*renewed)[item];
  if (!renewed && renewed.error().kind == ErrorKind::in_doubt) outcome = Outcome::in_doubt;
  if (outcome == Outcome::ok) note("renewed", claim.run, claim.token, who);
  if (outcome == Outcome::in_doubt) note("renewal_in_doubt", claim.run, claim.token, who);
}

void Api::count(std::size_t route, unsigned status) { ++requests_[route][status < statuses ? status : 0]; }

}  // namespace assay
