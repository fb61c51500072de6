#include "harness/scenario/objective.hpp"

#include "harness/assess/figure_names.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace assay {

namespace {

using Comparison = Objective::Comparison;

struct Operator {
  std::string_view sign;
  Comparison comparison;
};
// Longest first: "<" is the beginning of "<=".
constexpr std::array<Operator, 4> operators{{{"<=", Comparison::less_equal},
                                             {">=", Comparison::greater_equal},
                                             {"<", Comparison::less},
                                             {">", Comparison::greater}}};

std::string_view trim(std::string_view text) {
  auto const begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

Error mistake(std::string detail) { return {ErrorKind::misconfigured, std::move(detail)}; }

std::string or_nearest(std::string_view wrong, std::vector<std::string> const& known) {
  if (auto const near = nearest(wrong, known)) return fmt::format("did you mean `{}`?", *near);
  return "docs/scenarios.md lists them all";
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

Result<double> parse_bound(std::string_view text, FigureName const& metric, std::string_view statistic) {
  if (metric.kind == FigureName::Kind::duration) {
    auto const duration = parse_duration(text);
    if (!duration || *duration == Duration{0}) {
      return mistake(fmt::format("the bound of {} is a duration above 0 with its unit, like 5s or 250ms, not `{}`",
                                 metric.name, text));
    }
    return to_ms(*duration);
  }
  bool const percent = statistic == "share" && text.ends_with('%');
  auto const number = parse_number(percent ? trim(text.substr(0, text.size() - 1)) : text);
  bool const may_be_negative = statistic == "slope";
  if (!number || (*number < 0 && !may_be_negative)) {
    return mistake(fmt::format("the bound of {} {} is a number{}, not `{}`", metric.name, statistic,
                               statistic == "share" ? " or a percentage, like 1%" : "", text));
  }
  double const bound = percent ? *number / 100 : *number;
  if (statistic == "share" && bound > 1) return mistake(fmt::format("a share is at most 1 or 100%, not `{}`", text));
  return bound;
}

FigureName const* find_metric(std::string_view name) {
  auto const metrics = known_metrics();
  auto const at = std::ranges::find(metrics, name, &FigureName::name);
  return at == metrics.end() ? nullptr : &*at;
}

}  // namespace

Result<Objective> parse_objective(std::string_view text) {
  constexpr std::string_view grammar = "an objective reads `metric: statistic < bound`, like `claim_latency: p99 < 5s`";
  Objective objective{.text = std::string{trim(text)}};

  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return mistake(fmt::format("no `:` in `{}`; {}", trim(text), grammar));
  std::string_view const name = trim(text.substr(0, colon));
  std::string_view const rest = text.substr(colon + 1);

  auto const sign =
      std::ranges::find_if(operators, [&](Operator const& each) { return rest.find(each.sign) != rest.npos; });
  if (sign == operators.end())
    return mistake(fmt::format("no comparison (<, <=, >, >=) in `{}`; {}", trim(text), grammar));
  auto const at = rest.find(sign->sign);
  std::string_view const statistic = trim(rest.substr(0, at));
  std::string_view const bound = trim(rest.substr(at + sign->sign.size()));

  FigureName const* metric = find_metric(name);
  if (!metric) {
    std::vector<std::string> known;
    for (auto const& each : known_metrics()) known.emplace_back(each.name);
    return mistake(fmt::format("unknown metric `{}`; {}", name, or_nearest(name, known)));
  }
  if (std::ranges::find(metric->statistics, statistic) == metric->statistics.end()) {
    return mistake(fmt::format("{} has no `{}`; it has {}", name, statistic, fmt::join(metric->statistics, ", ")));
  }
  auto const value = parse_bound(bound, *metric, statistic);
  if (!value) return value.error();

  objective.metric = name;
  objective.statistic = statistic;
  objective.comparison = sign->comparison;
  objective.bound = *value;
  return objective;
}

std::string format_objective(Objective const& objective) {
  FigureName const* metric = find_metric(objective.metric);
  auto const sign = std::ranges::find(operators, objective.comparison, &Operator::comparison);
  std::string const bound = metric && metric->kind == FigureName::Kind::duration
                                ? format_duration(from_seconds(objective.bound / 1e3))
                                : fmt::format("{}", objective.bound);
  return fmt::format("{}: {} {} {}", objective.metric, objective.statistic, sign->sign, bound);
}

}  // namespace assay
