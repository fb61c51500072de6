// What became of the runs that runners held when they were killed.
#include "reports/evidence.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

namespace assay {

namespace {

// "run 01a1…: claimed by runner 1 under …" one after the other; of many, the first few.
std::string which(LedgerFigures const& ledger) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, ledger.stranded_runs.size()); ++i) {
    if (i > 0) text += "; ";
    text += ledger.stranded_runs[i];
  }
  if (ledger.stranded > most) text += fmt::format("; and {} more", count_text(ledger.stranded - most));
  return text.empty() ? "–" : text;
}

}  // namespace

Table orphans_table(Assessment const& assessment) {
  constexpr bool number = true;
  Table table{
      "What became of the runs that were held by runners when these were killed",
      {{"Trial"}, {"Held", number}, {"Completed by others", number}, {"Still claimed by the dead", number}, {"Which"}},
      {}};
  for (auto const& trial : assessment.trials) {
    auto const& ledger = trial.ledger;
    if (ledger.orphaned == 0) continue;
    table.rows.push_back({{name_of(assessment, trial), count_text(ledger.orphaned), count_text(ledger.recovered),
                           count_text(ledger.stranded), which(ledger)},
                          ledger.stranded > 0 ? Mark::bad : Mark::good});
  }
  return table;
}

}  // namespace assay
