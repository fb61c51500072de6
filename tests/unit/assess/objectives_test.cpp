#include "harness/assess/objectives.hpp"

#include "tests/unit/assess/a_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using State = ObjectiveResult::State;
using Comparison = Objective::Comparison;
using testing::HasSubstr;

Objective objective(std::string metric, std::string statistic, Comparison comparison, double bound) {
  return {.metric = std::move(metric),
          .statistic = std::move(statistic),
          .comparison = comparison,
          .bound = bound,
          .text = "the text"};
}
Objective const claims_below_5s = objective("claim_latency", "p99", Comparison::less, 5000);

TEST(objective, is_met_missed_or_undecided_by_the_bounds_not_by_the_value) {
  auto trial = a_trial();
  struct Case {
    Comparison comparison;
    double bound;
    State state;
  };
  trial.dispatch_latency.p99 = {.value = 10, .low = 9, .high = 11};
  for (auto [comparison, bound, state] :
       {Case{Comparison::less, 11.1, State::met}, Case{Comparison::less, 11, State::undecided},
        Case{Comparison::less, 10.5, State::undecided}, Case{Comparison::less, 9, State::missed},
        Case{Comparison::less_equal, 11, State::met}, Case{Comparison::less_equal, 9, State::undecided},
        Case{Comparison::less_equal, 8.9, State::missed}, Case{Comparison::greater, 8.9, State::met},
        Case{Comparison::greater, 9, State::undecided}, Case{Comparison::greater, 11, State::missed},
        Case{Comparison::greater_equal, 9, State::met}, Case{Comparison::greater_equal, 11, State::undecided},
        Case{Comparison::greater_equal, 11.1, State::missed}})
    EXPECT_EQ(judge(objective("dispatch_latency", "p99", comparison, bound), trial).state, state)
        << static_cast<int>(comparison) << ' ' << bound;
}

TEST(objective, that_is_met_gives_its_figure_and_n) {
  auto const result = judge(claims_below_5s, a_trial());
  EXPECT_EQ(result.state, State::met);
  EXPECT_EQ(result.text, "the text");
  EXPECT_EQ(result.n, 4000U);
  EXPECT_EQ(result.bound, 5000);
  EXPECT_THAT(result.reason, HasSubstr("n = 4000"));
}

TEST(objective, with_too_few_samples_says_how_many_it_needs) {
  auto trial = a_trial();
  trial.claim_latency = latencies_around(4, 298);
  auto const result = judge(claims_below_5s, trial);
  EXPECT_EQ(result.state, State::undecided);
  EXPECT_EQ(result.reason,
            "298 samples are too few: p99 needs at least 299 at 95 % confidence, with none over the bound");
  trial.claim_latency = latencies_around(4, 299);
  EXPECT_EQ(judge(claims_below_5s, trial).state, State::met);
}

TEST(objective, missed_for_want_of_runners_says_so) {
  auto trial = a_trial();
  trial.claim_latency = latencies_around(19'400);
  trial.shortage_share = 0.97;
  auto const result = judge(claims_below_5s, trial);
  EXPECT_EQ(result.state, State::missed);
  EXPECT_EQ(result.reason,
            "missed by runner shortage alone: 97 % of claim latency is waiting for a free runner; dispatch latency p99 "
            "is 4.78 ms. "
            "More runners would help, a queue would not.");
  trial.dispatch_latency = latencies_around(6000);
  trial.shortage_share = 0.6;
  EXPECT_THAT(judge(claims_below_5s, trial).reason, HasSubstr("missed by runner shortage for the greater part"));
  trial.shortage_share = 0.1;
  EXPECT_THAT(judge(claims_below_5s, trial).reason, testing::Not(HasSubstr("runner shortage")));
}

TEST(objective, is_undecided_by_a_trial_that_proves_nothing) {
  auto const reason = [](auto break_it) {
    auto trial = a_trial();
    break_it(trial);
    auto const result = judge(claims_below_5s, trial);
    EXPECT_EQ(result.state, State::undecided);
    return result.reason;
  };
  EXPECT_THAT(reason([](auto& t) { t.partial = true; }), HasSubstr("interrupted"));
  EXPECT_THAT(reason([](auto& t) { t.failure = "the coordinator ended"; }), HasSubstr("the coordinator ended"));
  EXPECT_THAT(reason([](auto& t) { t.books.balance = false; }), HasSubstr("books do not balance"));
  EXPECT_THAT(reason([](auto& t) {
                auto instrument = good_instrument();
                instrument.generator_cpu_share = 0.95;
                t.guards = judge_instrument(instrument);
              }),
              HasSubstr("generator_cpu is 0.95, the rule is at most 80 %"));
  EXPECT_THAT(reason([](auto& t) {
                t.stable = false;
                t.backlog_slope_per_s.value = 12;
              }),
              HasSubstr("unstable at this rate: the backlog grew by 12/s"));
  EXPECT_THAT(reason([](auto& t) { t.claim_latency = {}; }), HasSubstr("was not measured"));
}

TEST(objective, about_lost_runs_is_missed_even_by_an_invalid_trial) {
  auto trial = a_trial();
  trial.partial = true;
  auto const none_lost = objective("lost", "count", Comparison::less_equal, 0);
  EXPECT_EQ(judge(none_lost, trial).state, State::undecided);
  trial.ledger.lost = 2;
  EXPECT_EQ(judge(none_lost, trial).state, State::missed);
}

}  // namespace
}  // namespace assay
