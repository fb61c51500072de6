// The Source of OpenLoop that sends the fleet's heartbeats over a few shared connections. Runner i's phase is i/N of
// the interval: spread evenly, so that the fleet's heartbeats are one even stream. A heartbeat renews what its runner
// holds at that moment; a claim that is lost by then is taken from the runner. A heartbeat that fails is not repeated:
// the next one is.
#pragma once

#include "simulated_runners/runner.hpp"

#include <vector>

namespace assay {

class Heartbeats {
 public:
  struct Item {
    TimePoint intended;
    std::size_t runner = 0;
    std::vector<ClaimRef> claims;
  };

  Heartbeats(RunnerCommons& commons, std::vector<FleetMember*>& runners, Duration interval)
      : commons_{commons}, runners_{runners}, interval_{interval} {}

  // The first one comes interval/N after `epoch`.
  void begin(TimePoint epoch) { epoch_ = epoch; }

  std::optional<TimePoint> due() const;
  Item take();
  void start(Item& item, std::string& request);
  void answered(Item const& item, Exchange const& exchange);
  void shed(Item const&) {}  // the trial is over

 private:
  RunnerCommons& commons_;
  std::vector<FleetMember*>& runners_;
  Duration interval_;
  TimePoint epoch_;
  std::int64_t taken_ = 0;
};

}  // namespace assay
