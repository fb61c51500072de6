#include "harness/histogram/histogram_log.hpp"

#include "harness/base/text.hpp"
#include "harness/histogram/codec.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <utility>

namespace assay {

namespace {

constexpr std::string_view start_time_key = "#[StartTime: ";
constexpr std::string_view base_time_key = "#[BaseTime: ";
constexpr std::string_view tag_key = "Tag=";
constexpr double seconds_in_a_year = 365.0 * 24 * 3600;
constexpr double furthest = 1e9;  // seconds between two times of one log; keeps Duration from overflowing

double seconds_since_epoch(HistogramLogWriter::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

// hdr-histogram-js pads its numbers with spaces.
std::string_view trimmed(std::string_view text) {
  auto const first = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// The number that `text` begins with, and what follows it.
std::optional<std::pair<double, std::string_view>> leading_number(std::string_view text) {
  text = trimmed(text);
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return std::pair{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

std::optional<double> number(std::string_view text) {
  auto const found = leading_number(text);
  if (!found || !found->second.empty()) return std::nullopt;
  return found->first;
}

// "#[StartTime: 1441812279.474 (seconds since epoch), …]"
std::optional<double> time_in_header(std::string_view line, std::string_view key) {
  auto const found = leading_number(line.substr(key.size()));
  if (!found) return std::nullopt;
  return found->first;
}

Duration to_duration(double s) { return milliseconds{std::llround(s * 1e3)}; }

// A line of values, its start still in the file's own terms.
struct RawEntry {
  std::string tag;
  double start, length;
  Histogram histogram;
};

Result<RawEntry> read_entry(std::string_view line) {
  auto const broken = [](std::string detail) { return Error{ErrorKind::broken_protocol, std::move(detail)}; };
  auto fields = split(line, ',');
  std::string tag;
  if (fields.front().starts_with(tag_key)) {
    tag = fields.front().substr(tag_key.size());
    fields.erase(fields.begin());
  }
  if (fields.size() != 4) return broken("not \"[Tag=…,]start,length,maximum,histogram\"");
  auto const start = number(fields[0]);
  auto const length = number(fields[1]);
  if (!start || !length || *length < 0 || *length > furthest || !number(fields[2])) {
    return broken("start, length or maximum is not a number");
  }
  auto histogram = decode(trimmed(fields[3]));
  if (!histogram) return histogram.error();
  return RawEntry{std::move(tag), *start, *length, std::move(*histogram)};
}

}  // namespace

HistogramLogWriter::HistogramLogWriter(std::ostream& out, WallTime start, std::vector<std::string> const& comments,
                                       double values_per_unit)
    : out_{out}, values_per_unit_{values_per_unit} {
  for (auto const& comment : comments) write_comment(comment);
  write_comment("[Histogram log format version 1.3]");
  double const start_s = seconds_since_epoch(start);
  // Starts in the log count from the base time. Without this line readers guess from how small the starts look.
  out_ << fmt::format("{}{:.3f} (seconds since epoch)]\n", base_time_key, start_s)
       << fmt::format("{}{:.3f} (seconds since epoch), {:%FT%TZ}]\n", start_time_key, start_s,
                      fmt::gmtime(std::chrono::system_clock::to_time_t(start)))
       << "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
}

void HistogramLogWriter::write(HistogramLogEntry const& entry) {
  if (entry.tag.find_first_of(", \t\r\n") != std::string::npos) {
    throw std::invalid_argument{fmt::format("histogram log: tag \"{}\" holds a comma or white space", entry.tag)};
  }
  if (!entry.tag.empty()) out_ << tag_key << entry.tag << ',';
  out_ << fmt::format("{:.3f},{:.3f},{:.3f},{}\n", to_seconds(entry.start), to_seconds(entry.length),
                      static_cast<double>(entry.histogram.max()) / values_per_unit_, encode(entry.histogram));
}

void HistogramLogWriter::write_comment(std::string_view text) {
  for (auto const& line : split(text, '\n')) out_ << '#' << line << '\n';
}

Result<HistogramLog> read_histogram_log(std::istream& in) {
  std::optional<double> start_time, base_time;
  std::vector<RawEntry> raw;
  std::string text;
  for (int line_number = 1; std::getline(in, text); ++line_number) {
    std::string_view line{text};
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(start_time_key)) {
      start_time = time_in_header(line, start_time_key);
    } else if (line.starts_with(base_time_key)) {
      base_time = time_in_header(line, base_time_key);
    } else if (!line.empty() && line.front() != '#' && line.front() != '"') {  // comments, and the legend
      auto entry = read_entry(line);
      if (!entry) {
        return Error{entry.error().kind, fmt::format("histogram log, line {}: {}", line_number, entry.error().detail)};
      }
      raw.push_back(std::move(*entry));
    }
  }

  // As HistogramLogReader.java: without a base time, starts are since the epoch unless they are over a year before the
  // start time; without a start time, the first interval begins the log.
  HistogramLog log;
  double const first = raw.empty() ? 0 : raw.front().start;
  double const start = start_time.value_or(first + base_time.value_or(0));
  double const base = base_time.value_or(first < start - seconds_in_a_year ? start : 0);
  if (std::abs(start) > 9e9)
    return Error{ErrorKind::broken_protocol, "histogram log: its start time is out of this world"};
  log.start_time += std::chrono::duration_cast<std::chrono::system_clock::duration>(to_duration(start));
  for (auto& entry : raw) {
    double const offset = base + entry.start - start;
    if (std::abs(offset) > furthest) {
      return Error{ErrorKind::broken_protocol, "histogram log: an interval lies decades from its start time"};
    }
    log.entries.push_back(
        {std::move(entry.tag), to_duration(offset), to_duration(entry.length), std::move(entry.histogram)});
  }
  return log;
}

}  // namespace assay
