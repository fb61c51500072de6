#include "harness/assess/ledger_check.hpp"

#include "harness/base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Told = RunEvent::Kind;
using Noted = CoordinatorEvent::Kind;

TimePoint at(double s) { return TimePoint{from_seconds(1000 + s)}; }

// A trial in which the promises are kept: runs that complete, fail and are tried again, lose their lease, are given
// back, die, stay queued, or are cut off. Written down by both sides as the real ones do it.
struct World {
  std::vector<RunEvent> runners;
  std::vector<CoordinatorEvent> coordinator;
  Depth depth;
  std::vector<RunClass> classes{RunClass{.tags = {"linux"}}, RunClass{.tags = {"linux", "gpu"}}};
  std::vector<RunnerKind> kinds{RunnerKind{.tags = {"linux"}}, RunnerKind{.tags = {"gpu", "linux"}}};
  std::vector<std::uint32_t> kind_of_actor{0};
  std::vector<RunId> completed_once;  // by their first claim, nothing special about them
  std::vector<RunId> queued;
  Random random;
  std::uint64_t next_token = 1;
  Duration lease{};     // as LedgerInput's, the shortest and the longest
  bool const cut_offs;  // some submissions and reports stay in doubt, so that the store's counts may differ by as many

  World(std::uint64_t seed, int runs, bool with_cut_offs = true) : random{seed}, cut_offs{with_cut_offs} {
    for (int i = 0; i < 20; ++i) kind_of_actor.push_back(static_cast<std::uint32_t>(i % 2));
    for (int i = 0; i < runs; ++i) live(i * 0.01);
  }

  void tell(double t, Told kind, RunId run, std::uint32_t actor = 0, int attempt = 0, ClaimToken token = {},
            std::uint32_t cls = 0) {
    RunEvent event;
    event.time = at(t);
    event.kind = kind;
    event.run = run;
    event.actor = actor;
    event.attempt = attempt;
    event.token = token;
    event.run_class = cls;
    runners.push_back(event);
  }
  void note(double t, Noted kind, RunId run, int attempt = 0, ClaimToken token = {}) {
    coordinator.push_back({.time = at(t), .kind = kind, .run = run, .attempt = attempt, .token = token});
  }
  ClaimToken token() { return {7, next_token++}; }
  // A runner that fits: every second one has both tags.
  std::uint32_t runner() { return static_cast<std::uint32_t>(2 * random.below(10) + 2); }

  ClaimToken give(double t, RunId run, std::uint32_t actor, int attempt) {
    auto const claim = token();
    note(t, Noted::delivered, run, attempt, claim);
    // Either side may be first to write it down.
    tell(t + (random.uniform() - 0.5) * 1e-3, Told::received, run, actor, attempt, claim);
    return claim;
  }

