// The text of every request a runner or submitter sends, head and body in one piece, so that sending is one write.
// Bodies come from the protocol's own encoders; only the framing is made here. Written into a string of the caller's,
// which keeps its capacity from request to request.
#pragma once

#include "harness/base/async.hpp"
#include "harness/scenario/scenario.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace assay {

class RequestWriter {
 public:
  explicit RequestWriter(asio::ip::tcp::endpoint const& coordinator);

  void poll(std::string& out, std::string_view token, Duration hold, int most) const;
  void start(std::string& out, std::string_view token, ClaimRef const& claim) const;
  void report(std::string& out, std::string_view token, ClaimRef const& claim, bool failed) const;
  void heartbeat(std::string& out, std::string_view token, std::vector<ClaimRef> const& claims) const;
  // `wait`: for the run's result, at most so long.
  void submit(std::string& out, std::string_view token, protocol::Submission const& submission,
              std::optional<Duration> wait = {}) const;
  void submit_batch(std::string& out, std::string_view token, std::vector<protocol::Submission> const& batch) const;

 private:
  void finish(std::string& out, std::string_view token, std::string_view body) const;

  std::string host_;
};

// All submissions of one class differ in their id only: made once, then copied and patched.
class SubmissionTemplate {
 public:
  SubmissionTemplate(RequestWriter const& writer, std::string_view token, RunClass const& run_class,
                     std::string payload, std::optional<Duration> wait = {});

  void write(std::string& out, RunId const& id) const;

 private:
  std::string text_;
  std::size_t id_at_ = 0;
};

}  // namespace assay
