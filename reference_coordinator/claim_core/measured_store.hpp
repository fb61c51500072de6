// Measurement wraps from outside: a ClaimStore that passes everything on to another one and keeps, per operation, how
// long the calls took and how they ended. What a wrapped store answers is not touched. Used by the coordinator around
// whatever backend it opened. Latencies are of whole calls, batches included; errors are timed too, because a slow
// error is slow.
#pragma once

#include "harness/histogram/histogram.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace assay {

enum class StoreOperation : std::uint8_t { submit, claim, renew, complete, fail, release, sweep, depth, find };
inline constexpr std::size_t store_operation_count = 9;

std::string_view to_string(StoreOperation operation);

struct StoreOperationStats {
  Histogram latency;            // nanoseconds per call, those that ended in an error included
  std::uint64_t calls = 0;      // that have returned
  std::uint64_t in_flight = 0;  // called, not returned
  std::uint64_t items = 0;      // handed in (claim: runs asked for), over all calls that have returned
  std::uint64_t empty = 0;      // claims that brought no run, sweeps that found nothing, lookups that failed
  std::array<std::uint64_t, 7> outcomes{};  // by Outcome, per item; claims and sweeps count their runs as ok
  std::array<std::uint64_t, 6> errors{};    // by ErrorKind, per call

  std::uint64_t outcome(Outcome which) const { return outcomes[static_cast<std::size_t>(which)]; }
  std::uint64_t error(ErrorKind which) const { return errors[static_cast<std::size_t>(which)]; }
};

struct StoreSnapshot {
  std::array<StoreOperationStats, store_operation_count> operations;
  StoreCounters counters;
  std::size_t pending_writes = 0;
  std::vector<StoreFigure> figures;

  StoreOperationStats const& of(StoreOperation operation) const {
    return operations[static_cast<std::size_t>(operation)];
  }
};

class MeasuredStore final : public ClaimStore {
 public:
  MeasuredStore(std::unique_ptr<ClaimStore> store, Clock const& clock) : store_{std::move(store)}, clock_{clock} {}

  StoreSnapshot snapshot() const;

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  // Timed as a submission; its claims count with those of claim().
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override;
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override;
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override;
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override;
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override;
  Awaitable<Result<Depth>> depth() override;
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override;
  StoreCounters counters() const override { return store_->counters(); }
  std::vector<StoreFigure> figures() const override { return store_->figures(); }
  std::size_t pending_writes() const override { return store_->pending_writes(); }
  Awaitable<void> close() override;

 private:
  StoreOperationStats& stats(StoreOperation operation) { return operations_[static_cast<std::size_t>(operation)]; }

  std::unique_ptr<ClaimStore> store_;
  Clock const& clock_;
  std::array<StoreOperationStats, store_operation_count> operations_;
};

}  // namespace assay
