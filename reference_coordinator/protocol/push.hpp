// The frames of a push connection (GET /runner/push, a WebSocket): text, one line of head, then a JSON body as over
// HTTP. A runner asks what it would POST, and is answered by number; what comes under number 0 nobody asked for: a run.
//
//   runner → gateway   7 /runs/{id}/status\n{"token":…}      start, status, heartbeat; and /runner/drain: no more runs
//   gateway → runner   7 200\n{"outcome":"ok"}
//   gateway → runner   0 200\n{"runs":[AssignedRun]}         always one
//
// The runner says in the request that opens the connection how many runs it works at once and how many it holds from
// before: GET /runner/push?slots=4&busy=1.
#pragma once

#include "harness/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::protocol {

inline constexpr int most_slots = 1000;  // of one runner

struct PushQuestion {
  std::uint64_t number = 1;  // ≥ 1, the runner's own
  std::string_view path;
  std::string_view body;
};

struct PushAnswer {
  std::uint64_t number = 0;
  int status = 200;
  std::string_view body;
};

std::string encode(PushQuestion const& question);
std::string encode(PushAnswer const& answer);

// The views are into `frame`. Errors: rejected, naming the rule.
Result<PushQuestion> decode_push_question(std::string_view frame);
Result<PushAnswer> decode_push_answer(std::string_view frame);

}  // namespace assay::protocol
