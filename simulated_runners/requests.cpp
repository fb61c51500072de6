#include "simulated_runners/requests.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <boost/assert.hpp>

namespace assay {

RequestWriter::RequestWriter(asio::ip::tcp::endpoint const& coordinator)
    : host_{coordinator.address().is_v6()
                ? fmt::format("[{}]:{}", coordinator.address().to_string(), coordinator.port())
                : fmt::format("{}:{}", coordinator.address().to_string(), coordinator.port())} {}

void RequestWriter::poll(std::string& out, std::string_view token, Duration hold, int most) const {
  out = "GET /runner/runs?wait=";
  out += format_duration(hold);
  out += "&max=";
  out += fmt::format_int{most}.c_str();
  finish(out, token, {});
}

void RequestWriter::start(std::string& out, std::string_view token, ClaimRef const& claim) const {
  out = "POST /runs/";
  out += to_string(claim.run);
  out += "/start";
  finish(out, token, protocol::encode_start(claim.token));
}

void RequestWriter::report(std::string& out, std::string_view token, ClaimRef const& claim, bool failed) const {
  protocol::StatusReport report;
  report.token = claim.token;
  report.status = failed ? protocol::StatusReport::Status::failed : protocol::StatusReport::Status::completed;
  if (failed) report.result = "simulated failure";
  out = "POST /runs/";
  out += to_string(claim.run);
  out += "/status";
  finish(out, token, protocol::encode(report));
}

void RequestWriter::heartbeat(std::string& out, std::string_view token, std::vector<ClaimRef> const& claims) const {
  protocol::Heartbeat heartbeat;
  heartbeat.claims = claims;
  out = "POST /runner/heartbeat";
  finish(out, token, protocol::encode(heartbeat));
}

void RequestWriter::submit(std::string& out, std::string_view token, protocol::Submission const& submission,
                           std::optional<Duration> wait) const {
  out = "POST /runs";
  if (wait) {
    out += "?wait=";
    out += format_duration(*wait);
  }
  finish(out, token, protocol::encode(submission));
}

void RequestWriter::submit_batch(std::string& out, std::string_view token,
                                 std::vector<protocol::Submission> const& batch) const {
  out = "POST /runs/batch";
  finish(out, token, protocol::encode(batch));
}

void RequestWriter::finish(std::string& out, std::string_view token, std::string_view body) const {
  out += " HTTP/1.1\r\nHost: ";
  out += host_;
  out += "\r\nAuthorization: Bearer ";
  out += token;
  if (!body.empty()) {
    out += "\r\nContent-Type: application/json\r\nContent-Length: ";
    out += fmt::format_int{body.size()}.c_str();
  }
  out += "\r\n\r\n";
  out += body;
}

SubmissionTemplate::SubmissionTemplate(RequestWriter const& writer, std::string_view token, RunClass const& run_class,
                                       std::string payload, std::optional<Duration> wait) {
  protocol::Submission submission;
  // Told apart from whatever the rest contains: the first id whose text occurs once.
  submission.tags = TagSet{run_class.tags};
  submission.priority = run_class.priority;
  submission.payload = std::move(payload);
  RunId placeholder;
  do {
    ++placeholder.bytes.back();
    submission.id = placeholder;
    writer.submit(text_, token, submission, wait);
    id_at_ = text_.find(to_string(placeholder));
    BOOST_ASSERT(id_at_ != std::string::npos);
  } while (text_.find(to_string(placeholder), id_at_ + 1) != std::string::npos);
}

void SubmissionTemplate::write(std::string& out, RunId const& id) const {
  out = text_;
  std::string const digits = to_string(id);
  out.replace(id_at_, digits.size(), digits);
}

}  // namespace assay
