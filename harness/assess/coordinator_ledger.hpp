// The coordinator's ledger read back: one event per line of the CSV that reference_coordinator/protocol/ledger.hpp
// writes. Text to values, no files.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace assay {

struct CoordinatorEvent {
  enum class Kind : std::uint8_t {
    submitted,
    delivered,
    completed,
    failed,
    completed_again,
    failed_again,
    stale,
    contradicted,
    unknown,
    in_doubt,
    renewed,
    renewal_in_doubt,
    given_back,
    expired,
    dead
  };
  TimePoint time;
  Kind kind = Kind::submitted;
  RunId run;
  std::int32_t attempt = 0;  // 0: not said
  ClaimToken token;          // zero: not said
  TimePoint asked, claimed;  // of `delivered`: the run was claimed in between; zero: not said
};

// broken_protocol names the line that can't be read. A last line without its end, of a coordinator that was killed, is
// left out: a line is written whole or not at all.
Result<std::vector<CoordinatorEvent>> parse_coordinator_ledger(std::string_view csv);

}  // namespace assay
