// Coordinators over one Redis tell each other on a channel that runs wait. Not heard while the connection is down: when
// it comes back, there may be work.
#pragma once

#include "reference_coordinator/backends/redis/link.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <memory>

namespace assay::redis {

// `commands`: the store's link. Errors as Link::open.
Awaitable<Result<std::unique_ptr<WakeUp>>> open_wake_up(Executor executor, Address address,
                                                        std::shared_ptr<Link> commands);

}  // namespace assay::redis
