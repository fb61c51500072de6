#include "harness/cli/comparison_lines.hpp"

#include "harness/assess/compared_figures.hpp"
#include "harness/assess/figure.hpp"
#include "harness/cli/wrap.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <vector>

namespace assay {
namespace {

using Compared = std::vector<SeriesComparison const*>;

// Whole sentences stand in the report, the guards' figures below the trial in the table above.
std::string briefly_why_not(Assessment const& assessment, SeriesComparison const& comparison) {
  std::vector<std::string> failed;
  for (auto const& trial : assessment.trials) {
    if (std::ranges::find(comparison.trials, trial.id) == comparison.trials.end()) continue;
    if (trial.partial) return "interrupted";
    if (!trial.failure.empty()) return "failed";
    if (trial.ledger.lost + trial.ledger.doubled > 0 || !trial.ledger.breaches.empty()) return "breaks its promises";
    if (!trial.stable) return "unstable at this rate";
    if (!trial.books.balance) return "invalid: books";
    for (auto const& guard : trial.guards)
      if (guard.state == Guard::State::failed && std::ranges::find(failed, guard.name) == failed.end())
        failed.push_back(guard.name);
  }
  if (failed.empty()) return comparison.why_not;
  if (failed.size() > 2) return fmt::format("invalid: {} and {} more", failed.front(), failed.size() - 1);
  return fmt::format("invalid: {}", fmt::join(failed, ", "));
}

// Durability matters beside a figure only.
std::string note_of(Assessment const& assessment, SeriesComparison const& comparison) {
  return comparison.theirs ? comparison.durability : briefly_why_not(assessment, comparison);
}

std::string times_text(double times) {
  return times < 9.95 ? fmt::format("{:.2g} ×", times) : fmt::format("{:.0f} ×", times);
}

std::string heading(Assessment const& assessment, ComparedFigure const& figure) {
  auto text = fmt::format("{}, compared with {}", figure.name(), assessed_series(assessment));
  std::string known;
  for (auto const& [runners, ours] : figure.ours)
    known += known.empty() ? fmt::format("{} at {} runners", show(ours.value, figure.unit), runners)
                           : fmt::format(", {} at {}", show(ours.value, figure.unit), runners);
  if (!known.empty()) text += fmt::format(" ({})", known);
  return wrap(text + ':', 100, "");
}

std::string line(Assessment const& assessment, ComparedFigure const& figure, SeriesComparison const& each,
                 std::size_t series_width) {
  auto text = fmt::format("{:>7}  {:<{}} {:>8}  {:>8}  {}", each.runners, each.series, series_width,
                          each.theirs ? show(each.theirs->value, figure.unit) : "–",
                          each.times ? times_text(*each.times) : "–", note_of(assessment, each));
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

// The best first; those that can't be told last, as they ran.
Compared ranked(ComparedFigure const& figure) {
  auto order = figure.others;
  bool const less_is_better = figure.unit == "ms";
  std::ranges::stable_sort(order, [&](SeriesComparison const* a, SeriesComparison const* b) {
    if (!a->times || !b->times) return a->times.has_value() && !b->times;
    return less_is_better ? *a->times < *b->times : *a->times > *b->times;
  });
  return order;
}

}  // namespace

std::string comparison_lines(Assessment const& assessment, std::size_t series_width) {
  std::string out;
  for (auto const& figure : compared_figures(assessment.verdict)) {
    out += fmt::format("\n{}\n", heading(assessment, figure));
    auto const put = [&](auto const& some) {
      for (auto const* each : some) out += line(assessment, figure, *each, series_width);
    };
    if (figure.others.size() <= lines_of_comparisons) {
      put(figure.others);
      continue;
    }
    auto const order = ranked(figure);
    auto const told = static_cast<std::size_t>(
        std::ranges::count_if(order, [](SeriesComparison const* each) { return each->times.has_value(); }));
    // One line says how many are left out.
    std::size_t const shown = lines_of_comparisons - 1;
    std::size_t const worst = told > shown ? shown / 2 : 0, best = shown - worst;
    auto const all = std::span{order};
    put(all.first(best));
    out += fmt::format("         … and {} more: in the report", order.size() - shown);
    if (std::size_t const untold = order.size() - std::max(told, best); untold > 0)
      out += fmt::format(" ({} without a comparison)", untold);
    out += '\n';
    put(all.subspan(told - worst, worst));
  }
  return out;
}

}  // namespace assay
