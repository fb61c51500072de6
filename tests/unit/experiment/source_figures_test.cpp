#include "harness/experiment/source_figures.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TimePoint at(double s) { return TimePoint{from_seconds(1000 + s)}; }

struct SourceFiguresTest : testing::Test {
  SourceFiguresTest() {
    scenario.load.classes = {{.tags = {"gpu", "source:loud"}}, {.tags = {"source:calm"}}, {.tags = {"gpu"}}};
    evidence.plan.scenario = &scenario;
    evidence.measure_begin = at(10);
    evidence.measure_end = at(20);
  }

  void run(std::uint32_t run_class, double created, Duration dispatch, Duration shortage, bool delivered = true) {
    splits.push_back({.run_class = run_class,
                      .created = at(created),
                      .claim = dispatch + shortage,
                      .dispatch = dispatch,
                      .shortage = shortage,
                      .delivered = delivered});
  }

  Scenario scenario;
  Evidence evidence;
  std::vector<ClaimSplit> splits;
};

TEST_F(SourceFiguresTest, CountWhatEachSubmittedAndGotWhileItWasMeasured) {
  for (int i = 0; i < 40; ++i) run(0, 10 + i * 0.1, milliseconds{1}, seconds{8});
  run(0, 9.5, milliseconds{1}, seconds{1});            // created before, claimed in time
  run(0, 19, milliseconds{1}, seconds{2});             // the other way round
  run(0, 19.5, milliseconds{400}, Duration{}, false);  // never claimed
  for (int i = 0; i < 10; ++i) run(1, 10 + i, milliseconds{2}, Duration{});
  run(2, 15, milliseconds{1}, Duration{});  // nobody's
  auto const figures = source_figures(evidence, splits);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].source, "source:calm");
  EXPECT_EQ(figures[0].submitted, 10U);
  EXPECT_EQ(figures[0].claimed, 10U);
  EXPECT_NEAR(figures[0].claim_latency.p99.value, 2, 0.01);
  EXPECT_EQ(figures[1].source, "source:loud");
  EXPECT_EQ(figures[1].submitted, 42U);
  EXPECT_EQ(figures[1].claimed, 21U) << "20 of those created by 12 s, less a millisecond, and the one from before";
  EXPECT_EQ(figures[1].claim_latency.n, 42U);
}

TEST_F(SourceFiguresTest, WaitsForRunnersAreOfTheModelledSystem) {
  scenario.time_compression = 60;
  run(1, 12, milliseconds{10}, milliseconds{100});
  auto const figures = source_figures(evidence, splits);
  ASSERT_EQ(figures.size(), 1U);
  EXPECT_NEAR(figures[0].claim_latency.mean, 10 + 60 * 100, 10);
}

TEST_F(SourceFiguresTest, AreNoneWhereRunsNameNoSource) {
  scenario.load.classes = {{}};
  run(0, 12, milliseconds{10}, Duration{});
  EXPECT_TRUE(source_figures(evidence, splits).empty());
}

}  // namespace
}  // namespace assay
