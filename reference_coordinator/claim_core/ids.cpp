#include "reference_coordinator/claim_core/ids.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>

#include <charconv>

namespace assay {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool dash_at(std::size_t position) { return position == 8 || position == 13 || position == 18 || position == 23; }

}  // namespace

RunId make_run_id(std::uint64_t unix_ms, Random& random) {
  RunId id;
  std::uint64_t const high = random();
  std::uint64_t const low = random();
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(unix_ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70U | ((high >> 8) & 0x0fU));
  id.bytes[7] = static_cast<std::uint8_t>(high);
  for (std::size_t i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (8 * i));
  id.bytes[8] = static_cast<std::uint8_t>(0x80U | (id.bytes[8] & 0x3fU));
  return id;
}

std::string to_string(RunId const& id) {
  std::string text;
  text.reserve(36);
  for (std::uint8_t byte : id.bytes) {
    if (dash_at(text.size())) text.push_back('-');
    text.push_back(hex_digits[byte >> 4]);
    text.push_back(hex_digits[byte & 0x0fU]);
  }
  return text;
}

std::optional<RunId> parse_run_id(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  RunId id;
  std::size_t byte = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    int const high = hex_value(text[i]);
    int const low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[byte++] = static_cast<std::uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

std::string to_string(ClaimToken token) { return fmt::format("{}.{}", token.epoch, token.counter); }

std::optional<ClaimToken> parse_claim_token(std::string_view text) {
  ClaimToken token;
  char const* const end = text.data() + text.size();
  auto const [dot, first_error] = std::from_chars(text.data(), end, token.epoch);
  if (first_error != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  auto const [rest, second_error] = std::from_chars(dot + 1, end, token.counter);
  if (second_error != std::errc{} || rest != end) return std::nullopt;
  return token;
}

}  // namespace assay
