#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>

namespace assay {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::array<Unit, 6> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t const substituted = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0 || !std::isfinite(value)) return std::nullopt;
  std::string_view const suffix{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  if (suffix.empty()) return value == 0 ? std::optional{Duration{0}} : std::nullopt;
  for (auto const& unit : units) {
    if (unit.name != suffix) continue;
    double const ns = value * static_cast<double>(unit.ns);
    if (ns > 9e18) return std::nullopt;
    return Duration{std::llround(ns)};
  }
  return std::nullopt;
}

std::string format_duration(Duration d) {
  if (d.count() == 0) return "0s";
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (d.count() % unit->ns == 0) return fmt::format("{}{}", d.count() / unit->ns, unit->name);
  }
  return fmt::format("{}ns", d.count());
}

std::string humanize(Duration d) {
  double const ns = static_cast<double>(d.count());
  double const magnitude = std::abs(ns);
  auto const three_digits = [](double value) {
    double const m = std::abs(value);
    return m >= 100 ? fmt::format("{:.0f}", value) : m >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
  };
  if (magnitude == 0) return "0 s";
  if (magnitude < 1e3) return fmt::format("{} ns", d.count());
  if (magnitude < 1e6) return three_digits(ns / 1e3) + " µs";
  if (magnitude < 1e9) return three_digits(ns / 1e6) + " ms";
  if (magnitude < 120e9) return three_digits(ns / 1e9) + " s";
  if (magnitude < 7200e9) return three_digits(ns / 60e9) + " min";
  return three_digits(ns / 3600e9) + " h";
}

std::optional<std::string> nearest(std::string_view wrong, std::span<std::string const> candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, wrong.size() / 2) + 1;
  for (auto const& candidate : candidates) {
    std::size_t const distance = edit_distance(wrong, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    auto const at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace assay
