#include "harness/scenario/mistakes.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace assay {

namespace {

bool is_part_of(std::string_view inner, std::string_view outer) {
  return inner.starts_with(outer) && (outer.empty() || inner.size() == outer.size() || inner[outer.size()] == '.');
}

// Longer lines are cut: a caret that wraps around points at nothing.
constexpr std::size_t longest_source_line = 400;

}  // namespace

void Mistakes::add(Place place, std::string path, std::string message) {
  list.push_back({std::move(place), std::move(path), std::move(message)});
}

bool Mistakes::touch(std::string_view path) const {
  return std::ranges::any_of(
      list, [&](Mistake const& mistake) { return is_part_of(mistake.path, path) || is_part_of(path, mistake.path); });
}

void Mistakes::sort() {
  std::ranges::stable_sort(list, {}, [](Mistake const& mistake) {
    return std::tuple{!mistake.place.flag.empty(), mistake.place.line, mistake.place.column};
  });
}

std::string to_string(Mistakes const& mistakes) {
  auto const lines = split(mistakes.text, '\n');
  std::string out;
  for (auto const& [place, path, message] : mistakes.list) {
    if (!place.flag.empty()) {
      out += fmt::format("{}: {}\n", place.flag, message);
      continue;
    }
    if (place.line == 0) {
      out += fmt::format("{}: {}\n", mistakes.file, message);
      continue;
    }
    out += fmt::format("{}:{}:{}: {}\n", mistakes.file, place.line, place.column, message);
    if (place.line > static_cast<int>(lines.size())) continue;
    std::string line = lines[static_cast<std::size_t>(place.line - 1)];
    if (line.ends_with('\r')) line.pop_back();
    if (line.size() > longest_source_line) continue;
    // What could move the caret or drive the terminal is shown as one blank or one question mark.
    for (char& c : line) {
      if (c == '\t')
        c = ' ';
      else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        c = '?';
    }
    std::string const indent(static_cast<std::size_t>(std::max(place.column - 1, 0)), ' ');
    std::string const underline(static_cast<std::size_t>(std::max(place.length - 1, 0)), '~');
    out += fmt::format("{:>5} | {}\n      | {}^{}\n", place.line, line, indent, underline);
  }
  return out;
}

void throw_exception_from_error(Mistakes const& mistakes, boost::source_location const& where) {
  throw std::logic_error(
      fmt::format("value() of unchecked input at {}:{}:\n{}", where.file_name(), where.line(), to_string(mistakes)));
}

}  // namespace assay
