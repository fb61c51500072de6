#include "reference_coordinator/claim_core/measured_store.hpp"

#include <utility>

namespace assay {

namespace {

// One call, from before the wrapped coroutine starts until after it answered. A call that is abandoned (its coroutine
// destroyed) leaves `in_flight` too, but is in no other figure: how it would have ended is not known.
class Call {
 public:
  Call(StoreOperationStats& stats, Clock const& clock, std::size_t items)
      : stats_{stats}, clock_{clock}, started_{clock.now()}, items_{items} {
    ++stats_.in_flight;
  }
  Call(Call const&) = delete;
  Call& operator=(Call const&) = delete;
  ~Call() { --stats_.in_flight; }

  template <class T>
  bool returned(Result<T> const& result) {
    stats_.latency.record((clock_.now() - started_).count());
    ++stats_.calls;
    stats_.items += items_;
    if (!result) ++stats_.errors[static_cast<std::size_t>(result.error().kind)];
    return result.has_value();
  }

  void returned_outcomes(Result<std::vector<Outcome>> const& result) {
    if (!returned(result)) return;
    for (Outcome const outcome : *result) count(outcome);
  }

  void count(Outcome outcome, std::uint64_t times = 1) { stats_.outcomes[static_cast<std::size_t>(outcome)] += times; }
  void was_empty() { ++stats_.empty; }

 private:
  StoreOperationStats& stats_;
  Clock const& clock_;
  TimePoint started_;
  std::size_t items_;
};

}  // namespace

std::string_view to_string(StoreOperation operation) {
  switch (operation) {
    case StoreOperation::submit: return "submit";
    case StoreOperation::claim: return "claim";
    case StoreOperation::renew: return "renew";
    case StoreOperation::complete: return "complete";
    case StoreOperation::fail: return "fail";
    case StoreOperation::release: return "release";
    case StoreOperation::sweep: return "sweep";
    case StoreOperation::depth: return "depth";
    case StoreOperation::find: return "find";
  }
  return "unknown";
}

StoreSnapshot MeasuredStore::snapshot() const { return {operations_, store_->counters(), store_->pending_writes(), store_->figures()}; }

Awaitable<Result<std::vector<Outcome>>> MeasuredStore::submit(std::vector<RunSpec> runs) {
  Call call{stats(StoreOperation::submit), clock_, runs.size()};
  auto result = co_await store_->submit(std::move(runs));
  call.returned_outcomes(result);
  co_return result;
}

Awaitable<Result<Submitted>> MeasuredStore::submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                             Duration lease) {
  Call call{stats(StoreOperation::submit), clock_, runs.size()};
  auto result = co_await store_->submit_and_claim(std::move(runs), std::move(demands), lease);
  if (call.returned(result)) {
    for (Outcome const outcome : result->outcomes) call.count(outcome);
    StoreOperationStats& claims = stats(StoreOperation::claim);
    claims.items += result->claims.size();
    claims.outcomes[static_cast<std::size_t>(Outcome::ok)] += result->claims.size();
  }
  co_return result;
}

Awaitable<Result<std::vector<Claim>>> MeasuredStore::claim(std::vector<Demand> demands, Duration lease) {
  std::size_t asked = 0;
  for (Demand const& demand : demands) asked += demand.count;
  Call call{stats(StoreOperation::claim), clock_, asked};
  auto result = co_await store_->claim(std::move(demands), lease);
  if (call.returned(result)) {
    call.count(Outcome::ok, result->size());
    if (result->empty()) call.was_empty();
  }
  co_return result;
}

Awaitable<Result<std::vector<Outcome>>> MeasuredStore::renew(std::vector<ClaimRef> claims, Duration lease) {
  Call call{stats(StoreOperation::renew), clock_, claims.size()};
  auto result = co_await store_->renew(std::move(claims), lease);
  call.returned_outcomes(result);
  co_return result;
}

Awaitable<Result<std::vector<Outcome>>> MeasuredStore::complete(std::vector<Completion> completions) {
  Call call{stats(StoreOperation::complete), clock_, completions.size()};
  auto result = co_await store_->complete(std::move(completions));
  call.returned_outcomes(result);
  co_return result;
}

Awaitable<Result<std::vector<Outcome>>> MeasuredStore::fail(std::vector<FailedAttempt> failures) {
  Call call{stats(StoreOperation::fail), clock_, failures.size()};
  auto result = co_await store_->fail(std::move(failures));
  call.returned_outcomes(result);
  co_return result;
}

Awaitable<Result<std::vector<Outcome>>> MeasuredStore::release(std::vector<ClaimRef> claims) {
  Call call{stats(StoreOperation::release), clock_, claims.size()};
  auto result = co_await store_->release(std::move(claims));
  call.returned_outcomes(result);
  co_return result;
}

Awaitable<Result<SweepResult>> MeasuredStore::sweep(std::size_t max) {
  Call call{stats(StoreOperation::sweep), clock_, 0};
  auto result = co_await store_->sweep(max);
  if (call.returned(result)) {
    std::size_t const found = result->requeued.size() + result->dead.size() + result->released;
    call.count(Outcome::ok, found);
    if (found == 0) call.was_empty();
  }
  co_return result;
}

Awaitable<Result<Depth>> MeasuredStore::depth() {
  Call call{stats(StoreOperation::depth), clock_, 0};
  auto result = co_await store_->depth();
  call.returned(result);
  co_return result;
}

Awaitable<Result<std::optional<RunView>>> MeasuredStore::find(RunId id) {
  Call call{stats(StoreOperation::find), clock_, 1};
  auto result = co_await store_->find(id);
  if (call.returned(result)) {
    call.count(*result ? Outcome::ok : Outcome::unknown_run);
    if (!*result) call.was_empty();
  }
  co_return result;
}

Awaitable<void> MeasuredStore::close() { co_await store_->close(); }

}  // namespace assay
