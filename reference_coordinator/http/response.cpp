#include "reference_coordinator/http/response.hpp"

#include "reference_coordinator/protocol/json_fields.hpp"

#include <boost/beast/http/status.hpp>

#include <array>

namespace assay {

Response ok(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

Response error_response(unsigned status, std::string detail, ErrorKind kind) {
  Response response;
  response.status = status;
  response.body = protocol::encode(Error{kind, std::move(detail)});
  return response;
}

Response error_response(Error const& error) {
  bool const temporary =
      error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out || error.kind == ErrorKind::in_doubt;
  Response response = error_response(temporary ? 503 : 500, error.detail, error.kind);
  if (temporary) response.extra = "Retry-After: 1\r\n";
  return response;
}

std::string_view reason_phrase(unsigned status) {
  auto const phrase = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {phrase.data(), phrase.size()};
}

// Not strftime's %a and %b: those follow the locale.
std::string date_line(std::time_t now) {
  static constexpr std::array<char const*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<char const*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  ::gmtime_r(&now, &t);
  return fmt::format("Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n", days[static_cast<std::size_t>(t.tm_wday)],
                     t.tm_mday, months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                     t.tm_sec);
}

void append_head(std::string& out, Response const& response, std::string_view date_line, bool keep_alive) {
  if (response.status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
  } else {
    out += "HTTP/1.1 ";
    protocol::append_number(out, response.status);
    out.push_back(' ');
    out += reason_phrase(response.status);
    out += "\r\n";
  }
  out += date_line;
  out += response.media == Response::Media::json ? "Content-Type: application/json\r\n"
                                                 : "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
  out += response.extra;
  if (!keep_alive) out += "Connection: close\r\n";
  out += "Content-Length: ";
  protocol::append_number(out, response.body.size());
  out += "\r\n\r\n";
}

}  // namespace assay
