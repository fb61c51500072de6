// The query parts that the coordinator understands: how long to hold a poll or a submission, how many runs to take.
// Errors are `rejected` with one clear line: the parameter, the rule, what was found.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay {

struct PollQuery {
  Duration wait;  // 0: look once; or 10 ms … protocol::longest_wait, which is the default
  std::uint32_t max = 1;
};

// What a path's run id has to be.
Error not_a_run_id(std::string_view text);

// "wait=30s&max=1"
Result<PollQuery> parse_poll_query(std::string_view query);

// "wait=30s": hold the answer until the run is finished, at most so long. Nothing: don't.
Result<std::optional<Duration>> parse_submit_query(std::string_view query);

}  // namespace assay
