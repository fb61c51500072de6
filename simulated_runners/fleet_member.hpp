// What the Fleet and its heartbeats know of a runner, whichever kind it is: a plain one (runner.hpp) or an orchestrator
// (orchestrator.hpp). To add a kind: derive, and make it in Fleet::Parts.
#pragma once

#include "harness/base/async.hpp"
#include "harness/scenario/fault_spec.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <string>
#include <vector>

namespace assay {

class FleetMember {
 public:
  virtual ~FleetMember() = default;

  // Until stop(). The first poll has been sent when `commons.connected` counts this one and the event loop comes round;
  // an orchestrator polls by the clock, and is only connected by then.
  virtual Awaitable<void> run() = 0;
  virtual void stop() = 0;

  // What a fault does to it; `back_at` is when a restarted or killed one goes on.
  virtual void disturb(FaultSpec::What what, TimePoint back_at) = 0;

  virtual std::vector<ClaimRef> claims() const = 0;  // what a heartbeat renews
  virtual std::string const& token() const = 0;
  virtual void lease_lost(ClaimRef const& claim) = 0;
};

}  // namespace assay
