#include "harness/assess/acceptance.hpp"

#include "harness/assess/criterion_evidence.hpp"
#include "harness/base/clock.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

namespace assay {
namespace {

using Box = Verdict::Box;

Box by_verdict(std::string const& text, Decision decision) {
  return {text, decision != Decision::inconclusive, fmt::format("verdict: {}", to_string(decision))};
}

Box by_invariants(std::string const& text, Assessment const& assessment) {
  std::uint64_t accepted = 0;
  for (auto const& trial : assessment.trials) {
    accepted += trial.ledger.accepted;
    if (auto const problem = ledger_problem(trial); !problem.empty())
      return {text, false, fmt::format("{}: {}", trial.id, problem)};
  }
  return {text, accepted > 0,
          fmt::format("{} runs accepted in {} trials, no invariant broken", accepted, assessment.trials.size())};
}

Box by_valid_trial(std::string const& text, Assessment const& assessment, int runners_at_least) {
  TrialResult const* best = nullptr;
  for (auto const& trial : assessment.trials)
    if (trial.runners >= runners_at_least && why_not_usable(trial).empty() && (!best || trial.runners > best->runners))
      best = &trial;
  if (!best) return {text, false, "no valid trial"};
  return {text, true,
          fmt::format("{}: {} runners for {}, {} claims", best->id, best->runners,
                      humanize(from_seconds(best->measured_s)), best->claims)};
}

}  // namespace

std::vector<Box> tick_boxes(Assessment const& assessment, Policy const& policy, Decision decision) {
  std::vector<Box> boxes;
  for (auto const& box : policy.acceptance) {
    boxes.push_back(box.decided      ? by_verdict(box.text, decision)
                    : box.invariants ? by_invariants(box.text, assessment)
                                     : by_valid_trial(box.text, assessment, box.runners_at_least));
  }
  return boxes;
}

}  // namespace assay
