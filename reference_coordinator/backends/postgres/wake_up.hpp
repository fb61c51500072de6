// LISTEN/NOTIFY between the coordinators of one database, for every backend of this folder. Announcements are sent at
// most every few milliseconds, because each one is a transaction that takes the server's one notification lock. Easy to
// get wrong: what is notified while a connection is down is lost, so a new connection counts as having heard something.
#pragma once

#include "reference_coordinator/claim_core/backend.hpp"

#include <memory>
#include <string>

namespace assay::postgres {

// On a connection of its own. `channel` is a plain SQL identifier. A connection that was quiet for `patience` is asked
// for an answer, and has as long again to give it: one whose other end is gone is quiet, too. Errors as Link::open.
Awaitable<Result<std::unique_ptr<WakeUp>>> open_wake_up(Executor executor, std::string url, std::string channel,
                                                        Duration patience);

}  // namespace assay::postgres
