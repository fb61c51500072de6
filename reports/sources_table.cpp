// What each source of runs got, and how long its runs waited.
#include "reports/evidence.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

namespace assay {

namespace {

std::string part_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "–" : percent_text(static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

Table sources_table(Assessment const& assessment) {
  constexpr bool number = true;
  using L = LatencyFigures;
  Table table{"What each source got, and how long its runs waited from creation until a runner had them",
              {{"Trial"},
               {"Source"},
               {"Submitted", number},
               {"of all", number},
               {"Claimed", number},
               {"of all", number},
               {"Waited p50", number},
               {"p99 [95 % interval]", number},
               {"longest", number}},
              {}};
  for (auto const& trial : assessment.trials) {
    std::uint64_t submitted = 0, claimed = 0;
    for (auto const& each : trial.books.sources) {
      submitted += each.submitted;
      claimed += each.claimed;
    }
    for (auto const& each : trial.books.sources) {
      auto const& waited = each.claim_latency;
      bool const shown = waited.n > 0 && trial.stable;
      table.rows.push_back(
          {{name_of(assessment, trial), each.source, count_text(each.submitted), part_of(each.submitted, submitted),
            count_text(each.claimed), part_of(each.claimed, claimed), shown ? duration_text(waited.p50.value) : "–",
            latency_cell(trial, waited, &L::p99), shown ? duration_text(waited.max) : "–"},
           Mark::none});
    }
  }
  return table;
}

}  // namespace assay