  void live(double t) {
    RunId const run = make_run_id(static_cast<std::uint64_t>(t * 1000), random);
    tell(t, Told::submitted, run, 0, 0, {}, static_cast<std::uint32_t>(random.below(2)));
    auto const how = random.below(100);
    if (how == 0) return tell(t + 0.1, Told::submit_failed, run);
    if (how == 1 && cut_offs) {  // cut off; sometimes it is there
      tell(t + 5, Told::submit_in_doubt, run);
      if (random.below(2)) ++depth.ready;
      return;
    }
    note(t + 0.002, Noted::submitted, run);
    tell(t + 0.003, Told::accepted, run);
    if (how < 5) {
      ++depth.ready;
      queued.push_back(run);
      return;
    }
    auto const who = runner();
    if (how < 8) {  // the lease is lost twice, then it dies
      for (int attempt = 1; attempt <= 3; ++attempt) {
        give(t + attempt * 10, run, who, attempt);
        note(t + attempt * 10 + 5, attempt == 3 ? Noted::dead : Noted::expired, run);
      }
      ++depth.dead;
      return;
    }
    if (how < 11) {  // fails to the end
      for (int attempt = 1; attempt <= 3; ++attempt) {
        auto const claim = give(t + attempt, run, who, attempt);
        note(t + attempt + 0.5, Noted::failed, run, 0, claim);
        tell(t + attempt + 0.501, Told::failed, run, who, attempt, claim);
      }
      ++depth.dead;
      return;
    }
    if (how == 11 && cut_offs) {  // the report is cut off, and stays so
      auto const claim = give(t + 1, run, who, 1);
      tell(t + 3, Told::report_in_doubt, run, who, 1, claim);
      ++(random.below(2) ? depth.completed : depth.claimed);
      return;
    }
    int attempt = 1;
    if (how <
        16) {  // a lost lease; the sweep's answer comes a moment after the next delivery; the late report is refused
      auto const late = give(t + 1, run, who, attempt);
      note(t + 6.02, Noted::expired, run);
      note(t + 9, Noted::stale, run, 0, late);
      tell(t + 9, Told::report_refused, run, who, attempt, late);
      t += 5, ++attempt;
    } else if (how < 20) {  // given back: the peer went away while the answer was written
      auto const unread = token();
      note(t + 0.5, Noted::given_back, run, attempt, unread);
    } else if (how < 24) {
      auto const claim = give(t + 1, run, who, attempt);
      note(t + 2, Noted::failed, run, 0, claim);
      tell(t + 2.1, Told::failed, run, who, attempt, claim);
      t += 2, ++attempt;
    } else {
      completed_once.push_back(run);
    }
    auto const claim = give(t + 1, run, who, attempt);
    if (how < 26) note(t + 1.5, Noted::delivered, run, attempt, claim);  // the same lease sent again to the same runner
    note(t + 2, Noted::completed, run, 0, claim);
    if (how < 28) {  // cut off, asked again, settled
      tell(t + 2.5, Told::report_in_doubt, run, who, attempt, claim);
      note(t + 3, Noted::completed_again, run, 0, claim);
    }
    tell(t + 3.1, Told::completed, run, who, attempt, claim);
    ++depth.completed;
  }

  LedgerFigures check(bool with_depth = true) const {
    LedgerInput input;
    input.runners = runners;
    input.coordinator = coordinator;
    if (with_depth) input.final_depth = depth;
    input.classes = classes;
    input.kinds = kinds;
    input.kind_of_actor = kind_of_actor;
    input.shortest_lease = input.longest_lease = lease;
    return check_ledger(input);
  }

  RunId victim() { return completed_once.at(random.below(completed_once.size())); }
  CoordinatorEvent& noted(RunId run, Noted kind) {
    for (auto& e : coordinator)
      if (e.run == run && e.kind == kind) return e;
    throw std::logic_error{"no such event"};
  }
  void retoken(RunId run, ClaimToken token) {
    for (auto& e : runners)
      if (e.run == run && e.token != ClaimToken{}) e.token = token;
    for (auto& e : coordinator)
      if (e.run == run && e.token != ClaimToken{}) e.token = token;
  }
};

std::set<std::string> invariants(LedgerFigures const& figures) {
  std::set<std::string> names;
  for (auto const& breach : figures.breaches) names.insert(breach.invariant);
  return names;
}

std::string all(LedgerFigures const& figures) {
  std::string text;
  for (auto const& breach : figures.breaches) text += breach.invariant + ": " + breach.what + '\n';
  return text;
}

TEST(ledger, of_a_trial_that_kept_its_promises_has_no_breach) {
  auto const seed = random_seed();
  for (std::uint64_t i = 0; i < 20; ++i) {
    World const world{seed + i, 2000};
    auto const figures = world.check();
    ASSERT_THAT(figures.breaches, IsEmpty()) << "seed " << seed + i << '\n' << all(figures);
    EXPECT_EQ(figures.lost, 0U);
    EXPECT_EQ(figures.doubled, 0U);
    EXPECT_GT(figures.reexecuted, 0U);
    EXPECT_GT(figures.in_doubt, 0U);
    EXPECT_EQ(figures.dead, world.depth.dead);
    // Each cut-off submission or report may count on either side.
    auto const sum = figures.completed + figures.dead + figures.queued;
    EXPECT_LE(figures.accepted, sum + figures.in_doubt);
    EXPECT_LE(sum, figures.accepted + figures.in_doubt);
  }
}

