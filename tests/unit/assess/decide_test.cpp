#include "harness/assess/decide.hpp"

#include "harness/base/random.hpp"
#include "tests/unit/assess/a_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace assay {
namespace {

using Finding = Reason::Finding;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// PR-007's rules, as scenarios/policies/pr-007.yaml has them.
Policy pr_007() {
  Policy policy;
  policy.name = "pr-007";
  policy.required_runners = {50, 100, 500};
  policy.triggers = {
      {.id = "claim-latency",
       .text = "Run claim latency > 5 seconds consistently",
       .metric = "dispatch_latency",
       .statistic = "p99",
       .above = 5000,
       .why = "Waiting for the coordinator.",
       .what_would_help = "A faster claim path."},
      {.id = "store-writes",
       .text = "Database write queue backing up",
       .metric = "pending_writes",
       .statistic = "slope",
       .above = 1,
       .why = "It can't keep up.",
       .what_would_help = "Batched writes."},
      {.id = "coordinator-cpu",
       .text = "Need for coordinator horizontal scaling",
       .metric = "coordinator_cpu",
       .statistic = "mean",
       .above = 0.8,
       .why = "One core.",
       .what_would_help = "A second coordinator."},
  };
  policy.considerations = {
      {.id = "many-runners", .text = "500+ runners", .runners_at_least = 500, .need = {}},
      {.id = "push", .text = "Push-based dispatch needed", .runners_at_least = 0, .need = "push_dispatch"}};
  policy.queue_backends = {"redis-streams"};
  policy.acceptance = {{.text = "Load testing performed at 50+ runners", .runners_at_least = 50},
                       {.text = "Metrics collected for assessment"},
                       {.text = "Decision documented based on data", .runners_at_least = 0, .decided = true}};
  return policy;
}

Assessment measured() {
  Assessment assessment;
  assessment.scenario_name = "pr-007";
  assessment.command = "build/release/bin/assay run scenarios/pr-007.yaml --seed 7";
  assessment.time_compression = 60;
  for (int runners : {10, 50, 100, 500}) assessment.trials.push_back(a_trial(runners));
  return assessment;
}

TrialResult& at_500(Assessment& assessment) { return assessment.trials.at(3); }

void slow(TrialResult& trial, double ms = 7000) {
  trial.dispatch_latency = trial.claim_latency = latencies_around(ms);
  trial.claim_commit = latencies_around(0.9 * ms);
  trial.dispatcher_wait = latencies_around(0.1 * ms);
}

void add(Assessment& assessment, std::string const& backend, int runners, double ms) {
  auto trial = a_trial(runners, backend);
  trial.dispatch_latency = latencies_around(ms);
  assessment.trials.push_back(std::move(trial));
}

Reason const& reason(Verdict const& verdict, std::string const& criterion) {
  for (auto const& r : verdict.reasons)
    if (r.criterion == criterion) return r;
  throw std::logic_error{"no reason " + criterion};
}

std::string all_text(Verdict const& verdict) {
  std::string text = verdict.headline + '\n';
  for (auto const& r : verdict.reasons) text += r.criterion + ": " + r.text + '\n';
  for (auto const& line : verdict.what_would_change_it) text += "would change: " + line + '\n';
  for (auto const& line : verdict.next_steps) text += "next: " + line + '\n';
  return text;
}

TEST(verdict, names_what_the_policy_asks_about) {
  auto policy = pr_007();
  EXPECT_THAT(decide(measured(), policy).headline, HasSubstr("No message queue is needed: "));
  policy.remedy = "different reply path";
  EXPECT_THAT(decide(measured(), policy).headline, HasSubstr("No different reply path is needed: "));
  auto assessment = measured();
  slow(at_500(assessment));
  EXPECT_THAT(decide(assessment, policy).headline, HasSubstr("no measurement says that a different reply path would"));
}

TEST(verdict, is_not_needed_when_every_trigger_is_refuted_at_every_required_level) {
  auto const verdict = decide(measured(), pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed) << all_text(verdict);
  EXPECT_THAT(
      verdict.headline,
      AllOf(HasSubstr("No message queue is needed: with up to 500 runners dispatch latency p99 is at most 4.79 ms"),
            HasSubstr("times below the bound of 5 s"), HasSubstr("none of the 3 triggers is met")));
  auto const& latency = reason(verdict, "claim-latency");
  EXPECT_EQ(latency.finding, Finding::refuted);
  EXPECT_EQ(latency.n, 4000U);
  EXPECT_EQ(latency.unit, "ms");
  EXPECT_EQ(latency.bound, 5000);
  EXPECT_TRUE(latency.figure && latency.figure->high);
  EXPECT_THAT(latency.trials,
              ElementsAre("r0050-postgres-batch-1", "r0100-postgres-batch-1", "r0500-postgres-batch-1"));
  EXPECT_EQ(latency.source_text, "Run claim latency > 5 seconds consistently");
  for (auto const& box : verdict.acceptance) EXPECT_TRUE(box.ticked) << box.text;
  EXPECT_THAT(verdict.acceptance[0].evidence, HasSubstr("500 runners"));
  EXPECT_THAT(verdict.next_steps, ElementsAre(HasSubstr("`build/release/bin/assay run scenarios/pr-007.yaml`")));
}

TEST(verdict, says_what_would_change_it) {
  auto const verdict = decide(measured(), pr_007());
  EXPECT_THAT(
      verdict.what_would_change_it,
      AllOf(Contains(AllOf(HasSubstr("dispatch latency p99 would have to rise"), HasSubstr("-fold"))),
            Contains(AllOf(HasSubstr("coordinator CPU mean"), HasSubstr("one is enough up to about 1000 runners"),
                           HasSubstr("nothing is foretold beyond twice the largest level"))),
            Contains(HasSubstr(
                "\"Push-based dispatch needed\" would hold if the scenario declared the need push_dispatch"))));
  auto busy = measured();
  at_500(busy).coordinator.cpu_cores_mean = 0.6;
  EXPECT_THAT(decide(busy, pr_007()).what_would_change_it, Contains(HasSubstr("up to about 667 runners.")));
}

TEST(verdict, is_needed_when_a_trigger_is_met_and_a_measured_queue_removes_it) {
  auto assessment = measured();
  slow(at_500(assessment));
  add(assessment, "redis-streams", 500, 3);
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::needed) << all_text(verdict);
  EXPECT_THAT(verdict.headline,
              AllOf(HasSubstr("A message queue is needed: at 500 runners dispatch latency p99 is at least"),
                    HasSubstr("redis-streams at 500 runners")));
  EXPECT_EQ(reason(verdict, "claim-latency").finding, Finding::met);
  EXPECT_EQ(reason(verdict, "store-writes").finding, Finding::refuted);
}

