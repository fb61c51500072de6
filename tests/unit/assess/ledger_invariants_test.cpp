// I6, I7, I9, I11 and I12 on the ledgers: trials that keep them, and planted breaches that only their own check finds.
#include "harness/assess/ledger_check.hpp"

#include "harness/base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Told = RunEvent::Kind;
using Noted = CoordinatorEvent::Kind;

TimePoint at(double s) { return TimePoint{from_seconds(1000 + s)}; }

std::string all(LedgerFigures const& figures) {
  std::string text;
  for (auto const& breach : figures.breaches) text += breach.invariant + ": " + breach.what + '\n';
  return text;
}

// A trial written down event by event.
struct Story {
  std::vector<RunEvent> runners;
  std::vector<CoordinatorEvent> coordinator;
  std::vector<RunClass> classes{{{"linux"}, 0, 1.0}, {{"linux"}, 5, 1.0}, {{"gpu", "linux"}, 0, 1.0}};
  std::vector<RunnerKind> kinds{{{"linux"}, 1.0}, {{"gpu", "linux"}, 1.0}};
  std::vector<std::uint32_t> kind_of_actor{0, 0, 1, 0, 1};
  Depth depth;
  LedgerInput::Order order{true, true, 0};
  std::optional<std::vector<LedgerInput::Leftover>> at_rest;
  std::optional<Duration> sweep_within;
  std::uint64_t tokens = 0, runs = 0;

  RunId submit(double t, std::uint32_t run_class) {
    RunId run{};
    ++runs;
    for (std::size_t i = 0; i < 4; ++i) run.bytes[15 - i] = static_cast<std::uint8_t>(runs >> (8 * i));
    runners.push_back({.time = at(t), .kind = Told::submitted, .run = run, .run_class = run_class});
    coordinator.push_back({.time = at(t + 0.001), .kind = Noted::submitted, .run = run});
    runners.push_back({.time = at(t + 0.002), .kind = Told::accepted, .run = run});
    return run;
  }
  ClaimToken give(double asked, double claimed, RunId run, std::uint32_t runner, int attempt = 1) {
    ClaimToken const token{7, ++tokens};
    coordinator.push_back({.time = at(claimed + 0.001),
                           .kind = Noted::delivered,
                           .run = run,
                           .attempt = attempt,
                           .token = token,
                           .asked = at(asked),
                           .claimed = at(claimed)});
    tell(claimed + 0.002, Told::received, run, runner, token, attempt);
    return token;
  }
  void tell(double t, Told kind, RunId run, std::uint32_t runner, ClaimToken token, int attempt = 1) {
    runners.push_back({.time = at(t), .kind = kind, .run = run, .actor = runner, .attempt = attempt, .token = token});
  }
  void note(double t, Noted kind, RunId run, ClaimToken token = {}) {
    coordinator.push_back({.time = at(t), .kind = kind, .run = run, .token = token});
  }
  void complete(double t, RunId run, std::uint32_t runner, ClaimToken token) {
    note(t, Noted::completed, run, token);
    tell(t + 0.001, Told::completed, run, runner, token);
    ++depth.completed;
  }

  LedgerFigures check() const {
    LedgerInput input;
    input.runners = runners;
    input.coordinator = coordinator;
    input.final_depth = depth;
    input.classes = classes;
    input.kinds = kinds;
    input.kind_of_actor = kind_of_actor;
    input.shortest_lease = input.longest_lease = seconds{10};
    input.order = order;
    input.sweep_within = sweep_within;
    input.observed_until = at(200);
    input.at_rest = at_rest;
    input.all_claims_known = true;
    return check_ledger(input);
  }
};

// What a dispatcher and a store do that keep the order, batch by batch; but for one batch, that breaks it.
struct Dispatched : Story {
  enum class Breaks : std::uint8_t { nothing, fifo, priority };
  struct Ready {
    RunId run;
    std::uint32_t run_class;
    double since;
  };
  std::vector<Ready> ready;
  bool broke = false;

