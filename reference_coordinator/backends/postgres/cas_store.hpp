// The backend postgres-cas: a gateway that claims one row at a time by compare-and-swap. It looks which runs are
// pending, then says UPDATE … WHERE id = … AND state = pending for each; no row means that another gateway has it, and
// it skips. A claim's deadline is at most 30 s away. README.md tells what it is a model of.
#pragma once

#include "reference_coordinator/backends/postgres/batcher.hpp"
#include "reference_coordinator/backends/postgres/merged_demands.hpp"
#include "reference_coordinator/backends/postgres/table_store.hpp"

namespace assay::postgres {

TableStrategy cas_strategy();

class CasStore final : public TableStore {
 public:
  static constexpr Duration claim_deadline = seconds{30};

  static Awaitable<Result<OpenedStore>> open(Executor executor, StoreOptions options);

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<void> close() override;

 private:
  struct Round;  // candidates of one look, shared by the coroutines that try them

  CasStore(Executor executor, StoreOptions const& options);

  Awaitable<Result<std::vector<std::vector<Claim>>>> claim_for(std::vector<ClaimRequest> requests);
  Awaitable<void> try_each(std::shared_ptr<Round> round);

  Batcher<ClaimRequest, std::vector<Claim>> lookers_;
};

}  // namespace assay::postgres
