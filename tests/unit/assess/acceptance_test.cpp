#include "harness/assess/acceptance.hpp"

#include "tests/unit/assess/a_trial.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::HasSubstr;

class TickBoxes : public testing::Test {
 protected:
  Verdict::Box tick(Policy::Acceptance box, Decision decision = Decision::not_needed) {
    Policy policy;
    policy.acceptance = {std::move(box)};
    return tick_boxes(assessment, policy, decision).at(0);
  }

  Assessment assessment{.trials = {a_trial(100), a_trial(500)}};
};

TEST_F(TickBoxes, ATrialCountsWhenItIsLargeEnoughAndValid) {
  auto const at_500 = tick({.text = "Tested at 500", .runners_at_least = 500});
  EXPECT_TRUE(at_500.ticked);
  EXPECT_THAT(at_500.evidence, HasSubstr("500 runners for 40.0 s"));
  assessment.trials[1].guards[0].state = Guard::State::failed;
  EXPECT_FALSE(tick({.text = "Tested at 500", .runners_at_least = 500}).ticked);
  EXPECT_THAT(tick({.text = "Tested"}).evidence, HasSubstr("100 runners"));
}

TEST_F(TickBoxes, AnOpenVerdictDecidesNothing) {
  EXPECT_TRUE(tick({.text = "Decided", .decided = true}, Decision::needed).ticked);
  EXPECT_FALSE(tick({.text = "Decided", .decided = true}, Decision::inconclusive).ticked);
}

TEST_F(TickBoxes, OneBrokenLedgerIsEnough) {
  EXPECT_TRUE(tick({.text = "No double claim", .invariants = true}).ticked);
  assessment.trials[1].ledger.doubled = 1;
  auto const box = tick({.text = "No double claim", .invariants = true});
  EXPECT_FALSE(box.ticked);
  EXPECT_THAT(box.evidence, HasSubstr(assessment.trials[1].id));
}

TEST_F(TickBoxes, WhereNothingWasAcceptedNothingIsProven) {
  for (auto& trial : assessment.trials) trial.ledger = {};
  EXPECT_FALSE(tick({.text = "No double claim", .invariants = true}).ticked);
}

}  // namespace
}  // namespace assay
