// A ClaimStore that passes everything on to the memory backend, for tests to derive from and get in the way of.
#pragma once

#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/run_coroutine.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace assay {

Backend backend_memory();

namespace test {

class ForwardingStore : public ClaimStore {
 public:
  ForwardingStore(asio::io_context& io, Clock const& clock)
      : store_{std::move(run_coroutine(io, backend_memory().open(io, clock, StoreOptions{}))->store)} {}

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override {
    return store_->submit(std::move(runs));
  }
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override {
    return store_->submit_and_claim(std::move(runs), std::move(demands), lease);
  }
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    return store_->claim(std::move(demands), lease);
  }
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    return store_->renew(std::move(claims), lease);
  }
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override {
    return store_->complete(std::move(completions));
  }
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override {
    return store_->fail(std::move(failures));
  }
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override {
    return store_->release(std::move(claims));
  }
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override { return store_->sweep(max); }
  Awaitable<Result<Depth>> depth() override { return store_->depth(); }
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override { return store_->find(id); }
  StoreCounters counters() const override { return store_->counters(); }
  std::size_t pending_writes() const override { return store_->pending_writes(); }
  Awaitable<void> close() override { return store_->close(); }

 private:
  std::unique_ptr<ClaimStore> store_;
};

}  // namespace test
}  // namespace assay
