// What the one-table strategies share: every verb of ClaimStore but claim(), each one statement and one transaction,
// over a pool of plain connections. A strategy derives from it and claims in its own way. No batching of reports, no
// interned tags: it is what postgres-batch is compared with, so it must stay honest in both directions. Easy to get
// wrong: the run keeps its last token until the next claim, that is how a repeated report is told from a stale one.
#pragma once

#include "reference_coordinator/backends/postgres/pool.hpp"
#include "reference_coordinator/backends/postgres/table_sql.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::postgres {

inline constexpr std::size_t max_items_per_call = 10'000;

class TableStore : public ClaimStore {
 public:
  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override;
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override;
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override;
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override;
  Awaitable<Result<Depth>> depth() override;
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override;

  StoreCounters counters() const override;
  std::size_t pending_writes() const override { return pool_.busy_or_waiting(); }
  Awaitable<void> close() override;

 protected:
  TableStore(Executor executor, StoreOptions const& options, TableStrategy strategy);

  // Creates or checks the schema and connects. Errors as Backend::open.
  static Awaitable<Result<OpenedStore>> open(std::unique_ptr<TableStore> store);

  ClaimToken next_token() { return {epoch_, next_counter_++}; }
  // Of a row (id, attempts, required, priority, payload) that begins at column `first`.
  static Claim claim_of(Rows const& rows, std::size_t row, int first, ClaimToken token);

  // As Pool::run, for a question: about that there is no doubt.
  Awaitable<Result<Rows>> read(Batch question);

  Executor executor_;
  Pool pool_;
  StoreCounters counters_;

 private:
  struct Report {
    RunId run;
    Command command;
    int says;  // 1 completed, 2 failed, 0 nothing that could be repeated
    std::optional<Outcome> outcome;
  };
  struct Reporting;  // one call's reports, shared by the coroutines that work on them

  Report report(ClaimRef const& claim, char const* statement, int says, std::vector<std::string> more) const;
  Awaitable<Result<std::vector<Outcome>>> report_all(std::vector<Report> reports);
  Awaitable<void> report_each(std::shared_ptr<Reporting> call);
  Awaitable<Result<Outcome>> report_one(Command command, RunId run, int says);

  StoreOptions options_;
  TableStrategy strategy_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_counter_ = 1;
};

std::optional<Error> too_many(std::size_t items);  // for one call; nothing when it is not

}  // namespace assay::postgres
