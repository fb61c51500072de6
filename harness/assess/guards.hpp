// The instrument is a suspect: what a trial measured about the generator and its machine, held against bounds. A trial
// with a failed guard is invalid, whatever its percentiles say. What could not be measured is `not_available`, which is
// not `passed`: `decide` draws no conclusion without the essential guards. A new guard is a field here and an entry in
// guards.cpp.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/trend.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace assay {

// Of the measured phase. Absent: could not be measured.
struct InstrumentFigures {
  bool in_process = false;  // clients of the store live with the generator: its CPU, and who waits for one, are theirs
  bool scheduled = true;    // runs arrive by a schedule; false: a backlog was there before
  std::optional<double> achieved_share;       // started ÷ offered submissions
  std::optional<double> generator_cpu_share;  // of the cores that the generator may use, its threads' number included
  std::optional<double> schedule_lag_p99_ms;  // started − intended, of submissions
  std::optional<double> dispatch_p99_ms;      // scales the bound of the schedule lag
  std::optional<double> loop_stalls_per_minute;  // of the generator's loops, longer than 10 ms
  std::optional<double> steal_share;             // of the machine's CPU time
  std::optional<double> cpu_pressure_share;      // of the time, that some task waited for a CPU (Linux PSI)
  std::optional<double> memory_pressure_share;   // of the time, that some task waited for memory
  std::optional<double> throttled_share;         // of the time, by a CPU quota
  std::optional<double> descriptors_share;       // of the process's limit, at most
  std::optional<double> ports_share;             // of the ephemeral ports, at most
  std::optional<bool> books_balance;
  std::optional<std::uint64_t> out_of_range;        // values no histogram could hold, negative ones included
  std::optional<double> clock_error_ms;             // what the coordinator's clock is off by at least
  std::optional<double> gate_ms;                    // smallest latency bound that the scenario is judged by
  std::optional<HalvesComparison> dispatch_halves;  // compare_halves() of a per-second latency in ms
};

std::vector<Guard> judge_instrument(InstrumentFigures const& figures);

// Without these, where they apply, a trial proves nothing: achieved rate, generator CPU, schedule lag, loop stalls,
// books.
bool is_essential(std::string_view guard_name);

}  // namespace assay
