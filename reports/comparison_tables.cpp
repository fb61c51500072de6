// Other series beside the assessed one, a table for each figure by which they are compared.
#include "harness/assess/compared_figures.hpp"
#include "reports/evidence.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

namespace assay {
namespace {

std::string note_of(SeriesComparison const& comparison) {
  std::string note;
  if (!comparison.why_not.empty()) note = "no comparison: " + comparison.why_not;
  if (!comparison.durability.empty()) note += (note.empty() ? "" : "; ") + comparison.durability;
  return note;
}

}  // namespace

std::vector<Table> comparison_tables(Assessment const& assessment) {
  constexpr bool number = true;
  auto const assessed = assessed_series(assessment);
  std::vector<Table> tables;
  for (auto const& figure : compared_figures(assessment.verdict)) {
    Table table{fmt::format("{}; ×: how many times that of {} with as many runners", figure.name(), assessed),
                {{"Trial"}, {figure.name() + " [95 % interval]", number}, {"×", number}, {"Note"}},
                {}};
    for (auto const& [runners, ours] : figure.ours)
      table.rows.push_back(
          {{name_of(assessment, Cell{runners, assessed, {}}), in_unit(ours, figure.unit), "1", "assessed"},
           Mark::none});
    for (auto const* each : figure.others)
      table.rows.push_back({{name_of(assessment, Cell{each->runners, each->series, {}}),
                             each->theirs ? in_unit(*each->theirs, figure.unit) : "–",
                             each->times ? number_text(*each->times) : "–", note_of(*each)},
                            Mark::none});
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace assay