TEST(verdict, for_each_trigger_alone_is_needed_when_a_queue_removes_it) {
  for (auto const& [criterion, break_it] : std::vector<std::pair<std::string, void (*)(TrialResult&)>>{
           {"claim-latency", [](TrialResult& t) { slow(t); }},
           {"store-writes", [](TrialResult& t) { t.pending_writes_slope_per_s = {.value = 5, .low = 4, .high = 6}; }},
           {"coordinator-cpu", [](TrialResult& t) { t.coordinator.cpu_cores_mean = 0.95; }}}) {
    auto assessment = measured();
    break_it(at_500(assessment));
    add(assessment, "redis-streams", 500, 3);
    auto const verdict = decide(assessment, pr_007());
    EXPECT_EQ(verdict.decision, Decision::needed) << criterion << '\n' << all_text(verdict);
    EXPECT_EQ(reason(verdict, criterion).finding, Finding::met);
  }
}

TEST(verdict, without_a_measured_queue_never_says_needed_but_what_dominates) {
  auto assessment = measured();
  slow(at_500(assessment));
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::inconclusive);
  EXPECT_THAT(verdict.headline,
              AllOf(HasSubstr("Something has to change, but no measurement says that a message queue would help"),
                    HasSubstr("What dominates: the store's claim takes the most")));
  EXPECT_THAT(all_text(verdict), AllOf(HasSubstr("No queue backend was measured"), HasSubstr("A faster claim path."),
                                       HasSubstr("--runners 500 --backend postgres-batch,redis-streams")));
}

