// The backend postgres-skip-locked: what most people write, and write well. One transaction per claim, UPDATE … WHERE
// id = (SELECT … FOR UPDATE SKIP LOCKED LIMIT 1), as many of them side by side as there are connections.
#pragma once

#include "reference_coordinator/backends/postgres/table_store.hpp"

namespace assay::postgres {

TableStrategy skip_locked_strategy();

class SkipLockedStore final : public TableStore {
 public:
  static Awaitable<Result<OpenedStore>> open(Executor executor, StoreOptions options);

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;

 private:
  using TableStore::TableStore;
  struct Claiming;  // one call's demands, shared by the coroutines that work on them

  Awaitable<void> claim_each(std::shared_ptr<Claiming> call);
};

}  // namespace assay::postgres
