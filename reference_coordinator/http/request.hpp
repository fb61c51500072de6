// One HTTP request as handlers see it, and the parser that fills it from the bytes of a connection: Beast's state
// machine with callbacks of our own, so that fields nobody asks for are never stored. Easy to get wrong: a parser
// serves one message, so it is made anew for each; the Request is the connection's and is cleared, which keeps its
// strings' memory.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/verb.hpp>

#include <cstddef>
#include <string>

namespace assay {

namespace http = boost::beast::http;

inline constexpr std::size_t max_header_bytes = 8 * 1024;
inline constexpr std::size_t max_body_bytes = 1024 * 1024;

struct Request {
  http::verb method = http::verb::unknown;
  std::string target;  // as sent, query included
  std::string token;   // of "Authorization: Bearer <token>"; empty when there is none
  std::string body;
  bool expects_continue = false;
  bool upgrades = false;      // "Upgrade: websocket"
  std::string websocket_key;  // "Sec-WebSocket-Key"

  void clear();  // gives back what a large body took, because the next request may be a poll that is parked for long
};

class RequestParser final : public http::basic_parser<true> {
 public:
  explicit RequestParser(Request& request) : request_{request} {
    header_limit(max_header_bytes);
    body_limit(max_body_bytes);
    eager(true);
  }

 private:
  using Code = boost::beast::error_code;
  using View = boost::beast::string_view;

  void on_request_impl(http::verb method, View name, View target, int version, Code& error) override;
  void on_response_impl(int status, View reason, int version, Code& error) override;
  void on_field_impl(http::field field, View name, View value, Code& error) override;
  void on_header_impl(Code& error) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, Code& error) override;
  std::size_t on_body_impl(View body, Code& error) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, Code& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remaining, View body, Code& error) override;
  void on_finish_impl(Code& error) override;

  Request& request_;
};

// What to tell the sender of a request that can't be parsed. `status` is 400, 413 or 431.
struct Refusal {
  unsigned status;
  std::string detail;
};
Refusal refusal_of(boost::beast::error_code error);

}  // namespace assay
