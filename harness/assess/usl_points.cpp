#include "harness/assess/usl.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace assay {

namespace {

constexpr std::size_t most_mistakes = 10;

std::string_view trimmed(std::string_view text) {
  auto const is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool is_called(std::string_view field, char name) {
  return field.size() == 1 && std::toupper(static_cast<unsigned char>(field.front())) == name;
}

struct Columns {
  std::size_t n = 0, x = 1;
};

// Nothing: this is no header.
std::optional<Columns> columns_of(std::vector<std::string_view> const& fields) {
  auto const find = [&](char name) {
    return static_cast<std::size_t>(
        std::find_if(fields.begin(), fields.end(), [&](auto field) { return is_called(field, name); }) -
        fields.begin());
  };
  Columns const columns{find('N'), find('X')};
  if (columns.n == fields.size() || columns.x == fields.size()) return std::nullopt;
  return columns;
}

}  // namespace

Result<std::vector<UslPoint>> parse_usl_points(std::string_view csv) {
  std::vector<UslPoint> points;
  std::vector<std::string> mistakes;
  Columns columns;
  bool first = true;
  std::size_t line_number = 0;
  for (auto const& line : split(csv, '\n')) {
    ++line_number;
    auto const text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    auto const parts = split(text, ',');
    std::vector<std::string_view> fields;
    for (auto const& part : parts) fields.push_back(trimmed(part));
    bool const may_be_header = std::exchange(first, false);
    if (may_be_header) {
      if (auto const named = columns_of(fields)) {
        columns = *named;
        continue;
      }
    }
    auto const field = [&](std::size_t i) { return i < fields.size() ? fields[i] : std::string_view{}; };
    auto const n = number(field(columns.n)), x = number(field(columns.x));
    if (n && x) {
      points.push_back({*n, *x});
    } else if (may_be_header && !number(fields.front())) {
      return Error{ErrorKind::rejected, fmt::format("line {}: a header must name the columns N and X, found \"{}\"",
                                                    line_number, text.substr(0, 60))};
    } else {
      mistakes.push_back(
          fmt::format("line {}: two numbers, N and X, are expected, found \"{}\"", line_number, text.substr(0, 60)));
    }
  }
  if (mistakes.empty()) return points;
  std::string told = mistakes.front();
  for (std::size_t i = 1; i < std::min(mistakes.size(), most_mistakes); ++i) told += "; " + mistakes[i];
  if (mistakes.size() > most_mistakes) told += fmt::format("; and {} more", mistakes.size() - most_mistakes);
  return Error{ErrorKind::rejected, told};
}

}  // namespace assay
