// The backend "memory": RunTable behind the ClaimStore interface. Nothing ever waits, so every call is answered at once
// and each is one atomic step of the event loop. Nothing survives the process.
#include "harness/base/random.hpp"
#include "reference_coordinator/backends/memory/run_table.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <algorithm>
#include <utility>

namespace assay {

namespace {

class MemoryStore final : public ClaimStore {
 public:
  MemoryStore(Clock const& clock, RunTable::Options options) : clock_{clock}, table_{options} {}

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override {
    TimePoint const now = clock_.now();
    std::vector<Outcome> outcomes;
    outcomes.reserve(runs.size());
    for (RunSpec& run : runs) outcomes.push_back(table_.submit(std::move(run), now));
    co_return outcomes;
  }

  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override {
    auto outcomes = co_await submit(std::move(runs));
    auto claims = co_await claim(std::move(demands), lease);
    Submitted submitted;
    submitted.outcomes = *std::move(outcomes);
    submitted.claims = *std::move(claims);
    co_return submitted;
  }

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    TimePoint const now = clock_.now();
    std::vector<Claim> claims;
    for (std::uint32_t i = 0; i < demands.size(); ++i) table_.claim(demands[i], i, lease, now, claims);
    counters_.claim_attempts += std::max<std::size_t>(1, claims.size());
    co_return claims;
  }

  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    TimePoint const now = clock_.now();
    std::vector<Outcome> outcomes;
    outcomes.reserve(claims.size());
    for (ClaimRef const& claim : claims) outcomes.push_back(table_.renew(claim, lease, now));
    co_return outcomes;
  }

  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override {
    std::vector<Outcome> outcomes;
    outcomes.reserve(completions.size());
    for (Completion& completion : completions) outcomes.push_back(table_.complete(std::move(completion)));
    co_return outcomes;
  }

  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override {
    TimePoint const now = clock_.now();
    std::vector<Outcome> outcomes;
    outcomes.reserve(failures.size());
    for (FailedAttempt& failure : failures) outcomes.push_back(table_.fail(std::move(failure), now));
    co_return outcomes;
  }

  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override {
    TimePoint const now = clock_.now();
    std::vector<Outcome> outcomes;
    outcomes.reserve(claims.size());
    for (ClaimRef const& claim : claims) outcomes.push_back(table_.release(claim, now));
    co_return outcomes;
  }

  Awaitable<Result<SweepResult>> sweep(std::size_t max) override { co_return table_.sweep(max, clock_.now()); }
  Awaitable<Result<Depth>> depth() override { co_return table_.depth(clock_.now()); }
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override { co_return table_.find(id); }

  StoreCounters counters() const override { return counters_; }
  std::size_t pending_writes() const override { return 0; }
  Awaitable<void> close() override { co_return; }

 private:
  Clock const& clock_;
  RunTable table_;
  StoreCounters counters_;
};

Awaitable<Result<OpenedStore>> open_memory(asio::io_context&, Clock const& clock, StoreOptions options) {
  RunTable::Options table;
  table.retry = options.retry;
  table.epoch = random_seed();
  OpenedStore opened;
  opened.store = std::make_unique<MemoryStore>(clock, table);
  opened.facts = {{"durability", "none: runs live and die with the coordinator's process"}};
  co_return opened;
}

}  // namespace

Backend backend_memory() {
  Backend backend;
  backend.name = "memory";
  backend.description = "in the coordinator's own memory: the reference for semantics, and the floor for latency";
  backend.capabilities.durability = Capabilities::Durability::none;
  backend.capabilities.wake = Capabilities::Wake::native;
  backend.capabilities.sync_match = true;
  backend.open = open_memory;
  return backend;
}

}  // namespace assay
