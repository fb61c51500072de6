#include "harness/record/timeline_csv.hpp"

#include "harness/base/error.hpp"
#include "harness/base/text.hpp"
#include "harness/record/described.hpp"

#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

namespace assay {
namespace {

// The id and the phase are the program's own words: no commas, no quotes, no line feeds.
template <class F>
void for_each_column(F&& f) {
  boost::mp11::mp_for_each<Members<TimelinePoint>>(std::forward<F>(f));
}

std::string header() {
  std::string line = "trial";
  for_each_column([&](auto member) { line += fmt::format(",{}", member.name); });
  return line;
}

void read_field(std::string const& field, std::string& value) { value = field; }

void read_field(std::string const& field, double& value) {
  auto const [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size())
    throw std::runtime_error{fmt::format("'{}' is not a number", field)};
}

}  // namespace

std::string timeline_csv(std::vector<TrialResult> const& trials) {
  std::string csv = header() + '\n';
  for (auto const& trial : trials)
    for (auto const& point : trial.timeline) {
      csv += trial.id;
      for_each_column([&](auto member) { csv += fmt::format(",{}", point.*member.pointer); });
      csv += '\n';
    }
  return csv;
}

void add_timeline(std::vector<TrialResult>& trials, std::string_view csv, std::string const& name) {
  std::unordered_map<std::string, TrialResult*> by_id;
  for (auto& trial : trials) by_id[trial.id] = &trial;
  std::size_t line_number = 0;
  auto const wrong = [&](std::string const& what) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: line {}: {}", name, line_number, what)};
  };
  while (!csv.empty()) {
    ++line_number;
    auto const end = csv.find('\n');
    if (end == std::string_view::npos) wrong("cut off");
    auto const line = csv.substr(0, end);
    csv.remove_prefix(end + 1);
    if (line_number == 1) {
      if (line != header()) wrong(fmt::format("the columns are not {}", header()));
      continue;
    }
    auto const fields = split(line, ',');
    auto const trial = by_id.find(fields.front());
    if (trial == by_id.end()) wrong(fmt::format("no trial '{}' in summary.json", fields.front()));
    TimelinePoint point;
    std::size_t column = 1;
    try {
      for_each_column([&](auto member) {
        if (column >= fields.size()) throw std::runtime_error{fmt::format("{} is missing", member.name)};
        read_field(fields[column++], point.*member.pointer);
      });
    } catch (std::runtime_error const& error) {
      wrong(error.what());
    }
    if (column != fields.size()) wrong("more fields than columns");
    trial->second->timeline.push_back(std::move(point));
  }
  if (line_number == 0) wrong("empty file");
}

}  // namespace assay
