// The postgres-skip-locked store: what most people write, and write well. One table, partial indexes, one transaction
// per claim (UPDATE … WHERE id = (SELECT … FOR UPDATE SKIP LOCKED LIMIT 1)), one statement per submission and report,
// over a pool of plain connections. No batching, no interned tags: it is what postgres-batch is compared with, so it
// must stay honest in both directions. Easy to get wrong: the run keeps its last token until the next claim, that is
// how a repeated report is told from a stale one.
#pragma once

#include "reference_coordinator/backends/postgres/pool.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <memory>
#include <vector>

namespace assay::postgres {

class SkipLockedStore final : public ClaimStore {
 public:
  static Awaitable<Result<OpenedStore>> open(Executor executor, StoreOptions options);

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
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

 private:
  struct Report {
    RunId run;
    Command command;
    int says;  // 1 completed, 2 failed, 0 nothing that could be repeated
    std::optional<Outcome> outcome;
  };
  struct Reporting;  // one call's reports, shared by the coroutines that work on them
  struct Claiming;   // one call's demands, likewise

  SkipLockedStore(Executor executor, RetryPolicy retry, std::uint64_t epoch);

  Report report(ClaimRef const& claim, char const* statement, int says, std::vector<std::string> more) const;
  Awaitable<Result<std::vector<Outcome>>> report_all(std::vector<Report> reports);
  Awaitable<void> report_each(std::shared_ptr<Reporting> call);
  Awaitable<Result<Outcome>> report_one(Command command, RunId run, int says);
  Awaitable<void> claim_each(std::shared_ptr<Claiming> call);
  Awaitable<Result<Rows>> read(Command command);

  Executor executor_;
  RetryPolicy retry_;
  std::optional<std::string> temporary_url_;  // the schema goes when we do
  std::uint64_t epoch_;
  std::uint64_t next_counter_ = 1;
  StoreCounters counters_;
  Pool pool_;
};

}  // namespace assay::postgres
