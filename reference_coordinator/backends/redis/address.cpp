#include "reference_coordinator/backends/redis/address.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace assay::redis {

namespace {

constexpr std::string_view form = "redis://user:password@host:6379/0 or unix:///path/of/socket";

std::optional<int> number(std::string_view text, int highest) {
  int value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value >= 0 && value <= highest ? std::optional{value} : std::nullopt;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    unsigned code = 0;
    auto const digits = text.substr(i + 1, 2);
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 2 || error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    plain += static_cast<char>(code);
    i += 2;
  }
  return plain;
}

Error wrong(std::string_view what) {
  return {ErrorKind::misconfigured, fmt::format("the Redis URL {}; one looks like {}", what, form)};
}

Result<Address> parse_socket(std::string_view rest) {
  Address address;
  auto const question = rest.find('?');
  address.socket = rest.substr(0, question);
  if (!address.socket.starts_with('/')) return wrong("names no socket by its whole path");
  if (question == std::string_view::npos) return address;
  auto const query = rest.substr(question + 1);
  auto const database =
      query.starts_with("db=") ? number(query.substr(3), std::numeric_limits<int>::max()) : std::nullopt;
  if (!database) return wrong("has another parameter than ?db=<number>");
  address.database = *database;
  return address;
}

}  // namespace

std::string Address::text() const {
  return host.empty()                          ? socket
         : host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, port)
                                               : fmt::format("{}:{}", host, port);
}

Result<Address> parse_address(std::string const& url) {
  std::string_view rest = url;
  if (rest.empty()) return wrong("is missing");
  if (rest.starts_with("unix://")) return parse_socket(rest.substr(7));
  if (!rest.starts_with("redis://")) return wrong("starts with neither redis:// nor unix://");
  rest.remove_prefix(8);
  Address address;
  if (auto const at = rest.rfind('@'); at != std::string_view::npos) {
    auto const login = rest.substr(0, at);
    auto const colon = login.find(':');
    if (colon == std::string_view::npos) return wrong("has a user without a password");
    auto const user = unescaped(login.substr(0, colon)), password = unescaped(login.substr(colon + 1));
    if (!user || !password) return wrong("has a % that starts no escape in its user or password");
    address.user = *user;
    address.password = *password;
    rest.remove_prefix(at + 1);
  }
  if (auto const slash = rest.find('/'); slash != std::string_view::npos) {
    auto const text = rest.substr(slash + 1);
    auto const database = text.empty() ? 0 : number(text, std::numeric_limits<int>::max());
    if (!database) return wrong("names a database that is no number");
    address.database = *database;
    rest = rest.substr(0, slash);
  }
  auto const bracket = rest.rfind(']');
  if (auto const colon = rest.rfind(':');
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    auto const port = number(rest.substr(colon + 1), 65535);
    if (!port || *port == 0) return wrong("has a port that is none");
    address.port = static_cast<std::uint16_t>(*port);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  address.host = rest;
  if (address.host.empty()) return wrong("names no host");
  return address;
}

}  // namespace assay::redis
