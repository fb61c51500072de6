// How deep the store is and whether it answers at all, asked at most once a second however often /healthz and /stats
// are called: a health check must not become load. One question at a time; those who ask meanwhile wait for the same
// answer.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <optional>

namespace assay {

class StoreProbe {
 public:
  StoreProbe(Executor executor, Clock const& clock, ClaimStore& store);

  // At most `max_age` old; nullptr when there is nothing that fresh. Costs nothing.
  Result<Depth> const* fresh() const;

  // Asks when there is nothing fresh. timed_out when the store takes longer than `patience`.
  Awaitable<Result<Depth>> ask();

  // Returns when no question is out any more: to be awaited before the store is closed.
  Awaitable<void> stop();

 private:
  static constexpr Duration max_age = seconds{1};
  static constexpr Duration patience = seconds{2};

  Awaitable<void> refresh();

  Executor executor_;
  Clock const& clock_;
  ClaimStore& store_;
  Signal answered_;
  bool asking_ = false;
  std::optional<Result<Depth>> answer_;
  TimePoint answered_at_ = TimePoint::min();
};

}  // namespace assay
