// Every backend against the reference: one random history, told to the store under test and to RunTable, must get the
// same answers: outcomes, which run goes to whom, attempts, lookups, depth. What depends on the passing of time is left
// out (other clauses have it): leases are long, and back-offs are zero and end at the next sweep.
#include "reference_coordinator/backends/memory/run_table.hpp"
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace assay::test {
namespace {

class History {
 public:
  History(std::uint64_t seed, ClaimStore& store, asio::io_context& io)
      : random_{seed}, reference_{options()}, store_{store}, io_{io} {}

  void step() {
    switch (random_.below(8)) {
      case 0:
      case 1: return submit();
      case 2:
      case 3: return claim();
      case 4: return report();
      case 5: return report();
      case 6: return random_.below(3) == 0 ? sweep() : void();
      default: return look();
    }
  }

  void compare_all() {
    for (RunId const& id : known_) compare(id);
    auto const actual = must(store_.depth());
    auto const expected = reference_.depth(now_);
    EXPECT_EQ(actual.delayed, expected.delayed);
    EXPECT_EQ(actual.ready, expected.ready);
    EXPECT_EQ(actual.claimed, expected.claimed);
    EXPECT_EQ(actual.completed, expected.completed);
    EXPECT_EQ(actual.dead, expected.dead);
  }

 private:
  struct Pair {
    RunId run;
    ClaimToken actual, reference;
  };

  static RunTable::Options options() {
    RunTable::Options options;
    options.retry = {Duration::zero(), Duration::zero()};
    options.epoch = 1;
    return options;
  }

  template <class T>
  T must(Awaitable<Result<T>> call) {
    Result<T> result = run_coroutine(io_, std::move(call));
    if (!result) throw std::runtime_error{to_string(result.error())};
    return std::move(*result);
  }

  TagSet random_tags() {
    std::vector<std::string> tags;
    for (char const* tag : {"a", "b", "c"}) {
      if (random_.below(2) == 0) tags.emplace_back(tag);
    }
    return TagSet{tags};
  }

  void submit() {
    std::vector<RunSpec> specs;
    for (std::uint64_t i = 1 + random_.below(6); i > 0; --i) {
      RunSpec spec;
      bool const again = !known_.empty() && random_.below(5) == 0;
      spec.id = again ? known_[random_.below(known_.size())] : make_run_id(1, random_);
      spec.required = random_tags();
      spec.priority = static_cast<int>(random_.below(7)) * 50 - 150;  // −150 and +150 are against the rule
      spec.payload = std::to_string(random_());
      spec.max_attempts = static_cast<int>(random_.below(4));  // 0 is against the rule
      if (!again) known_.push_back(spec.id);
      specs.push_back(spec);
    }
    std::vector<Outcome> expected;
    for (RunSpec const& spec : specs) expected.push_back(reference_.submit(spec, now_));
    EXPECT_EQ(must(store_.submit(specs)), expected);
  }

  void claim() {
    std::vector<Demand> demands;
    for (std::uint64_t i = 1 + random_.below(2); i > 0; --i) {
      demands.push_back({random_tags(), "runner-" + std::to_string(random_.below(3)),
                         static_cast<std::uint32_t>(1 + random_.below(3))});
    }
    // A batch of several is not a clause of its own: a store may serve a later demand with a run that an earlier one
    // could have had only if that one got all it asked for. One by one there is exactly one right answer.
    for (Demand const& demand : demands) {
      std::vector<Claim> expected;
      reference_.claim(demand, 0, lease_, now_, expected);
      auto actual = must(store_.claim({demand}, lease_));
      ASSERT_EQ(actual.size(), expected.size()) << "for " << demand.count << " of '" << demand.offered.key() << "'";
      auto const by_run = [](Claim const& a, Claim const& b) { return a.run < b.run; };
      std::sort(actual.begin(), actual.end(), by_run);
      std::sort(expected.begin(), expected.end(), by_run);
      for (std::size_t i = 0; i < actual.size(); ++i) {
        EXPECT_EQ(actual[i].run, expected[i].run);
        EXPECT_EQ(actual[i].attempt, expected[i].attempt);
        EXPECT_EQ(actual[i].required, expected[i].required);
        EXPECT_EQ(actual[i].priority, expected[i].priority);
        EXPECT_EQ(actual[i].payload, expected[i].payload);
        claims_.push_back({actual[i].run, actual[i].token, expected[i].token});
      }
    }
  }

  // Often of a claim that is over: tokens are never taken off the list.
  void report() {
    if (claims_.empty()) return;
    std::vector<Pair> chosen;
    for (std::uint64_t i = 1 + random_.below(4); i > 0; --i) {
      std::size_t const back = std::min<std::size_t>(claims_.size(), 1 + random_.below(12));
      Pair const& pair = claims_[claims_.size() - back];
      // Several reports on one run in one batch may be taken in any order, so that there is more than one right answer.
      auto const same_run = [&](Pair const& earlier) { return earlier.run == pair.run; };
      if (std::none_of(chosen.begin(), chosen.end(), same_run)) chosen.push_back(pair);
    }
    std::vector<Outcome> expected, actual;
    std::vector<ClaimRef> references;
    std::string const text = std::to_string(random_());
    for (Pair const& pair : chosen) references.push_back({pair.run, pair.actual});
    switch (random_.below(5)) {
      case 0:
      case 1: {
        std::vector<Completion> completions;
        for (Pair const& pair : chosen) {
          completions.push_back({pair.run, pair.actual, text});
          expected.push_back(reference_.complete({pair.run, pair.reference, text}));
        }
        actual = must(store_.complete(completions));
        break;
      }
      case 2: {
        std::vector<FailedAttempt> failures;
        for (Pair const& pair : chosen) {
          failures.push_back({pair.run, pair.actual, text});
          expected.push_back(reference_.fail({pair.run, pair.reference, text}, now_));
        }
        actual = must(store_.fail(failures));
        break;
      }
      case 3:
        for (Pair const& pair : chosen) expected.push_back(reference_.release({pair.run, pair.reference}, now_));
        actual = must(store_.release(references));
        break;
      default:
        for (Pair const& pair : chosen) expected.push_back(reference_.renew({pair.run, pair.reference}, lease_, now_));
        actual = must(store_.renew(references, lease_));
    }
    EXPECT_EQ(actual, expected);
  }

  void sweep() {
    auto const expected = reference_.sweep(1000, now_);
    auto const actual = must(store_.sweep(1000));
    EXPECT_EQ(actual.released, expected.released);
    EXPECT_TRUE(actual.requeued.empty() && actual.dead.empty());
  }

  void look() {
    if (!known_.empty()) compare(known_[random_.below(known_.size())]);
  }

  void compare(RunId id) {
    auto const actual = must(store_.find(id));
    auto const expected = reference_.find(id);
    ASSERT_EQ(actual.has_value(), expected.has_value());
    if (!expected) return;
    EXPECT_EQ(to_string(actual->state), to_string(expected->state));
    EXPECT_EQ(actual->required, expected->required);
    EXPECT_EQ(actual->priority, expected->priority);
    EXPECT_EQ(actual->attempts, expected->attempts);
    EXPECT_EQ(actual->runner, expected->runner);
    EXPECT_EQ(actual->result, expected->result);
  }

  static constexpr Duration lease_ = std::chrono::hours{1};

  Random random_;
  RunTable reference_;
  ClaimStore& store_;
  asio::io_context& io_;
  TimePoint now_{};  // the reference's time stands still
  std::vector<RunId> known_;
  std::vector<Pair> claims_;
};

class same_as_reference : public claim_store {
 protected:
  same_as_reference() { retry = {Duration::zero(), Duration::zero()}; }
};

std::vector<std::string> ordered_backends() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) {
    Capabilities const& can = backend.capabilities;
    if (can.fifo && can.priority && can.tags && can.release_keeps_attempt) names.push_back(backend.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(conformance, same_as_reference, testing::ValuesIn(ordered_backends()),
                         [](auto const& backend) {
                           std::string name = backend.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(same_as_reference, any_history_gets_the_same_answers) {
  std::uint64_t const first_seed = random_seed();
  for (std::uint64_t seed = first_seed; seed < first_seed + 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reopen_on_fresh_data();
    History history{seed, store(), io};
    for (int i = 0; i < 250; ++i) {
      history.step();
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
    history.compare_all();
  }
}

}  // namespace
}  // namespace assay::test
