// The wire contract between coordinator, submitters and runners: what each request and answer says, and its JSON form.
// Shared by reference_coordinator/http and simulated_runners, so that the two can't drift apart; docs/openapi.yaml is
// its public description and a test holds it against the real routes. Decoders check everything and answer one clear
// line on bad input.
//
//   POST /runs                     Submission            → 201 SubmissionAnswer (200 when the id was known already)
//   POST /runs?wait=30s            the same, answered when the run is finished: 200 SubmissionAnswer with state and
//   result
//                                  | 202 when the wait ended first
//   POST /runs/batch               {"runs":[Submission]} → 200 {"runs":[SubmissionAnswer]}     at most 1,000
//   GET  /runs/{id}                                      → 200 RunView | 404
//   GET  /runner/runs?wait=30s&max=1                     → 200 {"runs":[AssignedRun]}, empty when nothing came in time
//   POST /runs/{id}/start          {"token"}             → 200 {"outcome"} | 409 stale_token | 404
//   POST /runs/{id}/status         StatusReport          → 200 {"outcome"} | 409 stale_token or rejected | 404
//   POST /runner/heartbeat         {"claims":[{run,token}]} → 200 {"claims":[{"run","outcome"}]}
//   GET  /healthz  /stats  /metrics
//
// Every request but the last three carries "Authorization: Bearer <token>", which names a runner or a submitter.
// Errors: {"error":{"kind":"…","detail":"…"}} with 400, 401, 403, 404, 405, 408, 413, 415, 431, 503. The answers of
// start and status are outcomes with 404 and 409 as well, so that a runner decodes one form:
// {"outcome":"stale_token","detail":"…"}. Durations are texts with a unit, "30s"; tokens "epoch.counter"; payload and
// result are UTF-8 texts in which NUL is \u0000.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::protocol {

inline constexpr std::size_t max_batch = 1000;
inline constexpr Duration longest_wait = std::chrono::seconds{30};
inline constexpr Duration longest_delay = std::chrono::hours{24 * 30};

struct Submission {
  std::optional<RunId> id;  // absent: the coordinator makes one
  TagSet tags;
  int priority = 0;
  std::string payload;  // text; opaque to the coordinator
  std::optional<int> max_attempts;
  Duration delay{};
};

struct SubmissionAnswer {
  RunId id;
  Outcome outcome = Outcome::ok;  // ok: created · already_done: the id was known
  // Of a submission that waited: the run as it was when the wait ended, absent when the store could not say; and, of a
  // finished run, the runner's result or the cause of a dead letter.
  std::optional<RunState> state{};
  std::string result{};
};

struct AssignedRun {
  RunId run;
  int attempt = 1;
  ClaimToken token;
  Duration lease{};  // from the moment of assignment
  TagSet tags;
  int priority = 0;
  std::string payload;
};

struct StatusReport {
  enum class Status : std::uint8_t { completed, failed };
  ClaimToken token;
  Status status = Status::completed;
  std::string result;  // of a failure: its cause
};

struct Heartbeat {
  std::vector<ClaimRef> claims;
};

struct HeartbeatAnswer {
  struct Renewal {
    RunId run;
    Outcome outcome = Outcome::ok;
  };
  std::vector<Renewal> claims;
};

// Encoders never fail. Decoders answer ErrorKind::rejected with the key, the rule and what was found.
std::string encode(Submission const& submission);
std::string encode(std::vector<Submission> const& batch);
std::string encode(SubmissionAnswer const& answer);
std::string encode(std::vector<SubmissionAnswer> const& answers);
std::string encode(std::vector<AssignedRun> const& runs);
std::string encode(std::span<Claim const> claims, Duration lease);  // the same text, without the copies in between
std::string encode(StatusReport const& report);
std::string encode(Heartbeat const& heartbeat);
std::string encode(HeartbeatAnswer const& answer);
std::string encode(RunView const& view);
std::string encode_outcome(Outcome outcome,
                           std::string_view detail = {});  // the detail is for a person; decoding drops it
std::string encode_start(ClaimToken token);
std::string encode(Error const& error);

Result<Submission> decode_submission(std::string_view json);
Result<std::vector<Submission>> decode_submission_batch(std::string_view json);
Result<SubmissionAnswer> decode_submission_answer(std::string_view json);
Result<std::vector<SubmissionAnswer>> decode_submission_answers(std::string_view json);
Result<std::vector<AssignedRun>> decode_assigned_runs(std::string_view json);
Result<StatusReport> decode_status_report(std::string_view json);
Result<Heartbeat> decode_heartbeat(std::string_view json);
Result<HeartbeatAnswer> decode_heartbeat_answer(std::string_view json);
Result<RunView> decode_run_view(std::string_view json);
Result<Outcome> decode_outcome(std::string_view json);
Result<ClaimToken> decode_start(std::string_view json);

// The error that the other side told; broken_protocol with the reason when the text is no such error.
Error decode_error(std::string_view json);

}  // namespace assay::protocol
