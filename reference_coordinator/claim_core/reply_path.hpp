// How the result of a run gets from the coordinator that heard the report to the one where its submitter waits, for
// backends that have a way of their own (OpenedStore::replies). Without one a coordinator tells its own waiters, and
// looks into the store for what ended elsewhere. Sending is part of the store's complete() and fail(): the result
// travels with the report. Easy to get wrong: expect() comes after the submission was accepted, and a reply may be
// there already.
#pragma once

#include "reference_coordinator/claim_core/reply_desk.hpp"

#include <functional>

namespace assay {

class ReplyPath {
 public:
  virtual ~ReplyPath() = default;

  // `heard` is called for every reply that arrives here, awaited or not.
  virtual void listen(std::function<void(RunId const&, Reply const&)> heard) = 0;

  // Somebody here waits for the reply of this run, until `deadline` or forget(), whichever comes first.
  virtual void expect(RunId const& run, TimePoint deadline) = 0;
  // Answered or given up. Harmless when it was not expected.
  virtual void forget(RunId const& run) = 0;

  // Nothing is heard afterwards, and nothing may be called. To be awaited before the store is closed.
  virtual Awaitable<void> close() = 0;
};

}  // namespace assay
