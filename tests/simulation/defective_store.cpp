#include "tests/simulation/defective_store.hpp"

#include <utility>

namespace assay::simulation {

std::string_view to_string(Defect defect) {
  switch (defect) {
    case Defect::none: return "none";
    case Defect::hands_out_twice: return "hands out twice";
    case Defect::accepts_stale: return "accepts stale completions";
    case Defect::loses_a_submission: return "loses a submission";
    case Defect::forgets_a_release: return "forgets a release";
    case Defect::sweeps_too_early: return "ends renewed leases early";
    case Defect::passes_over_a_run: return "passes over a run";
  }
  return "?";
}

Awaitable<Result<std::vector<Outcome>>> DefectiveStore::submit(std::vector<RunSpec> runs) {
  TimePoint const before = std::exchange(last_submission_, clock_.now());
  if (defect_ == Defect::loses_a_submission && clock_.now() - before < close_by) {
    co_return std::vector<Outcome>(runs.size(), Outcome::ok);
  }
  auto outcomes = co_await below_.submit(std::move(runs));
  co_return outcomes;
}

Awaitable<Result<Submitted>> DefectiveStore::submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                              Duration lease) {
  Submitted submitted;
  auto outcomes = co_await submit(std::move(runs));
  if (!outcomes) co_return outcomes.error();
  submitted.outcomes = *std::move(outcomes);
  auto claims = co_await claim(std::move(demands), lease);
  if (claims) submitted.claims = *std::move(claims);
  co_return submitted;
}

Awaitable<Result<std::vector<Claim>>> DefectiveStore::claim(std::vector<Demand> demands, Duration lease) {
  TimePoint const before = std::exchange(last_claim_, clock_.now());
  if (defect_ == Defect::passes_over_a_run && demands.front().count == 1) {
    auto second = co_await claim_second(std::move(demands), lease);
    co_return second;
  }
  std::vector<Demand> const asked = demands;
  auto claims = co_await below_.claim(std::move(demands), lease);
  if (!claims) co_return claims;
  std::optional<Claim> const earlier = std::exchange(last_given_, std::nullopt);
  if (!claims->empty()) last_given_ = claims->back();
  bool const twice = defect_ == Defect::hands_out_twice && earlier && clock_.now() - before < close_by;
  for (std::uint32_t i = 0; twice && i < asked.size(); ++i) {
    std::uint32_t given = 0;
    for (Claim const& claim : *claims) given += claim.demand == i;
    if (given == asked[i].count || !asked[i].offered.includes(earlier->required)) continue;
    Claim again = *earlier;
    again.demand = i;
    again.token.counter = ++forged_;
    claims->push_back(std::move(again));
    break;
  }
  co_return claims;
}

Awaitable<Result<std::vector<Claim>>> DefectiveStore::claim_second(std::vector<Demand> demands, Duration lease) {
  std::vector<Demand> first;
  first.push_back(demands.front());
  auto best = co_await below_.claim(std::move(first), lease);
  if (!best || best->empty()) co_return best;
  auto claims = co_await below_.claim(std::move(demands), lease);
  bool const one_only = claims->empty() || claims->front().demand != 0;
  if (one_only) {
    claims->push_back(best->front());
    co_return claims;
  }
  std::vector<ClaimRef> passed;
  passed.push_back({best->front().run, best->front().token});
  co_await below_.release(std::move(passed));
  co_return claims;
}

Awaitable<Result<std::vector<Outcome>>> DefectiveStore::renew(std::vector<ClaimRef> claims, Duration lease) {
  auto const count = claims.size();
  if (defect_ == Defect::sweeps_too_early) co_return std::vector<Outcome>(count, Outcome::ok);
  auto outcomes = co_await below_.renew(std::move(claims), lease);
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> DefectiveStore::complete(std::vector<Completion> completions) {
  auto outcomes = co_await below_.complete(std::move(completions));
  if (defect_ != Defect::accepts_stale || !outcomes) co_return outcomes;
  for (Outcome& outcome : *outcomes) {
    if (outcome == Outcome::stale_token) outcome = Outcome::ok;
  }
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> DefectiveStore::release(std::vector<ClaimRef> claims) {
  if (defect_ == Defect::forgets_a_release && clock_.now() - last_claim_ < close_by) {
    co_return std::vector<Outcome>(claims.size(), Outcome::ok);
  }
  auto outcomes = co_await below_.release(std::move(claims));
  co_return outcomes;
}

}  // namespace assay::simulation
