// The text reports of two assessments made by hand, held against files that a person has read. After a wanted change:
// ASSAY_UPDATE_GOLDEN=1 build/release/bin/golden_reports, and read the difference before committing it.
#include "reports/charts/chart.hpp"
#include "reports/report.hpp"
#include "tests/golden/sample_assessment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace assay {
namespace {

void expect_golden(std::string const& name, std::string const& actual) {
  auto const path = std::filesystem::path{ASSAY_GOLDEN_FOLDER} / name;
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    std::ofstream out{path, std::ios::binary};
    out << actual;
    ASSERT_TRUE(out.good()) << path;
    return;
  }
  std::ifstream in{path, std::ios::binary};
  ASSERT_TRUE(in.good()) << path << " is missing";
  std::ostringstream expected;
  expected << in.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "differs from " << path;
}

std::string takeaways(Assessment const& assessment) {
  std::string result;
  for (auto const& chart : charts_of(assessment))
    result += chart.id + ": " + chart.title + "\n  " + chart.takeaway + "\n";
  return result;
}

TEST(Golden, DecisionRecord) { expect_golden("sample.decision.md", decision_markdown(sample_assessment())); }
TEST(Golden, DecisionRecordOfATroubledRun) {
  expect_golden("troubled.decision.md", decision_markdown(troubled_assessment()));
}
TEST(Golden, JUnit) { expect_golden("sample.junit.xml", junit_xml(sample_assessment())); }
TEST(Golden, JUnitOfATroubledRun) { expect_golden("troubled.junit.xml", junit_xml(troubled_assessment())); }
TEST(Golden, Takeaways) { expect_golden("sample.takeaways.txt", takeaways(sample_assessment())); }
TEST(Golden, TakeawaysOfVariants) {
  expect_golden("variants.takeaways.txt", takeaways(assessment_with_variants()));
}
TEST(Golden, TakeawaysOfATroubledRun) { expect_golden("troubled.takeaways.txt", takeaways(troubled_assessment())); }

}  // namespace
}  // namespace assay
