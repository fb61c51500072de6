// What the coordinator does with each request, sockets aside: authenticates, decodes, calls the store or the matcher,
// and says it in HTTP. The connection below it is seen as a Peer only, so that tests can be one. Counts what happens,
// for /stats. Easy to get wrong: whoever gets a Response with claims must tell delivered() or undelivered().
#pragma once

#include "harness/base/async.hpp"
#include "harness/base/random.hpp"
#include "harness/measure/loop_monitor.hpp"
#include "reference_coordinator/claim_core/matcher.hpp"
#include "reference_coordinator/claim_core/measured_store.hpp"
#include "reference_coordinator/claim_core/offers.hpp"
#include "reference_coordinator/claim_core/reply_desk.hpp"
#include "reference_coordinator/claim_core/reply_path.hpp"
#include "reference_coordinator/http/identities.hpp"
#include "reference_coordinator/http/request.hpp"
#include "reference_coordinator/http/response.hpp"
#include "reference_coordinator/http/routes.hpp"
#include "reference_coordinator/http/store_probe.hpp"
#include "reference_coordinator/protocol/ledger.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <array>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

namespace assay {

// The other end of a connection, while a handler works for it.
class Peer {
 public:
  virtual ~Peer() = default;
  // Until unwatch(): calls `gone` once, when the peer goes away.
  virtual void watch(std::function<void()> gone) = 0;
  virtual void unwatch() = 0;

  // Who it was at its last request: the next one mostly carries the same token.
  std::string known_token;
  Identity const* known_identity = nullptr;
};

struct ApiOptions {
  std::string backend;
  Duration lease = seconds{60};
  Duration offer{};      // until the runner says that it has the run; less than the lease. 0: the whole lease at once
  int max_attempts = 3;  // of submissions that name no number
  // How often a submission that waits for its run looks into the store, because another coordinator may have heard of
  // the end. 0: never.
  Duration reply_lookup{};
  bool push = false;  // runners may connect for push
  // False: whoever reports a run's end is believed, whether the claim is current or not; and a claim is given out
  // however long ago it was made. What a gateway does that keeps no token (source 004).
  bool fenced = true;
  // The backend's own way of getting results to who waits; nullptr: none, reports are told to who waits here.
  ReplyPath* replies = nullptr;
};

class Api {
 public:
  Api(Executor executor, Clock const& clock, MeasuredStore& store, Matcher& matcher, Identities const& identities,
      protocol::Ledger& ledger, ApiOptions options);

  // Both must outlive the call.
  Awaitable<Response> handle(Request const& request, Peer& peer);
  // A request that never became one: counted, and answered with 4xx.
  Response refuse(Refusal const& refusal);

  void delivered(Response const& response, Peer const& peer);
  void undelivered(Response response);
  // What sweeps found and what was given back, for the ledger.
  void swept(SweepResult const& result);
  void given_back(std::span<Claim const> claims);
  // A claim was failed because its runner's push connection ended, and what the store said to that. Who waits for the
  // run is answered 502.
  void broken(ClaimRef const& claim, Result<Outcome> const& outcome, std::string const& cause);

  Matcher& matcher() { return matcher_; }
  ReplyDesk& desk() { return desk_; }
  Clock const& clock() const { return clock_; }
  Duration lease() const { return options_.lease; }
  // The server counts its connections here.
  protocol::CoordinatorStats& counts() { return counts_; }
  // What /stats answers; how deep the store is, is not asked unless wanted.
  Awaitable<protocol::CoordinatorStats> snapshot(bool with_depth = true);
  void start();
  // To be awaited before the store is closed.
  Awaitable<void> stop();

 private:
  static constexpr std::size_t route_count = 11;
  static constexpr std::size_t no_route = route_count;
  static constexpr std::size_t statuses = 600;

  struct Call {
    Request const& request;
    std::string_view query;
    std::string_view id_text;
    Identity const* identity;  // nullptr for routes that anyone may call
    Peer& peer;
  };

  struct Taken {  // what became of one submission
    Outcome outcome = Outcome::ok;
    Response refusal;  // unless the run is known now

    bool is_known() const { return outcome == Outcome::ok || outcome == Outcome::already_done; }
  };

  Awaitable<Response> submit(Call call);
  Awaitable<Taken> take(Call call, RunSpec run);
  Awaitable<Response> submit_and_wait(Call call, RunSpec run, Duration longest);
  Awaitable<Response> submit_batch(Call call);
  Awaitable<Response> find(Call call);
  Awaitable<Response> poll(Call call);
  Awaitable<Response> push(Call call);
  Awaitable<Response> start(Call call);
  Awaitable<Response> report(Call call);
  Awaitable<Response> heartbeat(Call call);
  Awaitable<Response> healthz(Call call);
  Awaitable<Response> stats(Call call);
  Awaitable<Response> metrics(Call call);

  Awaitable<Response> dispatch(Endpoint endpoint, Call call);
  Awaitable<Response> find_by_id(RunId id);

  bool two_stages() const { return options_.offer > Duration{0}; }
  void replace_poll(std::string const& runner, PollId poll);
  void forget_poll(std::string const& runner, PollId poll);
  Awaitable<Response> offer_again(std::vector<Claim> claims, std::size_t max, Identity const& runner);
  std::vector<ClaimRef> received_with(std::span<ClaimRef const> claims, Identity const& runner);
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease, Identity const& runner);

  Identity const* identify(Request const& request, Peer& peer) const;
  RunSpec accept(protocol::Submission submission);
  Response told(Outcome outcome, RunId const& run, ClaimToken token, std::string_view verb);
  void note_renewal(Result<std::vector<Outcome>> const& renewed, std::size_t item, ClaimRef const& claim,
                    std::string_view who);
  void note(std::string_view event, RunId const& run, std::optional<ClaimToken> token, std::string_view who);
  void count(std::size_t route, unsigned status);

  Executor executor_;
  Clock const& clock_;
  MeasuredStore& store_;
  Matcher& matcher_;
  Identities const& identities_;
  protocol::Ledger& ledger_;
  ApiOptions options_;
  ReplyDesk desk_;
  Offers offers_;                                  // both empty without two stages
  std::unordered_map<std::string, PollId> polls_;  // that are parked, by runner
  StoreProbe probe_;
  LoopMonitor loop_monitor_;
  Signal loop_monitor_ended_;
  bool watching_loop_ = false;
  Random random_;
  std::set<ClaimToken> believed_;  // unfenced: reports of claims that were not current
  TimePoint started_at_;
  protocol::CoordinatorStats counts_;  // what is counted here and in the server; snapshot() adds the rest
  std::array<std::array<std::uint64_t, statuses>, route_count + 1> requests_{};
};

}  // namespace assay
