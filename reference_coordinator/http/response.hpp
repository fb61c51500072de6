// What a handler answers, and the bytes of its header. The connection writes header and body in one gather write; the
// fixed parts of a header are constants, the Date line is made once a second (RFC 9110, 6.6.1 asks for it).
#pragma once

#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

// What a runner says when it asks for a push connection.
struct PushUpgrade {
  std::string key;          // Sec-WebSocket-Key
  std::uint32_t slots = 1;  // runs it works at once
  std::uint32_t busy = 0;   // of them, held from before
};

struct Response {
  enum class Media : std::uint8_t { json, prometheus };

  unsigned status = 200;
  Media media = Media::json;
  std::string_view extra{};  // whole header lines with their line ends, of static lifetime
  std::string body{};

  // Of an assignment: to be told delivered, or given back when the answer can't be written.
  std::vector<Claim> claims{};
  TimePoint asked_at{}, claimed_at{};  // of the store, for them
  enum class Lease : std::uint8_t { whole, offered, offered_again };
  Lease lease = Lease::whole;  // of theirs: the whole one, or a short one until the runner speaks of them

  // Not an answer: the connection becomes a push connection.
  std::optional<PushUpgrade> push{};
};

Response ok(std::string body);
// {"error":…} with this status; `kind` is for programs, `detail` for people.
Response error_response(unsigned status, std::string detail, ErrorKind kind = ErrorKind::rejected);
// A failure of the store, as its caller has to hear it: 503 when trying again makes sense, 500 when it doesn't.
Response error_response(Error const& error);

std::string_view reason_phrase(unsigned status);

// "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
std::string date_line(std::time_t now);

void append_head(std::string& out, Response const& response, std::string_view date_line, bool keep_alive);

}  // namespace assay
