// Reads HTTP/1.1 answers of the only kind a coordinator sends: a status line, headers, and a body of known length. A
// pure function over the bytes received so far: the connection calls it again when there are more. Chunked bodies are
// refused in words rather than half supported; the load generator needs every cycle, and the protocol doesn't need
// them.
#pragma once

#include <cstddef>
#include <string_view>

namespace assay {

struct HttpResponse {
  enum class State { incomplete, complete, broken };
  State state = State::incomplete;
  int status = 0;
  std::string_view body;          // within the bytes that were parsed
  bool keep_alive = true;         // false: the server closes the connection after this answer
  char const* problem = nullptr;  // broken: why, in one line
};

inline constexpr std::size_t longest_response_head = 16 * 1024;
inline constexpr std::size_t longest_response_body = 512 * 1024 * 1024;  // a batch of the largest payloads, with room

// Bytes after the answer make it broken: nothing was asked that they could answer.
HttpResponse parse_http_response(std::string_view bytes);

}  // namespace assay
