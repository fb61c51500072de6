// What names a run and what proves a claim. A RunId is a UUID the submitter may choose (that makes submission
// idempotent); a ClaimToken is different for every claim ever made: the coordinator's epoch, which the store hands out
// once per opened store and never again, and a counter within it. Neither an attempt number nor a run id ever serves as
// a token.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

class Random;

struct RunId {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(RunId const&, RunId const&) = default;
};

// UUID version 7 (RFC 9562): ids made one after another sort by time, which keeps database indexes narrow at their
// right edge. `unix_ms` is the wall clock in milliseconds; the 74 other bits come from `random`.
RunId make_run_id(std::uint64_t unix_ms, Random& random);

std::string to_string(RunId const& id);                    // 8-4-4-4-12 lower-case hexadecimal digits
std::optional<RunId> parse_run_id(std::string_view text);  // accepts that form only, in either case

struct ClaimToken {
  std::uint64_t epoch = 0;
  std::uint64_t counter = 0;

  friend auto operator<=>(ClaimToken const&, ClaimToken const&) = default;
};

std::string to_string(ClaimToken token);  // "epoch.counter"
std::optional<ClaimToken> parse_claim_token(std::string_view text);

}  // namespace assay

template <>
struct std::hash<assay::RunId> {
  std::size_t operator()(assay::RunId const& id) const noexcept {
    // The last eight bytes of a UUID, version 4 or 7, are all but two bits random.
    std::uint64_t tail = 0;
    std::memcpy(&tail, id.bytes.data() + 8, sizeof tail);
    return static_cast<std::size_t>(tail * 0x9e3779b97f4a7c15U);
  }
};
