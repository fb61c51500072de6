#include "harness/assess/assessment.hpp"

#include <algorithm>

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

std::vector<TrialResult const*> trials_of(Assessment const& assessment, int runners, std::string const& backend) {
  std::vector<TrialResult const*> found;
  for (auto const& trial : assessment.trials)
    if (trial.runners == runners && trial.backend == backend) found.push_back(&trial);
  return found;
}

std::string assessed_backend(Assessment const& assessment) {
  return assessment.trials.empty() ? std::string{} : assessment.trials.front().backend;
}

}  // namespace assay
