// The instruments of the command line as a user meets them: what they print, what they refuse, and with which status.
#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace assay {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

struct Output {
  int status = -1;
  std::string text;
};

class Tools : public testing::Test {
 protected:
  std::filesystem::path write(std::string const& name, std::string const& content) const {
    std::ofstream{folder_.path() / name} << content;
    return folder_.path() / name;
  }

  Output run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) const {
    ChildCommand command;
    command.environment = std::move(environment);
    command.argv = {ASSAY_PROGRAM};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.log = folder_.path() / "output";
    command.folder = folder_.path();
    std::filesystem::remove(command.log);
    ChildProcess process{command};
    auto const exit = process.wait_until(std::chrono::steady_clock::now() + seconds{100});
    std::ifstream in{command.log};
    std::ostringstream text;
    text << in.rdbuf();
    return {exit && exit->signal == 0 ? exit->status : -1, text.str()};
  }

  // The JSON is the last line; what comes before is for people, on standard error.
  static boost::json::value json_of(std::string const& text) {
    auto const begin = text.rfind('\n', text.size() - 2);
    return boost::json::parse(text.substr(begin == std::string::npos ? 0 : begin + 1));
  }

  PrivateFolder folder_{std::filesystem::temp_directory_path(), "assay-tools-test-"};
};

TEST_F(Tools, FitGivesThePublishedCurveAndEndsItsPredictionsWhereItShould) {
  auto const points =
      write("points.csv", "N,X\n1,64.9\n18,995.9\n36,1652.4\n72,1853.2\n108,1828.9\n144,1775.0\n216,1702.2\n");
  auto const fit = run({"fit", points, "--at", "432", "--format", "json"});
  ASSERT_EQ(fit.status, 0) << fit.text;
  auto const json = json_of(fit.text);
  EXPECT_NEAR(json.at_pointer("/sigma/value").as_double(), 0.0277285, 5e-8);
  EXPECT_NEAR(json.at_pointer("/peak/n/value").as_double(), 96.52, 0.005);
  EXPECT_EQ(json.at("predictions").as_array().size(), 1U);
  EXPECT_THAT(run({"fit", points}).text, HasSubstr("X there      1884"));
  auto const beyond = run({"fit", points, "--at", "433"});
  EXPECT_EQ(beyond.status, 2);
  EXPECT_EQ(beyond.text, "assay: --at 433: predictions end at N = 432, twice the largest level measured\n");
}

TEST_F(Tools, FitRefusesInOneLine) {
  auto const few = run({"fit", write("few.csv", "1,10\n2,19\n3,27\n")});
  EXPECT_EQ(few.status, 4);
  EXPECT_THAT(few.text, HasSubstr("3 different levels of N are too few"));
  auto const torn = run({"fit", write("torn.csv", "N,X\n1,ten\n")});
  EXPECT_EQ(torn.status, 2);
  EXPECT_THAT(torn.text, HasSubstr("line 2: two numbers, N and X, are expected, found \"1,ten\""));
  for (auto const& output : {few, torn}) EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'), 1);
}

TEST_F(Tools, InspectReadsALogAndNamesTheLineItCannotRead) {
  // 100, 200, 250 in an interval each of two tags, as HistogramLogWriter.java writes them.
  std::string const good =
      "#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 08:24:39 PDT 2015]\n"
      "Tag=a,0.127,1.007,0.250,HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk\n"
      "1.134,0.999,0.250,HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk\n";
  auto const read = run({"inspect", write("good.hlog", good), "--format", "json"});
  ASSERT_EQ(read.status, 0) << read.text;
  auto const json = json_of(read.text);
  EXPECT_EQ(json.at_pointer("/merged/count").as_int64(), 6);
  EXPECT_EQ(json.at_pointer("/merged/p50").to_number<double>(), 200);
  EXPECT_EQ(json.at_pointer("/tags/0/tag").as_string(), "a");
  EXPECT_THAT(run({"inspect", folder_.path() / "good.hlog"}).text, HasSubstr("(merged)"));
  auto const damaged = run({"inspect", write("bad.hlog", good + "2.1,1.0,0.2,HISTF\n")});
  EXPECT_EQ(damaged.status, 2);
  EXPECT_THAT(damaged.text, HasSubstr("histogram log, line 4"));
  EXPECT_EQ(run({"inspect", "nowhere.hlog"}).status, 2);
}

