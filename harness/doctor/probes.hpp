// What a machine does to a program that measures time, before any network is involved: how fine its clock is, how much
// of a busy thread's time goes elsewhere, how late an idle event loop wakes up. Used by `assay doctor`. Easy to get
// wrong: all of it depends on who else uses the machine at that moment, so a finding holds for now, not for ever.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/measure/loop_monitor.hpp"

#include <cstdint>
#include <optional>

namespace assay {

struct ClockFindings {
  Duration resolution{};      // as the kernel states it
  Duration step{};            // smallest difference between two readings that was seen
  double reading_ns = 0;      // what one reading costs
  std::int64_t backward = 0;  // readings earlier than the one before: must be none
};
ClockFindings examine_clock();

struct NoiseFindings {
  Duration watched{}, lost{},
      longest{};                      // lost: gaps above 20 µs between two readings of a thread that does nothing else
  std::optional<double> steal_share;  // meanwhile, of the machine's CPU time

  double lost_share() const { return watched > Duration{} ? to_seconds(lost) / to_seconds(watched) : 0; }
};
NoiseFindings examine_noise(Duration length);

// Of an event loop that has nothing to do but wake up every millisecond.
LoopLateness examine_idle_loop(Duration length);

}  // namespace assay
