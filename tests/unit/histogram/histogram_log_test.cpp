#include "harness/histogram/histogram_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

namespace assay {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view three_values =
    "HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk";  // 100, 200, 250
HistogramLogWriter::WallTime const start{1'441'812'279'474ms};

Histogram hundreds() {
  Histogram histogram{{1, 300, 3}};
  for (int value : {100, 200, 250}) histogram.record(value);
  return histogram;
}

Result<HistogramLog> read(std::string const& text) {
  std::istringstream in{text};
  return read_histogram_log(in);
}

TEST(histogram_log, is_written_as_the_java_implementation_writes_it) {
  std::ostringstream out;
  HistogramLogWriter writer{out, start, {"assay, smoke.yaml"}, 1.0};
  writer.write({"claim_latency", 127ms, 1'007ms, hundreds()});
  writer.write({"", 1'134ms, 999ms, hundreds()});
  writer.write_comment("2 values\nout of range");
  EXPECT_EQ(out.str(),
            "#assay, smoke.yaml\n"
            "#[Histogram log format version 1.3]\n"
            "#[BaseTime: 1441812279.474 (seconds since epoch)]\n"
            "#[StartTime: 1441812279.474 (seconds since epoch), 2015-09-09T15:24:39Z]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
            "Tag=claim_latency,0.127,1.007,250.000,HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk\n"
            "1.134,0.999,250.000,HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk\n"
            "#2 values\n"
            "#out of range\n");
}

TEST(histogram_log, is_read_back) {
  std::ostringstream out;
  HistogramLogWriter writer{out, start, {"a comment"}};
  Histogram latencies;
  latencies.record(4'560'000, 3);
  writer.write({"claim_latency", 0s, 1s, latencies});
  writer.write({"", 1s, 1s, hundreds()});
  auto const log = read(out.str());
  ASSERT_TRUE(log) << to_string(log.error());
  EXPECT_EQ(log->start_time, start);
  ASSERT_EQ(log->entries.size(), 2U);
  EXPECT_EQ(log->entries[0].tag, "claim_latency");
  EXPECT_EQ(log->entries[0].start, Duration{0});
  EXPECT_EQ(log->entries[0].length, Duration{1s});
  EXPECT_EQ(log->entries[0].histogram, latencies);
  EXPECT_EQ(log->entries[1].tag, "");
  EXPECT_EQ(log->entries[1].start, Duration{1s});
  EXPECT_EQ(log->entries[1].histogram, hundreds());
}

// The ways in which logs of other tools give their times.
TEST(histogram_log, intervals_are_placed_since_the_start_time) {
  auto const entry = [](std::string_view time) { return fmt::format("{},1.000,0.250,{}\r\n", time, three_values); };
  for (std::string const& text :
       {"#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 08:24:39 PDT 2015]\n" + entry("2.500"),
        "#[StartTime: 1441812279.474 (seconds since epoch)]\n" + entry("1441812281.974"),
        "#[StartTime: 1441812279.474]\n#[BaseTime: 1441812280.474]\n" + entry("1.500"),
        "#[StartTime:   1441812279.474 (seconds since epoch)]\n\n" + entry("    2.500")}) {
    auto const log = read(text);
    ASSERT_TRUE(log) << to_string(log.error());
    EXPECT_EQ(log->start_time, start) << text;
    ASSERT_EQ(log->entries.size(), 1U) << text;
    EXPECT_EQ(log->entries[0].start, Duration{2'500ms}) << text;
  }
  auto const no_start = read(entry("1441812279.474") + entry("1441812280.474"));
  ASSERT_TRUE(no_start);
  EXPECT_EQ(no_start->start_time, start);
  EXPECT_EQ(no_start->entries[1].start, Duration{1s});
}

TEST(histogram_log, an_empty_log_has_no_entries) {
  auto const log = read("");
  ASSERT_TRUE(log);
  EXPECT_TRUE(log->entries.empty());
}

TEST(histogram_log, names_the_line_that_cannot_be_read) {
  std::string const good = fmt::format("0.0,1.0,0.25,{}\n", three_values);
  for (std::string const& bad :
       {std::string{"what is this"}, std::string{"1.0,1.0,0.25,HISTF"}, std::string{"1.0,1.0,0.25"},
        fmt::format("one,1.0,0.25,{}", three_values), fmt::format("1.0,-1.0,0.25,{}", three_values),
        fmt::format("1.0,1.0x,0.25,{}", three_values), fmt::format("1.0,nan,0.25,{}", three_values),
        fmt::format("Tag=a,b,1.0,1.0,0.25,{}", three_values)}) {
    auto const log = read("# comment\n" + good + bad + "\n" + good);
    ASSERT_FALSE(log) << bad;
    EXPECT_EQ(log.error().kind, ErrorKind::broken_protocol);
    EXPECT_THAT(log.error().detail, testing::HasSubstr("line 3")) << bad;
  }
  for (auto const* time : {"1e300", "-1e300", "1e12"}) {
    EXPECT_FALSE(read(good + fmt::format("{},1.0,0.25,{}\n", time, three_values))) << time;
    EXPECT_FALSE(read(fmt::format("#[StartTime: {} (seconds since epoch)]\n", time) + good)) << time;
  }
}

TEST(histogram_log, refuses_a_tag_that_would_break_the_line) {
  std::ostringstream out;
  HistogramLogWriter writer{out, start};
  for (auto const* tag : {"a,b", "a b", "a\nb"}) {
    EXPECT_THROW(writer.write({tag, 0s, 1s, hundreds()}), std::invalid_argument);
  }
}

}  // namespace
}  // namespace assay