  Dispatched(std::uint64_t seed, Breaks breaks) {
    Random random{seed};
    double t = 0;
    for (int round = 0; round < 200; ++round) {
      for (auto arrivals = random.below(5); arrivals > 0; --arrivals) {
        auto const run_class = static_cast<std::uint32_t>(random.below(classes.size()));
        ready.push_back({submit(t, run_class), run_class, t += 0.003});
      }
      double const asked = t += 0.001, claimed = t += 0.002;
      std::uint32_t const runner = 1 + static_cast<std::uint32_t>(random.below(4));
      auto chosen = choose(runner, breaks, round > 20);
      if (chosen == ready.end()) continue;
      auto const run = chosen->run;
      ready.erase(chosen);
      complete(claimed + 0.01, run, runner, give(asked, claimed, run, runner));
    }
    depth.ready = ready.size();
  }

  std::vector<Ready>::iterator choose(std::uint32_t runner, Breaks breaks, bool may_break) {
    auto best = ready.end();
    for (auto run = ready.begin(); run != ready.end(); ++run) {
      if (run->run_class == 2 && kind_of_actor[runner] == 0) continue;
      if (best == ready.end() || classes[run->run_class].priority > classes[best->run_class].priority) best = run;
    }
    if (best == ready.end() || !may_break || broke) return best;
    for (auto other = best + 1; other != ready.end(); ++other) {
      if (other->run_class == 2 && kind_of_actor[runner] == 0) continue;
      bool const younger = breaks == Breaks::fifo && other->run_class == best->run_class;
      bool const lower = breaks == Breaks::priority && best->run_class == 1 && other->run_class != 1;
      if (!younger && !lower) continue;
      // The first of its own line, so that nothing else is wrong with it.
      if (lower)
        other =
            std::find_if(ready.begin(), ready.end(), [&](auto const& r) { return r.run_class == other->run_class; });
      broke = true;
      return other;
    }
    return best;
  }
};

TEST(ledger_order, of_a_trial_that_kept_it_has_no_breach) {
  auto const seed = random_seed();
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto const figures = Dispatched{seed + i, Dispatched::Breaks::nothing}.check();
    ASSERT_THAT(figures.breaches, IsEmpty()) << "seed " << seed + i << '\n' << all(figures);
  }
}

void expect_found(Dispatched::Breaks breaks, std::string const& invariant) {
  auto const seed = random_seed();
  int found = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    Dispatched const story{seed + i, breaks};
    if (!story.broke) continue;
    ++found;
    auto const figures = story.check();
    ASSERT_FALSE(figures.breaches.empty()) << "seed " << seed + i;
    for (auto const& breach : figures.breaches)
      EXPECT_EQ(breach.invariant, invariant) << "seed " << seed + i << all(figures);
    EXPECT_THAT(figures.breaches.front().what, AllOf(HasSubstr("run 0000"), HasSubstr("under token 7.")));
    auto undeclared = story;
    undeclared.order = {};
    EXPECT_THAT(undeclared.check().breaches, IsEmpty()) << "the backend declares no order";
    auto tolerated = story;
    tolerated.order.tolerated_batches = 1;
    EXPECT_THAT(tolerated.check().breaches, IsEmpty()) << "one batch may pass";
  }
  EXPECT_GT(found, 10) << "seed " << seed;
}

TEST(ledger_order, I6_finds_a_younger_run_that_went_first) { expect_found(Dispatched::Breaks::fifo, "I6"); }
TEST(ledger_order, I7_finds_a_lower_priority_that_went_first) { expect_found(Dispatched::Breaks::priority, "I7"); }

TEST(ledger_order, I6_counts_batches_and_not_runs) {
  Story story;
  auto const passed = story.submit(0, 0);
  for (int batch = 0; batch < 3; ++batch) {
    double const t = 1 + batch;
    RunId const runs[]{story.submit(t, 0), story.submit(t + 0.1, 0)};
    for (auto const& run : runs) story.complete(t + 0.8, run, 1, story.give(t + 0.5, t + 0.6, run, 1));
  }
  story.complete(9, passed, 1, story.give(8, 8.1, passed, 1));
  auto figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_THAT(figures.breaches[0].what, HasSubstr("3 batches"));
  story.order.tolerated_batches = 3;
  EXPECT_THAT(story.check().breaches, IsEmpty());
}