TEST(verdict, says_when_the_measured_queue_does_not_help_and_another_backend_does) {
  auto assessment = measured();
  slow(at_500(assessment));
  add(assessment, "redis-streams", 500, 6500);
  add(assessment, "memory", 500, 1);
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::inconclusive);
  EXPECT_THAT(all_text(verdict), AllOf(HasSubstr("No measured queue (redis-streams) removes it"),
                                       HasSubstr("Without a message queue: memory at 500 runners")));
}

TEST(verdict, needs_the_queue_to_be_valid_where_the_trigger_is_met) {
  for (auto const& spoil : std::vector<std::function<void(TrialResult&)>>{
           [](auto& t) { t.partial = true; }, [](auto& t) { t.runners = 100; }, [](auto& t) { t.ledger.lost = 1; },
           [](auto& t) { t.stable = false; }, [](auto& t) { t.dispatch_latency = latencies_around(3, 100); },
           [](auto& t) { t.guards.clear(); }, [](auto& t) { t.books.balance = false; }}) {
    auto assessment = measured();
    slow(at_500(assessment));
    add(assessment, "redis-streams", 500, 3);
    spoil(assessment.trials.back());
    EXPECT_EQ(decide(assessment, pr_007()).decision, Decision::inconclusive);
  }
}

TEST(verdict, is_consider_when_a_condition_holds_and_a_measured_queue_is_better_by_the_stated_amount) {
  auto assessment = measured();
  add(assessment, "redis-streams", 500, 1.5);
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::consider) << all_text(verdict);
  EXPECT_THAT(verdict.headline, AllOf(HasSubstr("worth considering"), HasSubstr("redis-streams")));
  EXPECT_EQ(reason(verdict, "many-runners").finding, Finding::met);
}

TEST(verdict, stays_not_needed_when_the_queue_is_not_better_enough_or_no_condition_holds) {
  auto assessment = measured();
  add(assessment, "redis-streams", 500, 3);  // 25 % better, half is asked
  auto verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  EXPECT_THAT(reason(verdict, "many-runners").text,
              HasSubstr("no measured queue (redis-streams) has a dispatch latency p99 of at most 50 %"));

  auto policy = pr_007();
  policy.considerations[0].runners_at_least = 1000;
  add(assessment, "redis-streams", 500, 1);
  EXPECT_EQ(decide(assessment, policy).decision, Decision::not_needed);
}

TEST(verdict, notes_a_condition_that_holds_without_a_measured_queue) {
  auto const verdict = decide(measured(), pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  EXPECT_EQ(reason(verdict, "many-runners").finding, Finding::note);
  EXPECT_THAT(reason(verdict, "many-runners").text, HasSubstr("no queue backend was measured"));
}

TEST(verdict, counts_a_need_that_the_scenario_declares) {
  auto assessment = measured();
  auto policy = pr_007();
  policy.considerations.erase(policy.considerations.begin());
  add(assessment, "redis-streams", 500, 1);
  EXPECT_EQ(decide(assessment, policy).decision, Decision::not_needed);
  assessment.needs["push_dispatch"] = true;
  EXPECT_EQ(decide(assessment, policy).decision, Decision::consider);
  assessment.needs["push_dispatch"] = false;
  EXPECT_EQ(decide(assessment, policy).decision, Decision::not_needed);
}

struct Doubt {
  std::string name;
  std::function<void(Assessment&)> make;
  std::string headline, next;
};

class inconclusive : public testing::TestWithParam<Doubt> {};

TEST_P(inconclusive, says_why_and_what_to_run_next) {
  auto assessment = measured();
  GetParam().make(assessment);
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::inconclusive) << all_text(verdict);
  EXPECT_THAT(verdict.headline, HasSubstr(GetParam().headline));
  EXPECT_THAT(verdict.next_steps, Contains(HasSubstr(GetParam().next))) << all_text(verdict);
  EXPECT_FALSE(verdict.acceptance.back().ticked);
}

