#include "harness/measure/recorder.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr TimePoint begin{seconds{1000}};

void one_submission(Recorder& recorder) {
  recorder.expect_events(4);
  recorder.offer(begin);
  recorder.begin(Operation::submit);
  recorder.event({.time = begin, .kind = RunEvent::Kind::submitted});
  recorder.record({.operation = Operation::submit,
                   .fate = Fate::ok,
                   .intended = begin,
                   .started = begin,
                   .finished = begin + milliseconds{3}});
  recorder.saw_claim_latency(milliseconds{5});
}

TEST(Recorder, ThatKeepsCountsKeepsTheBooksAndTheFatesAndNothingElse) {
  Recorder everything{{begin, begin + seconds{1}}};
  Recorder counts{{begin, begin + seconds{1}}, Recorder::Keep::counts};
  one_submission(everything);
  one_submission(counts);
  for (auto const* recorder : {&everything, &counts}) {
    EXPECT_TRUE(recorder->books().balance());
    EXPECT_EQ(recorder->books().succeeded, 1U);
    EXPECT_EQ(recorder->operation(Operation::submit).fates[static_cast<std::size_t>(Fate::ok)], 1U);
  }
  EXPECT_EQ(everything.events().size(), 1U);
  EXPECT_EQ(everything.operation(Operation::submit).response.count(), 1);
  EXPECT_EQ(everything.take_recent_claims().count(), 1);
  EXPECT_TRUE(counts.events().empty());
  EXPECT_EQ(counts.operation(Operation::submit).response.count(), 0);
  EXPECT_EQ(counts.take_recent_claims().count(), 0);
}

}  // namespace
}  // namespace assay
