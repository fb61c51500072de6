// What the simulated runners and submitters tell the recorder: one Observation per request, and the events of each
// run's life. Every request has three times, because one is not enough: response time = finished − intended (what a
// user waited), service time = finished − started (what the server took), schedule lag = started − intended (what this
// generator owes).
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <cstdint>
#include <string_view>

namespace assay {

enum class Operation : std::uint8_t {
  submit,
  call,  // a submission that waits for its run's result; `ok` only with the result
  poll,
  start,
  heartbeat,
  report
};
inline constexpr int operation_count = 6;

enum class Fate : std::uint8_t {
  ok,
  empty,        // a long poll that ended without a run; never in a latency histogram
  conflict,     // 409: lost a race (stale token, contradictory report)
  refused,      // any other 4xx
  unavailable,  // 5xx, or no connection: nothing was done
  timed_out,    // no answer within the client's deadline
  in_doubt,     // connection lost after the request was sent
  abandoned     // unanswered when the drain ended; `finished` is that moment, so that its age stays in the tail
};
inline constexpr int fate_count = 8;

std::string_view to_string(Operation operation);
std::string_view to_string(Fate fate);

struct Observation {
  Operation operation = Operation::submit;
  Fate fate = Fate::ok;
  TimePoint intended, started, finished;
};

// One event in the life of a run as its submitter or runner saw it.
struct RunEvent {
  enum class Kind : std::uint8_t {
    submitted,        // request sent; `since` = intended time
    accepted,         // acknowledged by the coordinator
    submit_in_doubt,  // cut off: the run may exist
    submit_failed,    // the coordinator said no: the run doesn't exist
    received,        // a runner has it; `since` = when that runner became free (end of its last run, or its first poll)
    completed,       // report `completed` sent and acknowledged
    failed,          // report `failed` sent and acknowledged
    report_refused,  // stale, contradictory or unknown
    report_in_doubt,  // cut off: the report may have counted
    abandoned,        // given up by the runner without a report (end of the trial, lost lease)
    died              // its runner was killed while it held the run
  };
  TimePoint time;
  Kind kind = Kind::submitted;
  RunId run;
  std::uint32_t actor = 0;      // runner number; submitters count as 0
  std::uint32_t run_class = 0;  // index into LoadSpec::classes; of `submitted` only
  std::int32_t attempt = 0;
  ClaimToken token;
  TimePoint since;
  TimePoint asked;  // of `received` by an orchestrator: when the poll that brought it was due; in no file
};

std::string_view to_string(RunEvent::Kind kind);

}  // namespace assay
