// The handlers of Api around a runner and its runs up to the report: poll, start, heartbeat. With two-stage leases
// (ApiOptions::offer) what a poll is given is an offer first (claim_core/offers.hpp).
#include "reference_coordinator/http/api.hpp"
#include "reference_coordinator/http/query.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <iterator>
#include <utility>

namespace assay {

Awaitable<Response> Api::poll(Call call) {
  auto const query = parse_poll_query(call.query);
  if (!query) co_return error_response(400, query.error().detail);
  Identity const& runner = *call.identity;
  if (two_stages()) {
    std::vector<Claim> offered = offers_.take(runner.name);
    if (!offered.empty()) {
      Response again = co_await offer_again(std::move(offered), query->max, runner);
      if (again.status != 200 || !again.claims.empty()) co_return again;
    }
  }

  PollId const poll = matcher_.park(runner.name, runner.tags, query->max, clock_.now() + query->wait);
  if (two_stages()) replace_poll(runner.name, poll);
  call.peer.watch([this, poll] { matcher_.cancel(poll); });
  Assignment assignment = co_await matcher_.answer(poll);
  call.peer.unwatch();
  if (two_stages()) forget_poll(runner.name, poll);
  Duration const valid = two_stages() ? options_.offer : options_.lease;
  if (options_.fenced && !assignment.claims.empty() && clock_.now() >= assignment.demanded_at + valid) {
    // We stood still: whoever swept these claims may have given the runs to others.
    counts_.late_claims += assignment.claims.size();
    matcher_.give_back(std::exchange(assignment.claims, {}));
    assignment.end = Assignment::End::expired;
  }

  Response response;
  switch (assignment.end) {
    case Assignment::End::assigned:
      counts_.dispatch_wait.record((assignment.demanded_at - assignment.matchable_at).count());
      counts_.claim_commit.record((assignment.claimed_at - assignment.demanded_at).count());
      break;
    case Assignment::End::cancelled: ++counts_.abandoned_polls; break;
    case Assignment::End::expired:
    case Assignment::End::stopped: ++counts_.empty_polls; break;
  }
  response.body = protocol::encode(assignment.claims, valid);
  response.claims = std::move(assignment.claims);
  response.asked_at = assignment.demanded_at;
  response.claimed_at = assignment.claimed_at;
  if (two_stages()) response.lease = Response::Lease::offered;
  co_return response;
}

// A runner that polls has given up its poll before, whether we have seen that connection end or not: what would still
// be given to it would be given to nobody.
void Api::replace_poll(std::string const& runner, PollId poll) {
  auto const [known, first] = polls_.try_emplace(runner, poll);
  if (!first) matcher_.cancel(std::exchange(known->second, poll));
}

void Api::forget_poll(std::string const& runner, PollId poll) {
  auto const known = polls_.find(runner);
  if (known != polls_.end() && known->second == poll) polls_.erase(known);
}

// No error and no claims: they are not this runner's any more.
Awaitable<Response> Api::offer_again(std::vector<Claim> claims, std::size_t max, Identity const& runner) {
  if (claims.size() > max) {
    auto const rest = claims.begin() + static_cast<std::ptrdiff_t>(max);
    std::vector<Claim> too_many{std::make_move_iterator(rest), std::make_move_iterator(claims.end())};
    claims.erase(rest, claims.end());
    matcher_.give_back(std::move(too_many));
  }
  std::vector<ClaimRef> references;
  for (Claim const& claim : claims) references.push_back({claim.run, claim.token});
  auto const renewed = co_await renew(std::move(references), options_.offer, runner);
  if (!renewed) {
    offers_.add(runner.name, std::move(claims));
    co_return error_response(renewed.error());
  }
  Response response;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    // In doubt, too: the lease may be the one of before, which is no reason to keep the run to ourselves.
    bool const ours = (*renewed)[i] == Outcome::ok || (*renewed)[i] == Outcome::in_doubt;
    if (ours) response.claims.push_back(std::move(claims[i]));
  }
  response.body = protocol::encode(response.claims, options_.offer);
  response.lease = Response::Lease::offered_again;
  co_return response;
}

void Api::delivered(Response const& response, Peer const& peer) {
  if (response.claims.empty()) return;
  std::string const& runner = peer.known_identity->name;
  if (response.lease != Response::Lease::whole) offers_.add(runner, response.claims);
  if (response.lease == Response::Lease::offered_again) {
    counts_.offered_again += response.claims.size();
    return;  // when it was asked for, claimed and delivered, has been told before
  }
  TimePoint const now = clock_.now();
  counts_.response_write.record((now - response.claimed_at).count());
  counts_.delivered_claims += response.claims.size();
  protocol::ClaimTimes const times{response.asked_at, response.claimed_at};
  for (auto const& claim : response.claims) {
    ledger_.append(now, "delivered", claim.run, claim.attempt, claim.token, runner, times);
  }
}

void Api::undelivered(Response response) {
  counts_.undelivered_claims += response.claims.size();
  matcher_.give_back(std::move(response.claims));
}

Awaitable<Result<std::vector<Outcome>>> Api::renew(std::vector<ClaimRef> claims, Duration lease,
                                                   Identity const& runner) {
  auto renewed = co_await store_.renew(claims, lease);
  for (std::size_t i = 0; i < claims.size(); ++i) note_renewal(renewed, i, claims[i], runner.name);
  co_return renewed;
}

// What came in the same answers.
std::vector<ClaimRef> Api::received_with(std::span<ClaimRef const> claims, Identity const& runner) {
  return two_stages() ? offers_.received(runner.name, claims) : std::vector<ClaimRef>{};
}

Awaitable<Response> Api::start(Call call) {
  auto const id = parse_run_id(call.id_text);
  if (!id) co_return error_response(400, not_a_run_id(call.id_text).detail);
  auto const token = protocol::decode_start(call.request.body);
  if (!token) co_return error_response(400, token.error().detail);
  std::vector<ClaimRef> claims{{*id, *token}};
  auto const others = received_with(claims, *call.identity);
  claims.insert(claims.end(), others.begin(), others.end());
  auto const renewed = co_await renew(std::move(claims), options_.lease, *call.identity);
  if (!renewed) co_return error_response(renewed.error());
  co_return told(renewed->front(), *id, *token, "started");
}

Awaitable<Response> Api::heartbeat(Call call) {
  auto decoded = protocol::decode_heartbeat(call.request.body);
  if (!decoded) co_return error_response(400, decoded.error().detail);
  protocol::HeartbeatAnswer answer;
  auto const& told = decoded->claims;
  if (!told.empty()) {
    std::vector<ClaimRef> claims = told;
    auto const others = received_with(claims, *call.identity);
    claims.insert(claims.end(), others.begin(), others.end());
    auto const renewed = co_await renew(std::move(claims), options_.lease, *call.identity);
    if (!renewed) co_return error_response(renewed.error());
    for (std::size_t i = 0; i < told.size(); ++i) answer.claims.push_back({told[i].run, (*renewed)[i]});
  }
  co_return ok(protocol::encode(answer));
}

}  // namespace assay