void fail_guard(TrialResult& trial, void (*spoil)(InstrumentFigures&)) {
  auto figures = good_instrument();
  spoil(figures);
  trial.guards = judge_instrument(figures);
}

INSTANTIATE_TEST_SUITE_P(
    verdict, inconclusive,
    testing::Values(
        Doubt{"nothing_measured", [](auto& a) { a.trials.clear(); }, "nothing was measured", "--runners 50,100,500"},
        Doubt{"a_required_level_is_missing", [](auto& a) { a.trials.pop_back(); },
              "requires 500 runners, which was not measured", "assay run scenarios/pr-007.yaml --runners 500"},
        Doubt{"interrupted", [](auto& a) { at_500(a).partial = true; }, "the trial was interrupted",
              "--runners 500 --backend postgres-batch"},
        Doubt{"failed", [](auto& a) { at_500(a).failure = "the database went away"; }, "the database went away",
              "Mend what ended"},
        Doubt{"unstable", [](auto& a) { at_500(a).stable = false; }, "unstable at this rate",
              "Find the rate that it can keep up with"},
        Doubt{"unstable_for_want_of_runners",
              [](auto& a) {
                at_500(a).stable = false;
                at_500(a).busy_share = 0.99;
              },
              "unstable at this rate", "The runners are busy 99 % of the time"},
        Doubt{"books_do_not_balance", [](auto& a) { at_500(a).books.balance = false; }, "books do not balance",
              "--runners 500"},
        Doubt{"generator_too_busy",
              [](auto& a) { fail_guard(at_500(a), [](auto& f) { f.generator_cpu_share = 0.9; }); },
              "generator_cpu is 0.9", "--set time_compression=30"},
        Doubt{"not_stationary",
              [](auto& a) {
                fail_guard(at_500(a), [](auto& f) { f.dispatch_halves->change = {.value = 9, .low = 8, .high = 10}; });
              },
              "stationary", "--set phases.warm_up=30s --set phases.measure=80s"},
        Doubt{"instrument_not_checked", [](auto& a) { at_500(a).guards.clear(); }, "instrument was not checked",
              "--runners 500"},
        Doubt{"an_essential_guard_is_not_available",
              [](auto& a) { fail_guard(at_500(a), [](auto& f) { f.schedule_lag_p99_ms.reset(); }); },
              "schedule_lag could not be measured", "--runners 500"},
        Doubt{"runs_were_lost", [](auto& a) { at_500(a).ledger.lost = 1; }, "1 lost, 0 doubled",
              "ledger/r0500-postgres-batch-1-*.csv.gz"},
        Doubt{"an_invariant_is_broken",
              [](auto& a) {
                a.trials[0].ledger.breaches = {{"I2", "run x: 2 completions"}};
              },
              "I2 broken: run x", "Find out why first"},
        Doubt{"too_few_samples", [](auto& a) { at_500(a).dispatch_latency = latencies_around(4, 200); },
              "n = 200 is too few for p99: at least 299", "--runners 500 --set phases.measure=130s"},
        Doubt{"between_the_bounds",
              [](auto& a) { at_500(a).dispatch_latency.p99 = {.value = 5000, .low = 4000, .high = 6000}; },
              "does not settle whether it is above 5 s", "--repeat 3 --set phases.measure=160s"},
        Doubt{"the_repeats_disagree",
              [](auto& a) {
                a.trials.push_back(a_trial(500, "postgres-batch", 2));
                slow(a.trials.back());
              },
              "the repeats disagree about dispatch latency p99", "--repeat 3"},
        Doubt{"not_measured", [](auto& a) { at_500(a).coordinator.available = false; },
              "coordinator CPU mean was not measured", "--runners 500"},
        Doubt{"no_bounds_of_a_slope", [](auto& a) { at_500(a).pending_writes_slope_per_s = {}; },
              "pending writes slope has no bounds", "--set phases.measure=160s"}),
    [](auto const& doubt) { return doubt.param.name; });

TEST(verdict, of_a_policy_without_triggers_or_with_more_confidence_than_measured_is_inconclusive) {
  auto policy = pr_007();
  policy.triggers.clear();
  EXPECT_EQ(decide(measured(), policy).decision, Decision::inconclusive);
  policy = pr_007();
  policy.confidence = 0.99;
  EXPECT_EQ(decide(measured(), policy).decision, Decision::inconclusive);
}

