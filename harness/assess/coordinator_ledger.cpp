#include "harness/assess/coordinator_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace assay {
namespace {

constexpr std::string_view header = "time_ns,event,run,attempt,token,who,asked_ns,claimed_ns";

// In the order of CoordinatorEvent::Kind.
constexpr std::array<std::string_view, 15> words{"submitted",       "delivered",    "completed", "failed",
                                                 "completed_again", "failed_again", "stale",     "contradicted",
                                                 "unknown",         "in_doubt",     "renewed",   "renewal_in_doubt",
                                                 "given_back",      "expired",      "dead"};

template <class T>
bool read_number(std::string_view field, T& value) {
  auto const [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc{} && end == field.data() + field.size();
}

bool read_time(std::string_view field, TimePoint& time) {
  std::int64_t ns = 0;
  if (!read_number(field, ns)) return false;
  time = TimePoint{Duration{ns}};
  return true;
}

std::string_view take_field(std::string_view& line) {
  auto const comma = std::min(line.find(','), line.size());
  auto const field = line.substr(0, comma);
  line.remove_prefix(std::min(comma + 1, line.size()));
  return field;
}

// What is wrong with the line; empty when `event` is what it says.
std::string read_line(std::string_view line, CoordinatorEvent& event) {
  if (std::count(line.begin(), line.end(), ',') != 7) return "not eight fields";
  if (!read_time(take_field(line), event.time)) return "time_ns is not a number";
  auto const word = take_field(line);
  auto const found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return fmt::format("no event is called '{}'", word);
  event.kind = static_cast<CoordinatorEvent::Kind>(found - words.begin());
  auto const run_text = take_field(line);
  auto const run = parse_run_id(run_text);
  if (!run) return fmt::format("'{}' is not a run id", run_text);
  event.run = *run;
  auto const attempt = take_field(line);
  if (!attempt.empty() && !read_number(attempt, event.attempt)) return "attempt is not a number";
  auto const token_text = take_field(line);
  if (!token_text.empty()) {
    auto const token = parse_claim_token(token_text);
    if (!token) return fmt::format("'{}' is not a token", token_text);
    event.token = *token;
  }
  take_field(line);  // who
  auto const asked = take_field(line);
  if (!asked.empty() && !read_time(asked, event.asked)) return "asked_ns is not a number";
  auto const claimed = take_field(line);
  if (!claimed.empty() && !read_time(claimed, event.claimed)) return "claimed_ns is not a number";
  return {};
}

}  // namespace

Result<std::vector<CoordinatorEvent>> parse_coordinator_ledger(std::string_view csv) {
  std::vector<CoordinatorEvent> events;
  for (std::size_t number = 1; !csv.empty(); ++number) {
    auto const end = csv.find('\n');
    if (end == std::string_view::npos) break;
    auto const line = csv.substr(0, end);
    csv.remove_prefix(end + 1);
    std::string problem;
    if (number == 1) {
      if (line != header) problem = fmt::format("the columns are not {}", header);
    } else {
      problem = read_line(line, events.emplace_back());
    }
    if (!problem.empty())
      return Error{ErrorKind::broken_protocol, fmt::format("the coordinator's ledger, line {}: {}", number, problem)};
  }
  return events;
}

}  // namespace assay
