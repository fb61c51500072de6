#include "reference_coordinator/http/store_probe.hpp"

namespace assay {

StoreProbe::StoreProbe(Executor executor, Clock const& clock, ClaimStore& store)
    : executor_{executor}, clock_{clock}, store_{store}, answered_{executor} {}

Result<Depth> const* StoreProbe::fresh() const {
  return answer_ && clock_.now() - answered_at_ <= max_age ? &*answer_ : nullptr;
}

Awaitable<Result<Depth>> StoreProbe::ask() {
  if (Result<Depth> const* const known = fresh()) co_return *known;
  if (!asking_) {
    asking_ = true;
    asio::co_spawn(executor_, refresh(), asio::detached);
  }
  // Several may wait on one signal, and only one of them is told "notified": what counts is whether an answer is there.
  TimePoint const deadline = clock_.now() + patience;
  while (asking_ && clock_.now() < deadline) co_await answered_.wait_until(deadline);
  if (asking_) co_return Error{ErrorKind::timed_out, "the store did not answer within 2s"};
  co_return *answer_;
}

Awaitable<void> StoreProbe::stop() {
  while (asking_) co_await answered_.wait_until();
}

Awaitable<void> StoreProbe::refresh() {
  answer_ = co_await store_.depth();
  answered_at_ = clock_.now();
  asking_ = false;
  answered_.notify();
}

}  // namespace assay
