#include "harness/record/run_events_csv.hpp"

#include "harness/base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>

namespace assay {
namespace {

constexpr std::string_view header = "time_ns,event,run,attempt,token,who,since_ns,class";
constexpr std::size_t columns = 8;

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

bool read_kind(std::string_view field, RunEvent::Kind& kind) {
  for (int i = 0; i <= static_cast<int>(RunEvent::Kind::died); ++i)
    if (field == to_string(static_cast<RunEvent::Kind>(i))) {
      kind = static_cast<RunEvent::Kind>(i);
      return true;
    }
  return false;
}

bool read_run(std::string_view field, RunId& run) {
  auto const id = parse_run_id(field);
  if (id) run = *id;
  return id.has_value();
}

bool read_token(std::string_view field, ClaimToken& token) {
  if (field.empty()) return true;
  auto const found = parse_claim_token(field);
  if (found) token = *found;
  return found.has_value();
}

}  // namespace

std::string run_events_csv(std::span<RunEvent const> events) {
  std::string csv{header};
  csv += '\n';
  csv.reserve(events.size() * 128);
  for (auto const& event : events) {
    fmt::format_to(std::back_inserter(csv), "{},{},{},{},{},{},{},{}\n", event.time.time_since_epoch().count(),
                   to_string(event.kind), to_string(event.run), event.attempt,
                   event.token == ClaimToken{} ? std::string{} : to_string(event.token), event.actor,
                   event.since.time_since_epoch().count(), event.run_class);
  }
  return csv;
}

std::vector<RunEvent> parse_run_events(std::string_view csv, std::string const& name) {
  std::vector<RunEvent> events;
  for (std::size_t number = 1; !csv.empty() || number == 1; ++number) {
    auto const wrong = [&](std::string_view what) {
      throw Failure{ExitStatus::bad_input, fmt::format("{}: line {}: {}", name, number, what)};
    };
    auto const end = csv.find('\n');
    if (end == std::string_view::npos) wrong("cut off");
    auto line = csv.substr(0, end);
    csv.remove_prefix(end + 1);
    if (number == 1) {
      if (line != header) wrong(fmt::format("the columns are not {}", header));
      continue;
    }
    std::array<std::string_view, columns> fields;
    std::size_t count = 0;
    for (bool more = true; more; ++count) {
      if (count == columns) wrong("too many fields");
      auto const comma = line.find(',');
      fields[count] = line.substr(0, comma);
      more = comma != std::string_view::npos;
      if (more) line.remove_prefix(comma + 1);
    }
    if (count != columns) wrong("too few fields");
    RunEvent event;
    if (!read_time(fields[0], event.time)) wrong("time_ns is not a number");
    if (!read_kind(fields[1], event.kind)) wrong(fmt::format("no event is called '{}'", fields[1]));
    if (!read_run(fields[2], event.run)) wrong(fmt::format("'{}' is not a run id", fields[2]));
    if (!read_number(fields[3], event.attempt)) wrong("attempt is not a number");
    if (!read_token(fields[4], event.token)) wrong(fmt::format("'{}' is not a token", fields[4]));
    if (!read_number(fields[5], event.actor)) wrong("who is not a number");
    if (!read_time(fields[6], event.since)) wrong("since_ns is not a number");
    if (!read_number(fields[7], event.run_class)) wrong("class is not a number");
    events.push_back(event);
  }
  return events;
}

}  // namespace assay