TEST(verdict, of_a_policy_without_required_levels_asks_for_all_that_were_measured) {
  auto policy = pr_007();
  policy.required_runners.clear();
  auto assessment = measured();
  EXPECT_EQ(decide(assessment, policy).decision, Decision::not_needed);
  assessment.trials[0].partial = true;
  EXPECT_EQ(decide(assessment, policy).decision, Decision::inconclusive);
}

TEST(verdict, says_the_mean_over_three_repeats_and_needs_their_spread_to_agree) {
  auto const with_repeats = [](double second_ms, double third_ms) {
    auto assessment = measured();
    for (int repeat : {2, 3}) {
      auto trial = a_trial(500, "postgres-batch", repeat);
      trial.dispatch_latency = latencies_around(repeat == 2 ? second_ms : third_ms);
      assessment.trials.push_back(std::move(trial));
    }
    at_500(assessment).dispatch_latency = latencies_around(100);
    return decide(assessment, pr_007()).reasons.at(0);
  };
  auto const close = with_repeats(110, 90);
  EXPECT_EQ(close.finding, Finding::refuted);
  EXPECT_THAT(close.text, HasSubstr("; over 3 repeats 120 ms (95 % bounds 99.5 ms and 140 ms) on average"));
  auto const apart = with_repeats(100, 4000);  // each of them is below 5 s with confidence
  EXPECT_EQ(apart.finding, Finding::undecided);
  EXPECT_THAT(apart.text, HasSubstr("the repeats differ too much"));
}

TEST(verdict, is_met_only_when_every_repeat_is_above) {
  auto assessment = measured();
  slow(at_500(assessment));
  assessment.trials.push_back(a_trial(500, "postgres-batch", 2));
  slow(assessment.trials.back());
  add(assessment, "redis-streams", 500, 3);
  EXPECT_EQ(decide(assessment, pr_007()).decision, Decision::needed);
}

TEST(verdict, does_not_depend_on_levels_that_are_not_required_but_mentions_them) {
  auto assessment = measured();
  slow(assessment.trials[0]);
  auto verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  EXPECT_THAT(all_text(verdict), HasSubstr("At 10 runners, a level that the policy does not require"));
  assessment.trials[0].partial = true;
  EXPECT_THAT(all_text(decide(assessment, pr_007())), HasSubstr("10 runners, not required by the policy"));
}

TEST(verdict, says_that_runners_are_missing_not_a_queue) {
  auto assessment = measured();
  at_500(assessment).claim_latency = latencies_around(19'000);
  at_500(assessment).shortage_share = 0.97;
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  EXPECT_THAT(
      verdict.headline,
      HasSubstr(
          "What runs wait for at 500 runners is a free runner: more runners would help, a message queue would not."));
  EXPECT_THAT(reason(verdict, "runner-shortage").text, HasSubstr("97 % of claim latency is waiting for a free runner"));
  EXPECT_THAT(decide(measured(), pr_007()).headline, Not(HasSubstr("free runner")));
}

TEST(verdict, is_not_spoilt_by_a_comparison_that_failed) {
  auto assessment = measured();
  add(assessment, "postgres-skip-locked", 500, 12);
  assessment.trials.back().partial = true;
  auto verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  assessment.trials.back().partial = false;
  assessment.trials.back().ledger.doubled = 3;
  verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed);
  EXPECT_THAT(reason(verdict, "ledger").text, HasSubstr("0 lost, 3 doubled"));
}

