// The event ledger: one line per thing that happened to a run, as CSV
// `time_ns,event,run,attempt,token,who,asked_ns,claimed_ns`.
// Coordinator and simulated runners each append to a file of their own; the harness merges the files after a trial and
// checks the invariants on them. Times are of the monotonic clock. Lines are kept in memory until flush(), which the
// owner calls each second and when it stops: easy to get wrong, what is not flushed is not there. A line is written
// whole or not at all.
//
// The coordinator's events: submitted · delivered · completed, failed (accepted reports) · completed_again,
// failed_again (told before by the same token) · stale, contradicted, unknown (refused reports) · in_doubt (a report or
// submission that may or may not have been taken) · renewed, renewal_in_doubt (by a heartbeat or a start) · given_back
// · expired, dead (by a sweep). A delivered line says between which two times the store was asked for the run and had
// given it: the run was claimed somewhere in between, and everything that was asked for in one batch has the same
// `asked_ns`.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace assay::protocol {

struct ClaimTimes {
  TimePoint asked, claimed;
};

class Ledger {
 public:
  // Nothing is written anywhere until a file is opened: append() is then free.
  Ledger() = default;
  // Makes the file, or empties it. Throws Failure (bad_input) when it can't.
  explicit Ledger(std::filesystem::path const& file);
  ~Ledger();
  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&& other) noexcept;

  // `attempt` 0, no token and no times leave their columns empty. `event` and `who` must be free of commas, quotes and
  // line ends.
  void append(TimePoint when, std::string_view event, RunId const& run, int attempt, std::optional<ClaimToken> token,
              std::string_view who, std::optional<ClaimTimes> const& times = std::nullopt);

  // False when the lines could not all be written (no space): they are kept and tried again.
  bool flush();

  bool open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
  std::string pending_;
};

}  // namespace assay::protocol
