// The exposition text obeys the format: HELP and TYPE once per family and before its samples, families in one piece,
// histograms cumulative with +Inf equal to the count.
#include "reference_coordinator/http/prometheus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace assay {
namespace {

using testing::HasSubstr;

protocol::CoordinatorStats sample() {
  protocol::CoordinatorStats stats;
  stats.uptime_ns = 1'500'000'000;
  stats.delivered_claims = 3;
  stats.requests[{"POST /runs", 201}] = 17;
  stats.depth = Depth{1, 2, 3, 4, 5, milliseconds{250}};
  stats.store.operations[0].calls = 4;
  auto& latency = stats.store.operations[0].latency;
  latency.record(30'000, 2);
  latency.record(3'000'000);
  latency.record(4'000'000'000'000);  // beyond the range of the histogram
  return stats;
}

TEST(Prometheus, EveryLineIsWellFormedAndFamiliesAreInOnePiece) {
  std::istringstream text{prometheus_text(sample())};
  std::regex const line_form{R"re(([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? ([0-9.e+-]+|\+Inf))re"};
  std::regex const comment_form{R"(# (HELP|TYPE) ([a-z_]+) (.+))"};
  std::set<std::string> families, samples;
  std::string family, type;
  for (std::string line; std::getline(text, line);) {
    std::smatch match;
    if (std::regex_match(line, match, comment_form)) {
      if (match[1] == "HELP") {
        family = match[2];
        EXPECT_TRUE(families.insert(family).second) << family << " is there twice";
      } else {
        EXPECT_EQ(match[2], family);
        type = match[3];
      }
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, match, line_form)) << line;
    std::string const name = match[1];
    if (type == "histogram") {
      EXPECT_TRUE(name == family + "_bucket" || name == family + "_sum" || name == family + "_count") << line;
    } else {
      EXPECT_EQ(name, family) << line;
      EXPECT_EQ(type == "counter", name.ends_with("_total")) << line;
    }
    EXPECT_TRUE(samples.insert(name + match[2].str()).second) << line << " is there twice";
  }
  EXPECT_GT(families.size(), 30U);
}

TEST(Prometheus, SaysTheValuesInBaseUnits) {
  std::string const text = prometheus_text(sample());
  for (auto const* line :
       {"assay_uptime_seconds 1.5\n", "assay_delivered_claims_total 3\n",
        "assay_requests_total{route=\"POST /runs\",status=\"201\"} 17\n", "assay_runs{state=\"dead\"} 5\n",
        "assay_oldest_ready_age_seconds 0.25\n", "assay_store_calls_total{operation=\"submit\"} 4\n",
        "assay_store_outcomes_total{operation=\"claim\",outcome=\"stale_token\"} 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Prometheus, HistogramsAreCumulativeAndCountWhatIsOutOfRange) {
  std::string const text = prometheus_text(sample());
  std::string const name = "assay_store_latency_seconds_bucket{operation=\"submit\",le=\"";
  EXPECT_THAT(text, HasSubstr(name + "2.5e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "5e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "0.0025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "0.005\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "50\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("assay_store_latency_seconds_count{operation=\"submit\"} 4\n"));
}

TEST(ProcessUse, GrowsWithWork) {
  ProcessUse const before = process_use();
  EXPECT_GT(before.resident_bytes, 1024U * 1024);
  double volatile sum = 0;
  for (int i = 0; process_use().cpu_user_ns == before.cpu_user_ns && i < 10'000; ++i) {
    for (int k = 0; k < 100'000; ++k) sum = sum + k;
  }
  EXPECT_GT(process_use().cpu_user_ns, before.cpu_user_ns);
}

}  // namespace
}  // namespace assay
