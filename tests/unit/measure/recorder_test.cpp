// Recorders merge by addition: what several were told, spread at random, is what one would have been told. The seed of
// a failure is printed; ASSAY_SEED=n replays it.
#include "harness/measure/recorder.hpp"

#include "harness/base/random.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace assay {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{1h};
constexpr Window measured{t0 + 1s, t0 + 3s};

std::uint64_t seed_of_this_run() {
  char const* const given = std::getenv("ASSAY_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : random_seed();
}

// Something happens, at `now`; `whole` and one of the parts are told.
void tell(Random& random, TimePoint now, Recorder& whole, Recorder& part) {
  for (Recorder* const recorder : {&whole, &part}) {
    Random same = random;
    switch (same.below(4)) {
      case 0: {
        recorder->offer(now);
        if (same.below(10) == 0) recorder->shed();
        break;
      }
      case 1: {
        Observation observation;
        observation.operation = static_cast<Operation>(same.below(operation_count));
        observation.fate = static_cast<Fate>(same.below(fate_count));
        observation.intended = now - microseconds{same.below(3'000'000)};
        observation.started = observation.intended + microseconds{same.below(2'000)};
        observation.finished = now;
        recorder->begin(observation.operation);
        recorder->record(observation);
        break;
      }
      case 2: {
        RunEvent event;
        event.time = now;
        event.actor = static_cast<std::uint32_t>(same.below(1'000'000));
        recorder->event(event);
        break;
      }
      default: recorder->saw_claim_latency(microseconds{same.below(5'000'000)}); break;
    }
  }
  for (int i = 0; i < 8; ++i) random();
}

TEST(merged_recorders, equal_one_that_was_told_everything) {
  auto const seed = seed_of_this_run();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Random random{seed};
  for (int round = 0; round < 50; ++round) {
    Recorder whole{measured};
    std::vector<Recorder> parts(1 + random.below(8), Recorder{measured});
    TimePoint now = t0;
    for (std::uint64_t i = random.below(500); i > 0; --i) {
      now += microseconds{1 + random.below(20'000)};
      tell(random, now, whole, parts[random.below(parts.size())]);
    }

    Recorder sum{measured};
    for (auto& part : parts) sum.add(std::move(part));
    EXPECT_EQ(sum.books(), whole.books());
    EXPECT_EQ(sum.offered_while_measured(), whole.offered_while_measured());
    for (int operation = 0; operation < operation_count; ++operation) {
      auto const which = static_cast<Operation>(operation);
      EXPECT_EQ(sum.operation(which), whole.operation(which)) << to_string(which);
    }
    ASSERT_EQ(sum.events().size(), whole.events().size());
    for (std::size_t i = 0; i < whole.events().size(); ++i) {
      EXPECT_EQ(sum.events()[i].time, whole.events()[i].time);
      EXPECT_EQ(sum.events()[i].actor, whole.events()[i].actor);
    }
    EXPECT_EQ(sum.take_recent_claims(), whole.take_recent_claims());
  }
}

}  // namespace
}  // namespace assay
