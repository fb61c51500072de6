#include "reports/words.hpp"

#include "harness/assess/figure_names.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace assay {
namespace {

constexpr char const* group_separator = "\u202f";

std::string grouped(std::string const& digits) {
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += group_separator;
    result += digits[i];
  }
  return result;
}

}  // namespace

std::string duration_text(double ms) {
  if (std::abs(ms) < indiscernible_ms) return "0";
  if (!std::isfinite(ms)) return "–";
  return humanize(Duration{std::llround(ms * 1e6)});
}

std::string bound_text(double ms) {
  auto text = duration_text(ms);
  auto const unit = text.find(' ');
  if (unit == std::string::npos || text.find('.') == std::string::npos) return text;
  auto figure = text.substr(0, unit);
  figure.erase(figure.find_last_not_of('0') + 1);
  if (figure.back() == '.') figure.pop_back();
  return figure + text.substr(unit);
}

std::string range_text(double low_ms, double high_ms) {
  auto low = duration_text(low_ms);
  auto const high = duration_text(high_ms);
  auto const low_unit = low.find(' ');
  auto const high_unit = high.find(' ');
  if (low_unit != std::string::npos && high_unit != std::string::npos && low.substr(low_unit) == high.substr(high_unit))
    low.resize(low_unit);
  return low + "–" + high;
}

std::string estimate_text(Estimate const& ms) {
  if (ms.low && ms.high) return fmt::format("{} [{}]", duration_text(ms.value), range_text(*ms.low, *ms.high));
  if (ms.low) return fmt::format("{} [≥ {}]", duration_text(ms.value), duration_text(*ms.low));
  return duration_text(ms.value);
}

std::string count_text(std::uint64_t n) { return grouped(std::to_string(n)); }

std::string number_text(double value) {
  if (!std::isfinite(value)) return "–";
  double const size = std::abs(value);
  if (size < 1e-7) return "0";
  if (size >= 99.95) return (value < 0 ? "−" : "") + grouped(fmt::format("{:.0f}", size));
  int const leading = static_cast<int>(std::floor(std::log10(size)));  // 0.042 → −2
  auto text = fmt::format("{:.{}f}", size, leading >= 1 ? 1 : leading >= -1 ? 2 : 1 - leading);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return (value < 0 ? "−" : "") + text;
}

std::string percent_text(double share) { return number_text(share * 100) + " %"; }

std::string in_unit(double value, std::string const& unit) {
  if (unit == "ms") return duration_text(value);
  if (unit == "1/s") return number_text(value) + "/s";
  return unit.empty() ? number_text(value) : fmt::format("{} {}", number_text(value), unit);
}

std::string in_unit(Estimate const& figure, std::string const& unit) {
  if (unit == "ms") return estimate_text(figure);
  auto text = in_unit(figure.value, unit);
  if (figure.low && figure.high)
    text += fmt::format(" [{} to {}]", number_text(*figure.low), number_text(*figure.high));
  return text;
}

std::string latency_cell(TrialResult const& trial, LatencyFigures const& latency, Estimate LatencyFigures::*quantile) {
  if (latency.n == 0) return "–";
  if (!trial.stable) return "unstable";
  return estimate_text(latency.*quantile);
}

std::string unit_of(ObjectiveResult const& objective) {
  auto const metric = std::string_view{objective.text}.substr(0, objective.text.find(':'));
  for (auto const& known : known_metrics()) {
    if (known.name != metric) continue;
    if (known.kind == FigureName::Kind::duration) return "ms";
    if (known.kind == FigureName::Kind::cores) return "cores";
    if (known.kind == FigureName::Kind::memory) return "MiB";
  }
  return "";
}

std::string objective_cell(TrialResult const& trial, ObjectiveResult const& objective) {
  auto const unit = unit_of(objective);
  return unit == "ms" && !trial.stable ? "unstable" : in_unit(objective.measured, unit);
}

std::string title_of(Decision decision) {
  switch (decision) {
    case Decision::not_needed: return "Not needed";
    case Decision::consider: return "Consider";
    case Decision::needed: return "Needed";
    case Decision::inconclusive: break;
  }
  return "Inconclusive";
}

std::string word_of(Reason::Finding finding) {
  switch (finding) {
    case Reason::Finding::refuted: return "Refuted";
    case Reason::Finding::met: return "Met";
    case Reason::Finding::undecided: return "Undecided";
    case Reason::Finding::note: break;
  }
  return "Note";
}

std::string word_of(ObjectiveResult::State state) {
  switch (state) {
    case ObjectiveResult::State::met: return "Met";
    case ObjectiveResult::State::missed: return "Missed";
    case ObjectiveResult::State::undecided: break;
  }
  return "Undecided";
}

std::string word_of(Guard::State state) {
  switch (state) {
    case Guard::State::passed: return "Passed";
    case Guard::State::failed: return "Failed";
    case Guard::State::not_available: break;
  }
  return "Not available";
}

std::string title_of(Reason const& reason) {
  if (!reason.source_text.empty()) return reason.source_text;
  std::string title = reason.criterion;
  std::replace(title.begin(), title.end(), '-', ' ');
  if (!title.empty()) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

std::string bound_of(Reason const& reason) {
  return reason.unit == "ms" ? bound_text(reason.bound) : in_unit(reason.bound, reason.unit);
}

std::string plural(std::uint64_t n, std::string const& one) {
  return fmt::format("{} {}{}", count_text(n), one, n == 1 ? "" : "s");
}

}  // namespace assay
