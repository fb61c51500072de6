#include "harness/assess/other_variants.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

std::string in_words(CriterionEvidence const& evidence, LevelEvidence const& worst) {
  auto const& variant = worst.worst->variant;
  auto const& unit = worst.figure->unit;
  return fmt::format("{}{}, where {} is at least {} at {} runners, above {}",
                     variant.empty() ? "without a variant" : "with ", variant, name_of(*evidence.criterion),
                     show(worst.figure->at_least(), unit), worst.runners, show(evidence.criterion->above, unit));
}

}  // namespace

std::vector<MetElsewhere> triggers_met_elsewhere(Assessment const& assessment, Policy const& policy,
                                                 Comparisons const& compared, std::vector<int> const& runners) {
  std::vector<MetElsewhere> found;
  for (auto const& series : compared.others()) {
    if (backend_of(series) != backend_of(compared.assessed())) continue;
    for (auto const& criterion : policy.triggers) {
      std::vector<LevelEvidence> levels;
      for (int const level : runners)
        if (!trials_of(assessment, level, series).empty())
          levels.push_back(examine(criterion, level, compared.all_usable(level, series)));
      auto const evidence = combine(criterion, std::move(levels));
      if (evidence.finding != Reason::Finding::met) continue;
      auto const& worst = *evidence.worst();
      Reason note{.criterion = criterion.id, .source_text = criterion.text, .finding = Reason::Finding::note};
      note.text = fmt::format("{} at {} runners: {} is {}, above {}.", series, worst.runners, name_of(criterion),
                              show(*worst.figure), show(criterion.above, worst.figure->unit));
      note.figure = worst.figure->estimate;
      note.unit = worst.figure->unit;
      note.bound = criterion.above;
      note.n = worst.figure->n;
      for (auto const* trial : worst.trials) note.trials.push_back(trial->id);
      found.push_back({std::move(note), in_words(evidence, worst)});
    }
  }
  return found;
}

}  // namespace assay