struct Defect {
  std::string name, invariant;
  std::uint64_t lost, doubled;
  std::function<void(World&)> plant;
};

class planted : public testing::TestWithParam<Defect> {};

TEST_P(planted, defect_flips_exactly_its_own_verdict) {
  auto const seed = random_seed();
  for (std::uint64_t i = 0; i < 10; ++i) {
    World world{seed + i, 1000, false};
    GetParam().plant(world);
    auto const figures = world.check();
    ASSERT_EQ(invariants(figures), std::set{GetParam().invariant}) << "seed " << seed + i << '\n' << all(figures);
    EXPECT_EQ(figures.breaches.size(), 1U) << all(figures);
    EXPECT_EQ(figures.lost, GetParam().lost) << "seed " << seed + i;
    EXPECT_EQ(figures.doubled, GetParam().doubled) << "seed " << seed + i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    ledger, planted,
    testing::Values(
        Defect{"a_run_vanishes_from_the_store", "I1", 1, 0, [](World& w) { --w.depth.ready; }},
        Defect{"a_completed_run_vanishes_from_the_store", "I1", 1, 0, [](World& w) { --w.depth.completed; }},
        Defect{"an_acknowledged_completion_is_forgotten", "I10", 0, 0,
               [](World& w) {
                 --w.depth.completed;
                 ++w.depth.claimed;
               }},
        Defect{"the_store_invents_a_run", "I10", 0, 0, [](World& w) { ++w.depth.ready; }},
        Defect{"the_store_completes_what_nobody_reported", "I10", 0, 0,
               [](World& w) {
                 --w.depth.ready;
                 ++w.depth.completed;
               }},
        Defect{"a_claim_is_doubled", "I3", 0, 1,
               [](World& w) {
                 auto const run = w.victim();
                 auto const first = w.noted(run, Noted::delivered);
                 auto const second = w.token();
                 w.coordinator.push_back({.time = first.time + milliseconds{500},
                                          .kind = Noted::delivered,
                                          .run = run,
                                          .attempt = 1,
                                          .token = second});
               }},
        Defect{"a_completed_run_is_given_out_again", "I3", 0, 1,
               [](World& w) {
                 auto const run = w.victim();
                 auto const done = w.noted(run, Noted::completed);
                 w.coordinator.push_back({.time = done.time + seconds{1},
                                          .kind = Noted::delivered,
                                          .run = run,
                                          .attempt = 2,
                                          .token = w.token()});
               }},
        Defect{"a_token_is_used_for_two_runs", "I3", 0, 1,
               [](World& w) {
                 w.retoken(w.completed_once.at(3), w.noted(w.completed_once.at(1), Noted::delivered).token);
               }},
        Defect{"a_token_is_used_for_two_attempts", "I3", 0, 1,
               [](World& w) {
                 auto const run = w.victim();
                 auto again = w.noted(run, Noted::delivered);
                 again.attempt = 2;
                 again.time += milliseconds{500};
                 w.coordinator.push_back(again);
               }},
        Defect{"a_completion_is_accepted_twice", "I2", 0, 1,
               [](World& w) {
                 auto again = w.noted(w.victim(), Noted::completed);
                 again.time += milliseconds{500};
                 w.coordinator.push_back(again);
               }},
        Defect{"a_completion_is_accepted_after_its_lease_was_swept", "I4", 0, 1,
               [](World& w) {
                 auto const run = w.victim();
                 auto const given = w.noted(run, Noted::delivered);
                 w.coordinator.push_back({.time = given.time + milliseconds{600}, .kind = Noted::expired, .run = run});
               }},
        Defect{"a_completion_is_accepted_by_a_token_that_is_nobodys", "I4", 0, 1,
               [](World& w) {
                 auto const run = w.victim();
                 ClaimToken const forged{99, 1};
                 w.noted(run, Noted::completed).token = forged;
                 for (auto& e : w.runners)
                   if (e.run == run && e.kind == Told::completed) e.token = forged;
               }},
        Defect{"a_completion_is_accepted_by_a_stale_token", "I4", 0, 1,
               [](World& w) {  // lost, given out again, and then the first holder's report counts
                 auto const run = w.victim();
                 auto const given = w.noted(run, Noted::delivered);
                 w.coordinator.push_back({.time = given.time + milliseconds{400}, .kind = Noted::expired, .run = run});
                 w.coordinator.push_back({.time = given.time + milliseconds{600},
                                          .kind = Noted::delivered,
                                          .run = run,
                                          .attempt = 2,
                                          .token = w.token()});
               }},
        Defect{"a_runner_gets_what_it_cannot_run", "I5", 0, 0,
               [](World& w) {
                 auto const run = w.victim();
                 for (auto& e : w.runners) {
                   if (e.run != run) continue;
                   e.run_class = 1;
                   if (e.kind == Told::received) e.actor = 1;
                 }
               }},
        Defect{"an_attempt_too_many", "I8", 0, 0,
               [](World& w) {
                 auto const run = w.victim();
                 for (auto& e : w.runners)
                   if (e.run == run && e.attempt) e.attempt = 4;
                 for (auto& e : w.coordinator)
                   if (e.run == run && e.attempt) e.attempt = 4;
               }}),
    [](auto const& defect) { return defect.param.name; });

TEST(ledger, without_the_stores_counts_calls_nothing_lost) {
  World world{1, 500};
  world.depth = {};
  auto const figures = world.check(false);
  EXPECT_EQ(figures.lost, 0U);
  EXPECT_THAT(figures.breaches, IsEmpty());
  EXPECT_GT(figures.queued, 0U);
}

// A sweep whose answer was cut off, or a coordinator that was killed before it wrote the second down.
TEST(ledger, takes_a_lost_lease_that_nobody_wrote_down_only_for_one_that_may_have_been_over) {
  World world{5, 0};
  RunId const run = make_run_id(1, world.random);
  world.tell(0, Told::submitted, run);
  world.tell(0.1, Told::accepted, run);
  world.give(1, run, 2, 1);
  auto const second = world.give(6, run, 4, 2);
  world.note(7, Noted::completed, run, 0, second);
  world.tell(7.1, Told::completed, run, 4, 2, second);
  world.depth.completed = 1;
  EXPECT_THAT(invariants(world.check()), ElementsAre("I3")) << "every lost lease is written down";
  world.lease = seconds{6};
  EXPECT_THAT(invariants(world.check()), ElementsAre("I3")) << "it can't have been over";
  world.lease = seconds{5};
  auto const figures = world.check();
  EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
  EXPECT_EQ(figures.reexecuted, 1U);
  EXPECT_EQ(figures.doubled, 0U);
}

// The failure counted, its answer was lost, and the next attempt begins before the runner has asked again.
TEST(ledger, takes_no_failure_in_doubt_for_a_double_claim) {
  World world{6, 0};
  RunId const run = make_run_id(1, world.random);
  world.tell(0, Told::submitted, run);
  world.tell(0.1, Told::accepted, run);
  auto const first = world.give(1, run, 2, 1);
  world.tell(2, Told::report_in_doubt, run, 2, 1, first);
  auto const second = world.give(2.5, run, 4, 2);
  world.note(3, Noted::failed_again, run, 0, first);
  world.tell(3.1, Told::failed, run, 2, 1, first);
  world.note(4, Noted::completed, run, 0, second);
  world.tell(4.1, Told::completed, run, 4, 2, second);
  world.depth.completed = 1;
  auto const figures = world.check();
  EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
}

TEST(ledger, of_nothing_is_empty) {
  EXPECT_THAT(check_ledger({}).breaches, IsEmpty());
  EXPECT_EQ(check_ledger({}).accepted, 0U);
}

TEST(ledger, names_the_run_and_the_token_and_keeps_twenty_breaches) {
  World world{4, 2000};
  for (auto const& run : world.completed_once) {
    auto again = world.noted(run, Noted::completed);
    again.time += seconds{1};
    world.coordinator.push_back(again);
  }
  auto const figures = world.check();
  EXPECT_EQ(figures.breaches.size(), 20U);
  EXPECT_EQ(figures.doubled, world.completed_once.size());
  EXPECT_THAT(figures.breaches[0].what, HasSubstr("2 completions accepted, by tokens 7."));
}

TEST(coordinator_ledger, is_read_line_by_line) {
  auto const events = parse_coordinator_ledger(
      "time_ns,event,run,attempt,token,who,asked_ns,claimed_ns\n"
      "5,submitted,01890000-0000-7000-8000-000000000001,,,ci,,\n"
      "6,delivered,01890000-0000-7000-8000-000000000001,2,3.4,runner-7,4,5\n"
      "7,comple");
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U) << "the line that was not written whole is left out";
  EXPECT_EQ((*events)[1].kind, Noted::delivered);
  EXPECT_EQ((*events)[1].attempt, 2);
  EXPECT_EQ((*events)[1].token, (ClaimToken{3, 4}));
  EXPECT_EQ((*events)[1].time, TimePoint{Duration{6}});
  EXPECT_EQ((*events)[1].asked, TimePoint{Duration{4}});
  EXPECT_EQ((*events)[1].claimed, TimePoint{Duration{5}});
}

