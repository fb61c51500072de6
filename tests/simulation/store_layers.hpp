// What the simulation puts between a coordinator and the memory backend, each a ClaimStore over another one:
//
//   coordinator → FaultyStore (slow, refusing, in doubt; one per life of a coordinator) → StoreWitness
//               → DefectiveStore (only to prove that defects are found) → memory
//
// Easy to get wrong: an effect of the store is one step of the simulation, its answer comes later or never.
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"

namespace assay::simulation {

class StoreLayer : public ClaimStore {
 public:
  explicit StoreLayer(ClaimStore& below) : below_{below} {}

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override {
    return below_.submit(std::move(runs));
  }
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override {
    return below_.submit_and_claim(std::move(runs), std::move(demands), lease);
  }
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    return below_.claim(std::move(demands), lease);
  }
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    return below_.renew(std::move(claims), lease);
  }
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override {
    return below_.complete(std::move(completions));
  }
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override {
    return below_.fail(std::move(failures));
  }
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override {
    return below_.release(std::move(claims));
  }
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override { return below_.sweep(max); }
  Awaitable<Result<Depth>> depth() override { return below_.depth(); }
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override { return below_.find(id); }
  StoreCounters counters() const override { return below_.counters(); }
  std::size_t pending_writes() const override { return below_.pending_writes(); }
  Awaitable<void> close() override { return below_.close(); }

 protected:
  ClaimStore& below_;
};

}  // namespace assay::simulation
