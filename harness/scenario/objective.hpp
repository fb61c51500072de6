// "claim_latency: p99 < 5s": one bound on one measured quantity, as scenarios, policies and `assay gate --threshold`
// write it. The metric's kind decides the unit of the bound: a duration needs one ("5s"), a share may be "1%" or 0.01,
// the rest are plain numbers.
#pragma once

#include "harness/base/error.hpp"
#include "harness/scenario/scenario.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Metric {
  enum class Kind : std::uint8_t { duration, count, rate, cores };  // ms, plain, per second, busy cores
  std::string name;
  Kind kind = Kind::duration;
  std::vector<std::string> statistics;
  std::string meaning;  // one line for the docs
};

// Everything that an objective or a trigger can be about.
std::span<Metric const> all_metrics();

// Errors are `misconfigured` with one line: what is wrong, the rule, the nearest right name.
Result<Objective> parse_objective(std::string_view text);

// Shortest form that parse_objective reads back to the same parts; `text` isn't used.
std::string format_objective(Objective const& objective);

// p50 → 0.5, p99.9 → 0.999; nullopt for what is no quantile.
std::optional<double> quantile_of(std::string_view statistic);

}  // namespace assay