// A run that is never given out while younger ones are.
TEST(ledger_order, I6_finds_a_run_that_starves_unless_the_store_may_not_have_it) {
  Story story;
  auto const starved = story.submit(0, 0);
  auto const younger = story.submit(1, 0);
  story.complete(3, younger, 1, story.give(2, 2.1, younger, 1));
  story.depth.ready = 1;
  auto figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I6");
  EXPECT_THAT(figures.breaches[0].what, HasSubstr(to_string(starved)));
  story.depth.ready = 0;
  story.depth.claimed = 1;  // by somebody whose answer was cut off
  for (auto const& breach : story.check().breaches) EXPECT_NE(breach.invariant, "I6") << breach.what;
  story.depth.claimed = 0;
  figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I1") << "it is lost, which is another story";
}

// What was claimed without anybody knowing was not waiting; and what nobody can order was not passed.
TEST(ledger_order, gives_the_benefit_of_every_doubt) {
  {
    Story story;  // claimed by an answer that was cut off, and found by a sweep
    auto const run = story.submit(0, 0);
    auto const younger = story.submit(1, 0);
    story.complete(3, younger, 1, story.give(2, 2.1, younger, 1));
    story.note(11, Noted::expired, run);
    story.complete(13, run, 1, story.give(12, 12.1, run, 1, 2));
    EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  }
  {
    Story story;  // claimed for a poll that had gone
    auto const run = story.submit(0, 0);
    auto const younger = story.submit(1, 0);
    story.note(2.2, Noted::given_back, run, {7, 99});
    story.complete(3, younger, 1, story.give(2, 2.1, younger, 1));
    story.complete(4, run, 1, story.give(3, 3.1, run, 1));
    EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  }
  {
    Story story;  // sent before the other one's answer was there; and a batch that had been asked for before
    auto const run = story.submit(0, 0);
    auto const together = story.submit(0.0005, 0);
    auto const high = story.submit(1, 1);
    story.complete(3, together, 1, story.give(0.9, 1.1, together, 1));
    story.complete(3, high, 1, story.give(2, 2.1, high, 1));
    story.complete(3, run, 1, story.give(2.2, 2.3, run, 1));
    EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  }
  {
    Story story;  // a higher priority that the runner can't take
    auto const gpu = story.submit(0, 2);
    story.classes[2].priority = 9;
    auto const run = story.submit(1, 0);
    story.complete(3, run, 1, story.give(2, 2.1, run, 1));
    story.complete(5, gpu, 2, story.give(4, 4.1, gpu, 2));
    EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  }
}

TEST(ledger_leases, I9_finds_one_that_was_swept_late_or_never) {
  Story story;
  story.sweep_within = seconds{2};
  auto const run = story.submit(0, 0);
  auto const lost = story.give(1, 1.1, run, 1);
  story.note(6, Noted::renewed, run, lost);
  story.note(17, Noted::expired, run);
  story.tell(17.5, Told::abandoned, run, 1, lost);
  auto const again = story.give(18, 18.1, run, 1, 2);
  story.complete(19, run, 1, again);
  EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  story.sweep_within = milliseconds{900};
  auto figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I9");
  EXPECT_THAT(figures.breaches[0].what,
              AllOf(HasSubstr(to_string(run)), HasSubstr("7.1"), HasSubstr("swept only after")));

  Story unswept;
  unswept.sweep_within = seconds{2};
  auto const held = unswept.submit(0, 0);
  unswept.give(185, 189, held, 1);
  unswept.depth.claimed = 1;
  EXPECT_THAT(unswept.check().breaches, IsEmpty()) << "over since a second";
  unswept.coordinator.back().time = at(187.5);
  unswept.runners.back().time = at(187.5);
  figures = unswept.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I9");
  unswept.sweep_within.reset();
  EXPECT_THAT(unswept.check().breaches, IsEmpty()) << "nothing is known of the sweeps";
}

