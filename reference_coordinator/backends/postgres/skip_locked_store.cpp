#include "reference_coordinator/backends/postgres/skip_locked_store.hpp"

#include <algorithm>
#include <set>

namespace assay::postgres {

namespace {

void rethrow(std::exception_ptr bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

TableStrategy skip_locked_strategy() {
  TableStrategy strategy;
  strategy.schema = "assay_skip_locked";
  strategy.indexes = {"CREATE INDEX runs_ready ON {0}.runs (priority DESC, seq) WHERE state = 1"};
  strategy.claiming = {{"claim", std::string{"UPDATE {0}.runs "} + take_run +
                                     " WHERE id = (SELECT id FROM {0}.runs WHERE state = 1 AND required <@ "
                                     "string_to_array($1::text, ',') ORDER BY priority DESC, seq LIMIT 1 FOR UPDATE "
                                     "SKIP LOCKED) RETURNING id, attempts, array_to_string(required, ','), priority, "
                                     "payload"}};
  strategy.explained = "claim ('', 1, 1, 1000000, 'r')";
  return strategy;
}

Awaitable<Result<OpenedStore>> SkipLockedStore::open(Executor executor, StoreOptions options) {
  return TableStore::open(std::unique_ptr<TableStore>{new SkipLockedStore{executor, options, skip_locked_strategy()}});
}

struct SkipLockedStore::Claiming {
  Claiming(Executor executor, std::vector<Demand> d, Duration l) : demands{std::move(d)}, lease{l}, done{executor} {}
  std::vector<Demand> demands;
  Duration lease;
  std::size_t demand = 0;    // the next to be served
  std::uint32_t served = 0;  // statements started for it
  std::set<TagSet> empty;    // offers for which nothing was found in this call
  std::vector<Claim> claims;
  std::size_t working = 0;
  std::optional<Error> error;
  Signal done;
};

Awaitable<Result<std::vector<Claim>>> SkipLockedStore::claim(std::vector<Demand> demands, Duration lease) {
  if (std::optional<Error> error = too_many(demands.size())) co_return *std::move(error);
  std::uint64_t units = 0;
  for (Demand const& demand : demands) units += demand.count;
  if (units == 0) co_return std::vector<Claim>{};
  auto const call = std::make_shared<Claiming>(executor_, std::move(demands), lease);
  call->working = static_cast<std::size_t>(std::min<std::uint64_t>(units, pool_.size()));
  for (std::size_t i = call->working; i > 0; --i) asio::co_spawn(executor_, claim_each(call), rethrow);
  while (call->working > 0) co_await call->done.wait_until();
  if (call->error && call->claims.empty()) co_return *std::move(call->error);
  co_return std::move(call->claims);
}

Awaitable<void> SkipLockedStore::claim_each(std::shared_ptr<Claiming> call) {
  while (call->demand < call->demands.size() && !call->error) {
    std::size_t const index = call->demand;
    Demand const& demand = call->demands[index];
    // Nothing fitted a moment ago: nothing fits the next runner with the same tags.
    if (call->served == demand.count || call->empty.contains(demand.offered)) {
      ++call->demand;
      call->served = 0;
      continue;
    }
    ++call->served;
    ClaimToken const token = next_token();
    Command command;
    command.statement = "claim";
    command.parameters = {demand.offered.key(), int8(static_cast<std::int64_t>(token.epoch)),
                          int8(static_cast<std::int64_t>(token.counter)), int8(microseconds_of(call->lease)),
                          demand.runner};
    ++counters_.claim_attempts;
    Result<Rows> rows = co_await pool_.run(std::move(command));
    if (!rows) {
      call->error = rows.error();
    } else if (rows->size() == 0) {
      call->empty.insert(demand.offered);
    } else {
      Claim claim = claim_of(*rows, 0, 0, token);
      claim.demand = static_cast<std::uint32_t>(index);
      call->claims.push_back(std::move(claim));
    }
  }
  if (--call->working == 0) call->done.notify();
}

}  // namespace assay::postgres
