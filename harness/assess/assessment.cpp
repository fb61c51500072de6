#include "harness/assess/assessment.hpp"

#include <algorithm>
#include <string_view>

namespace assay {

bool TrialResult::valid() const {
  return !partial && failure.empty() && books.balance &&
         std::none_of(guards.begin(), guards.end(), [](Guard const& g) { return g.state == Guard::State::failed; });
}

std::string to_string(Decision decision) {
  switch (decision) {
    case Decision::not_needed: return "not_needed";
    case Decision::consider: return "consider";
    case Decision::needed: return "needed";
    case Decision::inconclusive: break;
  }
  return "inconclusive";
}

namespace {

constexpr std::string_view with_variant = " · ";

}  // namespace

std::string series_of(std::string const& backend, std::string const& variant) {
  return variant.empty() ? backend : backend + std::string{with_variant} + variant;
}

std::string backend_of(std::string const& series) { return series.substr(0, series.find(with_variant)); }

std::vector<TrialResult const*> trials_of(Assessment const& assessment, int runners, std::string const& series) {
  std::vector<TrialResult const*> found;
  for (auto const& trial : assessment.trials)
    if (trial.runners == runners && trial.series() == series) found.push_back(&trial);
  return found;
}

std::string assessed_series(Assessment const& assessment) {
  return assessment.trials.empty() ? std::string{} : assessment.trials.front().series();
}

}  // namespace assay
