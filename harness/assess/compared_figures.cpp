#include "harness/assess/compared_figures.hpp"

#include <algorithm>

namespace assay {

std::string ComparedFigure::name() const {
  std::string name = metric;
  std::ranges::replace(name, '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return statistic == "mean" ? name : name + ' ' + statistic;
}

std::vector<ComparedFigure> compared_figures(Verdict const& verdict) {
  std::vector<ComparedFigure> figures;
  if (!verdict.comparisons) return figures;
  for (auto const& comparison : *verdict.comparisons) {
    auto found = std::ranges::find_if(figures, [&](ComparedFigure const& figure) {
      return figure.metric == comparison.metric && figure.statistic == comparison.statistic;
    });
    if (found == figures.end())
      found = figures.insert(figures.end(), {comparison.metric, comparison.statistic, comparison.unit, {}, {}});
    if (found->unit.empty()) found->unit = comparison.unit;
    if (comparison.ours) found->ours[comparison.runners] = *comparison.ours;
    found->others.push_back(&comparison);
  }
  return figures;
}

}  // namespace assay