// Whatever else was measured, one invalid trial at a required level leaves no room for "not needed".
TEST(verdict, with_an_invalid_trial_at_a_required_level_is_never_not_needed) {
  auto const seed = random_seed();
  Random random{seed};
  std::vector<std::function<void(TrialResult&)>> const spoils{
      [](auto& t) { t.partial = true; },
      [](auto& t) { t.failure = "it ended"; },
      [](auto& t) { t.books.balance = false; },
      [](auto& t) { t.stable = false; },
      [](auto& t) { t.guards.clear(); },
      [](auto& t) { t.ledger.doubled = 1; },
      [](auto& t) { fail_guard(t, [](auto& f) { f.steal_share = 0.1; }); }};
  for (int i = 0; i < 300; ++i) {
    auto assessment = measured();
    for (auto n = random.below(4); n > 0; --n) {
      static std::vector<std::string> const backends{"postgres-batch", "memory", "redis-streams"};
      int const levels[] = {10, 50, 100, 500, 1000};
      auto trial = a_trial(levels[random.below(5)], backends[random.below(3)], static_cast<int>(random.below(3)) + 1);
      if (random.below(4) == 0) slow(trial);
      assessment.trials.insert(
          assessment.trials.begin() + 1 + static_cast<std::ptrdiff_t>(random.below(assessment.trials.size())), trial);
    }
    int const required[] = {50, 100, 500};
    auto invalid = a_trial(required[random.below(3)], "postgres-batch", 9);
    spoils[random.below(spoils.size())](invalid);
    assessment.trials.insert(
        assessment.trials.begin() + 1 + static_cast<std::ptrdiff_t>(random.below(assessment.trials.size())), invalid);
    auto const verdict = decide(assessment, pr_007());
    ASSERT_EQ(verdict.decision, Decision::inconclusive) << "seed " << seed << " round " << i << '\n'
                                                        << all_text(verdict);
    ASSERT_FALSE(verdict.next_steps.empty());
  }
}

// Of a metric whose causes nothing tells, nothing is made up.
TEST(verdict, does_not_say_what_dominates_where_that_was_not_measured) {
  auto policy = pr_007();
  policy.triggers = {{.id = "conflicts",
                      .text = "No explicit locks needed",
                      .metric = "conflicts_per_claim",
                      .statistic = "mean",
                      .above = 1,
                      .why = {},
                      .what_would_help = {}}};
  auto assessment = measured();
  for (auto& trial : assessment.trials) {
    trial.failed_claims["lost_race"] = 2 * trial.claims;
    trial.coordinator.available = false;
  }
  auto const verdict = decide(assessment, policy);
  EXPECT_THAT(verdict.headline, HasSubstr("Something has to change"));
  EXPECT_THAT(all_text(verdict), Not(HasSubstr("dominates")));
}

// The first variant is what the verdict rests on, and a reader with a longer backlog must not take it for his own.
TEST(verdict, says_in_which_variants_a_trigger_is_met_after_all) {
  auto assessment = measured();
  for (auto& trial : assessment.trials) trial.variant = "short";
  auto longer = at_500(assessment);
  longer.variant = "long";
  longer.id += "-long";
  slow(longer);
  auto better = at_500(assessment);
  better.variant = "also-short";
  assessment.trials.push_back(longer);
  assessment.trials.push_back(better);
  auto const verdict = decide(assessment, pr_007());
  EXPECT_EQ(verdict.decision, Decision::not_needed) << all_text(verdict);
  EXPECT_THAT(verdict.headline,
              HasSubstr("That is postgres-batch · short; not so with long, where dispatch latency p99 "
                        "is at least 8.36 s at 500 runners, above 5 s."));
  EXPECT_THAT(verdict.headline, Not(HasSubstr("also-short")));
  EXPECT_THAT(all_text(verdict), HasSubstr("claim-latency: postgres-batch · long at 500 runners: dispatch latency p99 "
                                           "is 8.37 s"));
  // An invalid one says nothing, of another backend it is a comparison.
  assessment.trials[4].partial = true;
  EXPECT_THAT(decide(assessment, pr_007()).headline, Not(HasSubstr("not so")));
  assessment.trials[4].partial = false;
  assessment.trials[4].backend = "memory";
  EXPECT_THAT(decide(assessment, pr_007()).headline, Not(HasSubstr("not so")));
}

TEST(verdict, is_the_same_every_time) {
  auto const a = decide(measured(), pr_007()), b = decide(measured(), pr_007());
  EXPECT_EQ(all_text(a), all_text(b));
}

}  // namespace
}  // namespace assay
