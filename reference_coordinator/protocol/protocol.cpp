#include "reference_coordinator/protocol/protocol.hpp"

#include "harness/base/text.hpp"
#include "reference_coordinator/protocol/json_fields.hpp"

#include <fmt/format.h>

namespace assay::protocol {

namespace {

constexpr int most_attempts = 1000;

constexpr std::array<std::string_view, 2> status_names{"completed", "failed"};

constexpr std::array<RunState, 5> states{RunState::delayed, RunState::ready, RunState::claimed, RunState::completed,
                                         RunState::dead};

std::span<std::string_view const> state_names() {
  static auto const names = [] {
    std::array<std::string_view, states.size()> all;
    std::transform(states.begin(), states.end(), all.begin(), [](RunState state) { return to_string(state); });
    return all;
  }();
  return names;
}

constexpr std::array<ErrorKind, 6> kinds{ErrorKind::unavailable, ErrorKind::timed_out,     ErrorKind::in_doubt,
                                         ErrorKind::rejected,    ErrorKind::misconfigured, ErrorKind::broken_protocol};

// Names on the wire are single words: "in_doubt" for what people read as "in doubt".
std::string wire_name(ErrorKind kind) {
  std::string name{to_string(kind)};
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

void append(std::string& out, Submission const& submission) {
  out += "{\"payload\":";
  append_string(out, submission.payload);
  if (submission.id) {
    out += ",\"id\":";
    append_id(out, *submission.id);
  }
  if (!submission.tags.empty()) {
    out += ",\"tags\":";
    append_tags(out, submission.tags);
  }
  if (submission.priority != 0) {
    out += ",\"priority\":";
    append_number(out, submission.priority);
  }
  if (submission.max_attempts) {
    out += ",\"max_attempts\":";
    append_number(out, *submission.max_attempts);
  }
  if (submission.delay != Duration{}) {
    out += ",\"delay\":";
    append_string(out, format_duration(submission.delay));
  }
  out.push_back('}');
}

void append(std::string& out, SubmissionAnswer const& answer) {
  out += "{\"id\":";
  append_id(out, answer.id);
  out += ",\"outcome\":\"";
  out += to_string(answer.outcome);
  out.push_back('"');
  if (answer.state) {
    out += ",\"state\":\"";
    out += to_string(*answer.state);
    out += "\",\"result\":";
    append_string(out, answer.result);
  }
  out.push_back('}');
}

// AssignedRun and Claim share their names but for the tags.
template <class Run>
void append_assigned(std::string& out, Run const& run, TagSet const& tags, std::string_view lease) {
  out += "{\"run\":";
  append_id(out, run.run);
  out += ",\"attempt\":";
  append_number(out, run.attempt);
  out += ",\"token\":";
  append_token(out, run.token);
  out += ",\"lease\":\"";
  out += lease;
  out += "\",\"tags\":";
  append_tags(out, tags);
  out += ",\"priority\":";
  append_number(out, run.priority);
  out += ",\"payload\":";
  append_string(out, run.payload);
  out.push_back('}');
}

void append(std::string& out, ClaimRef const& claim) {
  out += "{\"run\":";
  append_id(out, claim.run);
  out += ",\"token\":";
  append_token(out, claim.token);
  out.push_back('}');
}

void append(std::string& out, HeartbeatAnswer::Renewal const& renewal) {
  out += "{\"run\":";
  append_id(out, renewal.run);
  out += ",\"outcome\":\"";
  out += to_string(renewal.outcome);
  out += "\"}";
}

// {"<key>":[…]}; `bytes_each` is a guess that keeps the string from growing step by step.
template <class Items, class Append>
std::string encode_list(std::string_view key, Items const& items, std::size_t bytes_each, Append append_item) {
  std::string out;
  out.reserve(key.size() + 8 + items.size() * bytes_each);
  out += "{\"";
  out += key;
  out += "\":[";
  for (auto const& item : items) {
    if (out.back() != '[') out.push_back(',');
    append_item(out, item);
  }
  out += "]}";
  return out;
}

template <class Items>
std::string encode_list(std::string_view key, Items const& items, std::size_t bytes_each) {
  return encode_list(key, items, bytes_each, [](std::string& out, auto const& item) { append(out, item); });
}

std::size_t payload_bytes(auto const& items) {
  std::size_t sum = 0;
  for (auto const& item : items) sum += item.payload.size();
  return sum;
}

Result<Submission> read_submission(json::value const& value) {
  Fields fields{value, {"id", "tags", "priority", "payload", "max_attempts", "delay"}};
  Submission submission;
  if (fields.find("id", Fields::optional) != nullptr) fields.run_id("id", Fields::required, submission.id.emplace());
  fields.tags("tags", submission.tags);
  fields.integer("priority", Fields::optional, lowest_priority, highest_priority, submission.priority);
  fields.text("payload", Fields::optional, max_payload_bytes, submission.payload);
  if (fields.find("max_attempts", Fields::optional) != nullptr) {
    fields.integer("max_attempts", Fields::required, 1, most_attempts, submission.max_attempts.emplace(1));
  }
  fields.duration("delay", Fields::optional, longest_delay, submission.delay);
  return fields.finish(std::move(submission));
}

Result<SubmissionAnswer> read_submission_answer(json::value const& value) {
  Fields fields{value, {"id", "outcome", "state", "result"}};
  SubmissionAnswer answer;
  fields.run_id("id", Fields::required, answer.id);
  fields.outcome("outcome", answer.outcome);
  if (auto const state = fields.choice("state", Fields::optional, state_names())) answer.state = states[*state];
  fields.text("result", Fields::optional, max_payload_bytes, answer.result);
  return fields.finish(answer);
}

Result<AssignedRun> read_assigned_run(json::value const& value) {
  Fields fields{value, {"run", "attempt", "token", "lease", "tags", "priority", "payload"}};
  AssignedRun run;
  fields.run_id("run", Fields::required, run.run);
  fields.integer("attempt", Fields::required, 1, most_attempts, run.attempt);
  fields.token("token", run.token);
  fields.duration("lease", Fields::required, longest_delay, run.lease);
  fields.tags("tags", run.tags);
  fields.integer("priority", Fields::required, lowest_priority, highest_priority, run.priority);
  fields.text("payload", Fields::required, max_payload_bytes, run.payload);
  return fields.finish(std::move(run));
}

Result<ClaimRef> read_claim_ref(json::value const& value) {
  Fields fields{value, {"run", "token"}};
  ClaimRef claim;
  fields.run_id("run", Fields::required, claim.run);
  fields.token("token", claim.token);
  return fields.finish(claim);
}

Result<HeartbeatAnswer::Renewal> read_renewal(json::value const& value) {
  Fields fields{value, {"run", "outcome"}};
  HeartbeatAnswer::Renewal renewal;
  fields.run_id("run", Fields::required, renewal.run);
  fields.outcome("outcome", renewal.outcome);
  return fields.finish(renewal);
}

// The text is the outermost object, so "this" of a detail becomes "the body".
template <class Read>
auto decode_with(std::string_view text, Read read) -> decltype(read(json::value{})) {
  Document const document{text};
  if (document.error()) return *document.error();
  auto result = read(document.root());
  if (!result && result.error().detail.starts_with("this:")) {
    return Error{result.error().kind, "the body" + result.error().detail.substr(4)};
  }
  return result;
}

template <class T, class Read>
Result<std::vector<T>> decode_list(std::string_view text, std::string_view key, Read read) {
  return decode_with(text, [&](json::value const& value) -> Result<std::vector<T>> {
    Fields fields{value, {key}};
    auto items = read_items<T>(fields, key, max_batch, read);
    return fields.finish(std::move(items));
  });
}

}  // namespace

std::string encode(Submission const& submission) {
  std::string out;
  out.reserve(192 + submission.payload.size());
  append(out, submission);
  return out;
}

std::string encode(std::vector<Submission> const& batch) {
  return encode_list("runs", batch, 192 + (batch.empty() ? 0 : payload_bytes(batch) / batch.size()));
}

std::string encode(SubmissionAnswer const& answer) {
  std::string out;
  out.reserve(96);
  append(out, answer);
  return out;
}

std::string encode(std::vector<SubmissionAnswer> const& answers) { return encode_list("runs", answers, 80); }

std::string encode(std::vector<AssignedRun> const& runs) {
  std::size_t const bytes_each = runs.empty() ? 0 : 224 + payload_bytes(runs) / runs.size();
  return encode_list("runs", runs, bytes_each, [](std::string& out, AssignedRun const& run) {
    append_assigned(out, run, run.tags, format_duration(run.lease));
  });
}

std::string encode(std::span<Claim const> claims, Duration lease) {
  std::size_t const bytes_each = claims.empty() ? 0 : 224 + payload_bytes(claims) / claims.size();
  return encode_list("runs", claims, bytes_each, [text = format_duration(lease)](std::string& out, Claim const& claim) {
    append_assigned(out, claim, claim.required, text);
  });
}

std::string encode(StatusReport const& report) {
  std::string out;
  out.reserve(96 + report.result.size());
  out += "{\"token\":";
  append_token(out, report.token);
  out += ",\"status\":\"";
  out += status_names[static_cast<std::size_t>(report.status)];
  out += "\",\"result\":";
  append_string(out, report.result);
  out.push_back('}');
  return out;
}

std::string encode(Heartbeat const& heartbeat) { return encode_list("claims", heartbeat.claims, 96); }

std::string encode(HeartbeatAnswer const& answer) { return encode_list("claims", answer.claims, 80); }

std::string encode(RunView const& view) {
  std::string out = "{\"id\":";
  append_id(out, view.id);
  out += ",\"state\":\"";
  out += to_string(view.state);
  out += "\",\"tags\":";
  append_tags(out, view.required);
  out += ",\"priority\":";
  append_number(out, view.priority);
  out += ",\"attempts\":";
  append_number(out, view.attempts);
  out += ",\"runner\":";
  append_string(out, view.runner);
  out += ",\"result\":";
  append_string(out, view.result);
  out.push_back('}');
  return out;
}

std::string encode_outcome(Outcome outcome, std::string_view detail) {
  std::string out = "{\"outcome\":\"";
  out += to_string(outcome);
  out.push_back('"');
  if (!detail.empty()) {
    out += ",\"detail\":";
    append_string(out, detail);
  }
  out.push_back('}');
  return out;
}

std::string encode_start(ClaimToken token) {
  std::string out = "{\"token\":";
  append_token(out, token);
  out.push_back('}');
  return out;
}

std::string encode(Error const& error) {
  std::string out = "{\"error\":{\"kind\":\"" + wire_name(error.kind) + "\",\"detail\":";
  append_string(out, error.detail);
  out += "}}";
  return out;
}

Result<Submission> decode_submission(std::string_view text) { return decode_with(text, read_submission); }

Result<std::vector<Submission>> decode_submission_batch(std::string_view text) {
  return decode_list<Submission>(text, "runs", read_submission);
}

Result<SubmissionAnswer> decode_submission_answer(std::string_view text) {
  return decode_with(text, read_submission_answer);
}

Result<std::vector<SubmissionAnswer>> decode_submission_answers(std::string_view text) {
  return decode_list<SubmissionAnswer>(text, "runs", read_submission_answer);
}

Result<std::vector<AssignedRun>> decode_assigned_runs(std::string_view text) {
  return decode_list<AssignedRun>(text, "runs", read_assigned_run);
}

Result<StatusReport> decode_status_report(std::string_view text) {
  return decode_with(text, [](json::value const& value) -> Result<StatusReport> {
    Fields fields{value, {"token", "status", "result"}};
    StatusReport report;
    fields.token("token", report.token);
    if (auto const status = fields.choice("status", Fields::required, status_names)) {
      report.status = static_cast<StatusReport::Status>(*status);
    }
    fields.text("result", Fields::optional, max_payload_bytes, report.result);
    return fields.finish(std::move(report));
  });
}

Result<Heartbeat> decode_heartbeat(std::string_view text) {
  auto claims = decode_list<ClaimRef>(text, "claims", read_claim_ref);
  if (!claims) return std::move(claims).error();
  return Heartbeat{std::move(*claims)};
}

Result<HeartbeatAnswer> decode_heartbeat_answer(std::string_view text) {
  auto claims = decode_list<HeartbeatAnswer::Renewal>(text, "claims", read_renewal);
  if (!claims) return std::move(claims).error();
  return HeartbeatAnswer{std::move(*claims)};
}

Result<RunView> decode_run_view(std::string_view text) {
  return decode_with(text, [](json::value const& value) -> Result<RunView> {
    Fields fields{value, {"id", "state", "tags", "priority", "attempts", "runner", "result"}};
    RunView view;
    fields.run_id("id", Fields::required, view.id);
    if (auto const state = fields.choice("state", Fields::required, state_names())) view.state = states[*state];
    fields.tags("tags", view.required);
    fields.integer("priority", Fields::required, lowest_priority, highest_priority, view.priority);
    fields.integer("attempts", Fields::required, 0, most_attempts, view.attempts);
    fields.text("runner", Fields::required, max_payload_bytes, view.runner);
    fields.text("result", Fields::required, max_payload_bytes, view.result);
    return fields.finish(std::move(view));
  });
}

Result<Outcome> decode_outcome(std::string_view text) {
  return decode_with(text, [](json::value const& value) -> Result<Outcome> {
    Fields fields{value, {"outcome", "detail"}};
    Outcome outcome = Outcome::ok;
    fields.outcome("outcome", outcome);
    return fields.finish(outcome);
  });
}

Result<ClaimToken> decode_start(std::string_view text) {
  return decode_with(text, [](json::value const& value) -> Result<ClaimToken> {
    Fields fields{value, {"token"}};
    ClaimToken token;
    fields.token("token", token);
    return fields.finish(token);
  });
}

Error decode_error(std::string_view text) {
  Document const document{text};
  if (document.error())
    return Error{ErrorKind::broken_protocol, "an answer of no known form: " + document.error()->detail};
  Fields outer{document.root(), {"error"}};
  json::value const* const inner = outer.find("error", Fields::required);
  if (inner == nullptr) return Error{ErrorKind::broken_protocol, "an answer of no known form: no error in it"};
  Fields fields{*inner, {"kind", "detail"}};
  std::array<std::string, kinds.size()> texts;
  std::transform(kinds.begin(), kinds.end(), texts.begin(), wire_name);
  std::vector<std::string_view> const names(texts.begin(), texts.end());
  Error told;
  if (auto const kind = fields.choice("kind", Fields::required, names)) told.kind = kinds[*kind];
  fields.text("detail", Fields::required, max_payload_bytes, told.detail);
  auto checked = fields.finish(true);
  if (!checked) return Error{ErrorKind::broken_protocol, "an answer of no known form: error." + checked.error().detail};
  return told;
}

}  // namespace assay::protocol