TEST_F(Tools, PlanOnlySaysWhatAScenarioCannotShowAndStartsNothing) {
  auto const plan = run({"run", ASSAY_SCENARIOS "/pr-007.yaml", "--plan-only", "--runners", "10", "--set",
                         "time_compression=1", "--set", "phases.measure=3m"});
  EXPECT_EQ(plan.status, 0);
  EXPECT_THAT(plan.text,
              HasSubstr("`claim_latency: p99 < 5s` at 95 % confidence needs 299 values with none over the bound, "
                        "473 with one, 628 with two, 773 with three, which takes 17m to 42m at 20 a minute; "
                        "yours yields about 60 in 3m, and shows nothing. Measure 35m or longer"));
  EXPECT_THAT(plan.text, HasSubstr("asks for 50, 100, 500 runners too"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "results"));
  auto const json = json_of(run({"run", ASSAY_SCENARIOS "/pr-007.yaml", "--plan-only", "--format", "json"}).text);
  EXPECT_TRUE(json.at("warnings").as_array().empty());
  EXPECT_EQ(json.at_pointer("/levels/0/quantiles/p99/over").as_int64(), 2);
}

TEST_F(Tools, PlanOnlySaysOfEachVariantWhatItsOwnLoadIs) {
  auto const closed = run({"run", ASSAY_SCENARIOS "/redis-reply.yaml", "--plan-only"});
  EXPECT_THAT(closed.text, testing::ContainsRegex("redis-list · per-task +closed loop, 1000 callers"));
  EXPECT_THAT(closed.text, testing::ContainsRegex("redis-list · single +closed loop, 1 callers"));
  auto const backlog = run({"run", ASSAY_SCENARIOS "/file-queue.yaml", "--plan-only"});
  EXPECT_THAT(backlog.text, testing::ContainsRegex("file-scan · backlog-20k +a backlog of 20000 runs"));
  EXPECT_THAT(backlog.text, testing::Not(HasSubstr("how many of a trial's claims")));
}

TEST_F(Tools, AFolderForTemporaryFilesThatIsMissingIsNamedInOneLine) {
  for (auto const& arguments :
       std::vector<std::vector<std::string>>{{"run", ASSAY_SCENARIOS "/smoke.yaml"}, {"backends"}}) {
    auto const told = run(arguments, {"TMPDIR=/nowhere"});
    EXPECT_EQ(told.status, 2);
    EXPECT_THAT(told.text, HasSubstr("'/nowhere': No such file or directory"));
    EXPECT_EQ(std::count(told.text.begin(), told.text.end(), '\n'), 1) << told.text;
  }
}

// Whether this machine is fit is its own affair; the status must say what the findings say.
TEST_F(Tools, DoctorExaminesTheMachineAndItsStatusFollowsFromWhatItFound) {
  auto const doctor = run({"doctor", "--quick", "--scenarios", ASSAY_SCENARIOS, "--format", "json"});
  ASSERT_THAT(doctor.status, AnyOf(0, 4)) << doctor.text;
  auto const json = json_of(doctor.text);
  EXPECT_EQ(json.at("fit").as_bool(), doctor.status == 0);
  ASSERT_EQ(json.at("latencies").as_array().size(), 4U);
  auto const& slowest = json.at("latencies").as_array().back();
  EXPECT_GE(slowest.at("truth_p50_ms").as_double(), 50);
  EXPECT_GE(slowest.at("measured_p50_ms").as_double(), 50 * 0.999);
  EXPECT_GT(json.at_pointer("/parked/runners").as_int64(), 0);
  EXPECT_FALSE(json.at("scenarios").as_array().empty());
  auto const nowhere = run({"doctor", "--scenarios", "nowhere"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_EQ(std::count(nowhere.text.begin(), nowhere.text.end(), '\n'), 1) << nowhere.text;
}

}  // namespace
}  // namespace assay
