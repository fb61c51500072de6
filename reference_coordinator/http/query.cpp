#include "reference_coordinator/http/query.hpp"

#include "harness/base/text.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace assay {

namespace {

constexpr Duration shortest_wait = milliseconds{10};
constexpr int most_claims_per_poll = 100;

struct Query {
  std::optional<Duration> wait;
  std::optional<std::uint32_t> max;
};

// There is nothing to unescape in what is allowed; of a parameter given twice the last one counts.
Result<Query> parse(std::string_view query, std::vector<std::string> const& allowed, bool may_be_zero) {
  Query parsed;
  if (query.empty()) return parsed;
  for (auto const& part : split(query, '&')) {
    std::string const key = part.substr(0, part.find('='));
    std::string const value = part.size() > key.size() ? part.substr(key.size() + 1) : "";
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      auto const meant = nearest(key, allowed);
      return Error{ErrorKind::rejected,
                   meant ? fmt::format("\"{}\": unknown parameter, did you mean \"{}\"?", key, *meant)
                         : fmt::format("\"{}\": unknown parameter, allowed {} {}", key,
                                       allowed.size() == 1 ? "is" : "are", fmt::join(allowed, ", "))};
    }
    if (key == "wait") {
      auto const wait = parse_duration(value);
      bool const in_range = wait && *wait >= shortest_wait && *wait <= protocol::longest_wait;
      if (!in_range && !(may_be_zero && wait == Duration{0})) {
        return Error{ErrorKind::rejected, fmt::format("wait: {}a duration from 10ms to 30s is expected, found \"{}\"",
                                                      may_be_zero ? "0, or " : "", value)};
      }
      parsed.wait = *wait;
    } else {
      int max = 0;
      auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), max);
      if (error != std::errc{} || end != value.data() + value.size() || max < 1 || max > most_claims_per_poll) {
        return Error{ErrorKind::rejected, fmt::format("max: an integer from 1 to {} is expected, found \"{}\"",
                                                      most_claims_per_poll, value)};
      }
      parsed.max = static_cast<std::uint32_t>(max);
    }
  }
  return parsed;
}

}  // namespace

Error not_a_run_id(std::string_view text) {
  return {ErrorKind::rejected,
          fmt::format("run id: a UUID of 8-4-4-4-12 hexadecimal digits is expected, found \"{}\"", text.substr(0, 64))};
}

Result<PollQuery> parse_poll_query(std::string_view query) {
  static std::vector<std::string> const keys{"wait", "max"};
  auto const parsed = parse(query, keys, true);
  if (!parsed) return parsed.error();
  return PollQuery{parsed->wait.value_or(protocol::longest_wait), parsed->max.value_or(1)};
}

Result<std::optional<Duration>> parse_submit_query(std::string_view query) {
  static std::vector<std::string> const keys{"wait"};
  auto const parsed = parse(query, keys, false);
  if (!parsed) return parsed.error();
  return parsed->wait;
}

}  // namespace assay
