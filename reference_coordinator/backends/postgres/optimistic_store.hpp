// The backend postgres-optimistic: an orchestrator that polls. One UPDATE takes a batch of up to ten runs that were
// ready when it looked, on the condition that they still are; who comes second waits for the first to commit and gets
// nothing. README.md tells what it is a model of. Easy to get wrong: runs that were seen and not won are a lost race,
// not an empty store, so it looks again. How many runs an orchestrator asks for, and whether it has room for them, is
// its own affair (the scenario's fleet.orchestrator.clamp): a store gives what is asked for.
#pragma once

#include "reference_coordinator/backends/postgres/batcher.hpp"
#include "reference_coordinator/backends/postgres/merged_demands.hpp"
#include "reference_coordinator/backends/postgres/table_store.hpp"

namespace assay::postgres {

TableStrategy optimistic_strategy();

class OptimisticStore final : public TableStore {
 public:
  static Awaitable<Result<OpenedStore>> open(Executor executor, StoreOptions options);

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;

 private:
  struct Poll {
    std::uint64_t seen = 0;
    std::vector<std::pair<std::size_t, Claim>> won;  // with their place in the batch, from 0
  };

  OptimisticStore(Executor executor, StoreOptions const& options);

  Awaitable<Result<std::vector<std::vector<Claim>>>> poll_for(std::vector<ClaimRequest> requests);
  Awaitable<Result<Poll>> poll(TagSet offered, Duration lease, std::vector<std::string> runners);

  Batcher<ClaimRequest, std::vector<Claim>> polls_;
};

}  // namespace assay::postgres