TEST(ledger_leases, I11_counts_executions_that_overlap_and_fails_nobody) {
  for (bool const overlapping : {true, false}) {
    Story story;
    auto const run = story.submit(0, 0);
    auto const lost = story.give(1, 1.1, run, 1);
    story.note(12, Noted::expired, run);
    auto const again = story.give(13, 13.1, run, 3, 2);
    story.tell(overlapping ? 14 : 12.5, Told::abandoned, run, 1, lost);
    story.complete(15, run, 3, again);
    auto const figures = story.check();
    EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
    EXPECT_EQ(figures.overlapping, overlapping ? 1U : 0U);
    EXPECT_EQ(figures.reexecuted, 1U);
  }
}

TEST(ledger_rest, I12_finds_what_was_left_over) {
  Story story;
  auto const run = story.submit(0, 0);
  story.complete(2, run, 1, story.give(1, 1.1, run, 1));
  story.at_rest = {{"parked polls", 0, 0}, {"connections", 1, 1}};
  EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  story.at_rest->front().count = 3;
  auto figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I12");
  EXPECT_THAT(figures.breaches[0].what, HasSubstr("3 parked polls"));
}

// A lease that the store holds for nobody.
TEST(ledger_rest, I12_finds_a_lease_that_nobody_knows_of) {
  Story story;
  story.submit(0, 0);
  auto const held = story.submit(0.5, 1);
  story.give(1, 1.1, held, 1);
  story.depth.claimed = 1;
  story.depth.ready = 1;
  story.at_rest.emplace();
  EXPECT_THAT(story.check().breaches, IsEmpty()) << all(story.check());
  story.depth.claimed = 2;
  story.depth.ready = 0;
  auto const figures = story.check();
  ASSERT_THAT(figures.breaches, SizeIs(1)) << all(figures);
  EXPECT_EQ(figures.breaches[0].invariant, "I12");
}

TEST(ledger_order, of_many_runs_is_checked_in_seconds) {
  Story story;
  double t = 0;
  for (int i = 0; i < 40'000; ++i) {
    auto const run = story.submit(t += 0.01, static_cast<std::uint32_t>(i % 2));
    story.complete(t + 0.005, run, 1, story.give(t + 0.003, t + 0.004, run, 1));
  }
  auto const begin = std::chrono::steady_clock::now();
  auto const figures = story.check();
  auto const took = std::chrono::steady_clock::now() - begin;
  std::printf("%zu events: %.0f ms\n", story.runners.size() + story.coordinator.size(), to_ms(took));
  EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
  EXPECT_LT(took, seconds{20}) << "even with sanitizers on a busy machine";
}

// The dead keep what they claimed until a lease ends it.
TEST(ledger_orphans, are_stranded_unless_somebody_else_gets_them_or_their_report_may_have_counted) {
  Story story;
  auto const stranded = story.submit(1, 0), again = story.submit(1.1, 0), queued = story.submit(1.2, 0);
  auto const doubtful = story.submit(1.3, 0), alive = story.submit(1.4, 0);
  for (RunId const& run : {stranded, again, queued, doubtful}) {
    auto const token = story.give(2, 2.01, run, 1);
    if (run == doubtful) story.tell(3.9, Told::report_in_doubt, run, 1, token);
    story.tell(4, Told::died, run, 1, token);
    if (run == again || run == queued) story.note(14, Noted::expired, run);
  }
  story.complete(20, again, 3, story.give(15, 15.01, again, 3, 2));
  story.tell(50, Told::abandoned, alive, 3, story.give(16, 16.01, alive, 3));
  story.depth.claimed = 3;
  story.depth.ready = 1;
  auto const figures = story.check();
  EXPECT_THAT(figures.breaches, IsEmpty()) << all(figures);
  EXPECT_EQ(figures.orphaned, 4U);
  EXPECT_EQ(figures.recovered, 1U);
  EXPECT_EQ(figures.stranded, 1U);
  ASSERT_THAT(figures.stranded_runs, SizeIs(1));
  EXPECT_THAT(figures.stranded_runs[0], AllOf(HasSubstr(to_string(stranded)), HasSubstr("claimed by runner 1")));
  EXPECT_EQ(figures.reexecuted, 1U);
}

}  // namespace
}  // namespace assay
