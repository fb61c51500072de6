#include "simulated_runners/http_response.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace assay {

namespace {

HttpResponse broken(char const* problem) {
  HttpResponse response;
  response.state = HttpResponse::State::broken;
  response.problem = problem;
  return response;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `name` in lower case.
bool is(std::string_view text, std::string_view name) {
  return text.size() == name.size() &&
         std::equal(text.begin(), text.end(), name.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  char const* const end = digits.data() + digits.size();
  auto const [rest, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || rest != end || digits.empty() || digits.front() == '-') return std::nullopt;
  return value;
}

}  // namespace

HttpResponse parse_http_response(std::string_view bytes) {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t status_end = 12;  // "HTTP/1.1 200"
  if (bytes.substr(0, version.size()) != version.substr(0, bytes.size())) return broken("the answer is not HTTP/1");
  auto const head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return bytes.size() > longest_response_head ? broken("the head of the answer is too long") : HttpResponse{};
  }
  if (head_end < status_end || bytes[status_end - 4] != ' ') return broken("the answer has no status line");
  auto const status = number<int>(bytes.substr(status_end - 3, 3));
  if (!status || *status < 200 || *status > 599) return broken("the answer has no final status");

  HttpResponse response;
  response.status = *status;
  response.keep_alive = bytes[version.size()] != '0';
  std::optional<std::size_t> length;
  std::string_view head = bytes.substr(0, head_end + 2);
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    auto const line_end = head.find("\r\n");
    auto const line = head.substr(0, line_end);
    head.remove_prefix(line_end + 2);
    auto const colon = line.find(':');
    if (colon == std::string_view::npos) return broken("a header of the answer has no colon");
    auto const name = line.substr(0, colon);
    switch (name.size()) {  // the three headers that matter differ in length: most others cost one comparison
      case 10:
        if (is(name, "connection")) response.keep_alive = !is(trim(line.substr(colon + 1)), "close");
        break;
      case 14:
        if (is(name, "content-length")) {
          auto const stated = number<std::size_t>(trim(line.substr(colon + 1)));
          if (!stated || (length && *length != *stated)) return broken("the answer's Content-Length makes no sense");
          length = stated;
        }
        break;
      case 17:
        if (is(name, "transfer-encoding")) return broken("the answer is chunked, which this client doesn't read");
        break;
      default: break;
    }
  }
  if (*status == 204 || *status == 304) length = 0;
  if (!length) return broken("the answer has no Content-Length");
  if (*length > longest_response_body) return broken("the answer is too long");
  auto const body = bytes.substr(head_end + 4);
  if (body.size() < *length) return {};
  if (body.size() > *length) return broken("there are bytes after the answer");
  response.body = body;
  response.state = HttpResponse::State::complete;
  return response;
}

}  // namespace assay
