#include "harness/record/merged_ledger.hpp"

#include "harness/base/error.hpp"
#include "harness/base/text.hpp"
#include "harness/record/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace assay {

namespace {

constexpr std::string_view columns = "time_ns,event,run,attempt,token,who";

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::optional<LedgerLine> parse_line(std::string_view text, std::string const& actor) {
  auto cells = split(text, ',');
  std::int64_t time = 0;
  LedgerLine line{.actor = actor};
  if (cells.size() < 6 || !read_number(cells[0], time)) return std::nullopt;
  if (!cells[3].empty() && !read_number(cells[3], line.attempt)) return std::nullopt;
  auto const run = parse_run_id(cells[2]);
  if (!run) return std::nullopt;
  line.time = TimePoint{Duration{time}};
  line.event = std::move(cells[1]);
  line.run = *run;
  line.token = std::move(cells[4]);
  line.who = std::move(cells[5]);
  return line;
}

void read_file(std::filesystem::path const& file, std::string const& actor, std::vector<LedgerLine>& lines) {
  std::string csv;
  try {
    csv = gunzip(read_whole(file));
  } catch (std::runtime_error const& error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", file.string(), error.what())};
  }
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < csv.size();) {
    auto const end = csv.find('\n', begin);
    // A line is written whole or not at all: what has no end is of an actor that was killed.
    if (end == std::string::npos) break;
    std::string_view const text{csv.data() + begin, end - begin};
    begin = end + 1;
    if (++number == 1) {
      if (!text.starts_with(columns))
        throw Failure{ExitStatus::bad_input,
                      fmt::format("{}: line 1: the columns must begin with {}", file.string(), columns)};
      continue;
    }
    auto line = parse_line(text, actor);
    if (!line)
      throw Failure{ExitStatus::bad_input,
                    fmt::format("{}: line {}: not {}: {}", file.string(), number, columns, text.substr(0, 80))};
    lines.push_back(std::move(*line));
  }
}

}  // namespace

std::vector<LedgerLine> read_merged_ledger(std::filesystem::path const& folder, std::string const& trial) {
  constexpr std::string_view ending = ".csv.gz";
  std::string const beginning = trial + '-';
  std::vector<LedgerLine> lines;
  bool any = false;
  auto const ledgers = folder / "ledger";
  std::error_code error;
  for (auto const& entry : std::filesystem::directory_iterator{ledgers, error}) {
    auto const name = entry.path().filename().string();
    if (!name.starts_with(beginning) || !name.ends_with(ending)) continue;
    any = true;
    read_file(entry.path(), name.substr(beginning.size(), name.size() - beginning.size() - ending.size()), lines);
  }
  if (!any) throw Failure{ExitStatus::bad_input, fmt::format("{}: no ledger of {} is there", ledgers.string(), trial)};
  std::stable_sort(lines.begin(), lines.end(), [](auto const& a, auto const& b) { return a.time < b.time; });
  return lines;
}

}  // namespace assay
