// Durations, numbers and near misses as people write and read them. Every place that reads a duration from a file, a flag
// or a query uses parse_duration, so that "30s" means the same everywhere.
#pragma once

#include "harness/base/clock.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

// "250ms", "30s", "1.5s", "5m", "1h", "10us", "0"; a bare non-zero number has no unit and is refused. Not negative.
std::optional<Duration> parse_duration(std::string_view text);

// Shortest exact form that parse_duration reads back: "30s", "1500ms", "200us".
std::string format_duration(Duration d);

// For people: three significant digits and the fitting unit, "4.56 ms", "12.3 s", "870 µs".
std::string humanize(Duration d);

// The candidate nearest to `wrong` by edit distance (case-insensitive), if near enough to be what was meant.
std::optional<std::string> nearest(std::string_view wrong, std::span<std::string const> candidates);

// How many columns a terminal gives to this UTF-8 text, of characters that are one wide.
std::size_t columns_of(std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);

}  // namespace assay
