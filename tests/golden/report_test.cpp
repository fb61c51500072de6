#include "reports/report.hpp"

#include "harness/base/error.hpp"
#include "reports/charts/chart.hpp"
#include "reports/charts/chart_renderer.hpp"
#include "tests/golden/sample_assessment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace assay {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    auto name = (fs::temp_directory_path() / "assay-report-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary folder"};
    folder = name;
  }
  ~ReportTest() override { fs::remove_all(folder); }

  std::string read(fs::path const& name) const {
    std::ifstream in{folder / name, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> result;
    for (auto const& entry : fs::recursive_directory_iterator{folder})
      if (entry.is_regular_file())
        result[fs::relative(entry.path(), folder)] = read(fs::relative(entry.path(), folder));
    return result;
  }

  fs::path folder;
};

TEST_F(ReportTest, WritesEveryFileAndAPictureOfEveryChart) {
  write_report(folder, sample_assessment());
  auto const written = files();
  for (auto const* name : {"report.html", "decision.md", "junit.xml"}) EXPECT_TRUE(written.contains(name)) << name;
  for (auto const& chart : charts_of(sample_assessment())) {
    auto const name = "charts/" + chart.id + ".png";
    ASSERT_TRUE(written.contains(name)) << name;
    EXPECT_EQ(written.at(name).substr(0, 4), "\x89PNG");
  }
  EXPECT_EQ(written.size(), 3 + charts_of(sample_assessment()).size());
}

TEST_F(ReportTest, IsAPureFunctionOfTheAssessment) {
  write_report(folder, sample_assessment());
  auto const first = files();
  write_report(folder, sample_assessment());
  EXPECT_EQ(first, files());
}

TEST_F(ReportTest, LeavesNoPictureOfAChartThatIsGone) {
  write_report(folder, troubled_assessment());
  ASSERT_TRUE(files().contains("charts/failed-claims.png"));
  write_report(folder, sample_assessment());
  EXPECT_FALSE(files().contains("charts/failed-claims.png"));
}

TEST_F(ReportTest, NamesTheFileItCannotWrite) {
  try {
    write_report(folder / "missing", sample_assessment());
    FAIL() << "a folder that is not there was written to";
  } catch (Failure const& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("decision.md: not written: "));
  }
}

TEST_F(ReportTest, CarriesItsChartEngineAndItsLicenceAndReachesForNothing) {
  write_report(folder, sample_assessment());
  auto const page = read("report.html");
  EXPECT_THAT(page, HasSubstr("Apache ECharts"));
  EXPECT_THAT(page, HasSubstr("The Apache Software Foundation"));
  EXPECT_THAT(page, HasSubstr("default-src &#39;none&#39;"));
  EXPECT_THAT(page, Not(HasSubstr("<script src")));
  EXPECT_THAT(page, Not(HasSubstr("<link rel=\"stylesheet\"")));
}

TEST_F(ReportTest, NoTextBreaksOutOfThePage) {
  write_report(folder, troubled_assessment());
  auto const page = read("report.html");
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<svg onload")));
  EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;alert"));
}

TEST_F(ReportTest, ShowsNoPercentileOfAnUnstableTrial) {
  Assessment assessment = sample_assessment();
  assessment.trials.resize(1);
  assessment.trials[0].stable = false;
  EXPECT_FALSE(claim_latency_chart(assessment));
  EXPECT_FALSE(latency_parts_chart(assessment));
  write_report(folder, assessment);
  EXPECT_THAT(read("decision.md"), HasSubstr("unstable"));
  EXPECT_THAT(read("report.html"), Not(HasSubstr("824 ms")));
}

TEST_F(ReportTest, AnAssessmentOfNothingIsStillAReport) {
  Assessment nothing;
  nothing.scenario_name = "nothing";
  nothing.title = "Nothing";
  nothing.verdict.headline = "No trial was finished.";
  write_report(folder, nothing);
  EXPECT_THAT(read("report.html"), HasSubstr("No trial was finished."));
  EXPECT_TRUE(charts_of(nothing).empty());
}

TEST(JUnit, CountsWhatItContains) {
  auto const xml = junit_xml(troubled_assessment());
  auto const count = [&](std::string const& what) {
    int n = 0;
    for (auto at = xml.find(what); at != std::string::npos; at = xml.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_THAT(xml, HasSubstr(fmt::format(
                       "<testsuites name=\"assay troubled\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
                       count("<testcase "), count("<failure "), count("<error "), count("<skipped "))));
  EXPECT_GT(count("<failure "), 0);
  EXPECT_GT(count("<error "), 0);
}

TEST(Charts, AllOptionsDraw) {
  ChartRenderer renderer;
  for (auto const& assessment : {sample_assessment(), troubled_assessment(), assessment_with_variants()})
    for (auto const& chart : charts_of(assessment)) {
      auto const svg = renderer.svg(chart.id, chart.option, chart.width, chart.height);
      EXPECT_THAT(svg, Not(HasSubstr("NaN"))) << chart.id;
      EXPECT_THAT(svg, Not(HasSubstr("undefined"))) << chart.id;
      EXPECT_FALSE(chart.takeaway.empty()) << chart.id;
      EXPECT_EQ(chart.takeaway.back(), '.') << chart.id;
    }
}

}  // namespace
}  // namespace assay