TEST(coordinator_ledger, that_cannot_be_read_names_the_line) {
  auto const refusal = [](std::string_view line) {
    auto const events = parse_coordinator_ledger("time_ns,event,run,attempt,token,who,asked_ns,claimed_ns\n" +
                                                 std::string{line} + "\n");
    return events ? "accepted" : events.error().detail;
  };
  std::string const run = "01890000-0000-7000-8000-000000000001";
  EXPECT_THAT(refusal("x,submitted," + run + ",,,,,"), HasSubstr("line 2: time_ns is not a number"));
  EXPECT_THAT(refusal("1,eaten," + run + ",,,,,"), HasSubstr("no event is called 'eaten'"));
  EXPECT_THAT(refusal("1,submitted,7,,,,,"), HasSubstr("'7' is not a run id"));
  EXPECT_THAT(refusal("1,submitted," + run + ",one,,,,"), HasSubstr("attempt"));
  EXPECT_THAT(refusal("1,submitted," + run + ",,4,,,"), HasSubstr("'4' is not a token"));
  EXPECT_THAT(refusal("1,delivered," + run + ",1,3.4,r,x,5"), HasSubstr("asked_ns is not a number"));
  EXPECT_THAT(refusal("1,submitted"), HasSubstr("not eight fields"));
  EXPECT_FALSE(parse_coordinator_ledger("time,what\n"));
  EXPECT_TRUE(parse_coordinator_ledger("")) << "a coordinator that was killed at once wrote nothing";
}

TEST(ledger, of_a_million_events_is_checked_in_seconds) {
  World const world{9, 190'000};
  EXPECT_GT(world.runners.size() + world.coordinator.size(), 1'000'000U);
  auto const begin = std::chrono::steady_clock::now();
  auto const figures = world.check();
  auto const took = std::chrono::steady_clock::now() - begin;
  EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
  RecordProperty("milliseconds", static_cast<int>(std::chrono::duration_cast<milliseconds>(took).count()));
  std::printf("%zu events: %.0f ms\n", world.runners.size() + world.coordinator.size(), to_ms(took));
  EXPECT_LT(took, seconds{20}) << "even with sanitizers on a busy machine";
}

}  // namespace
}  // namespace assay
