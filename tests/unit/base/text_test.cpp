#include "harness/base/text.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using namespace std::chrono_literals;

TEST(parse_duration, reads_every_unit) {
  EXPECT_EQ(parse_duration("30s"), Duration{30s});
  EXPECT_EQ(parse_duration("1.5s"), Duration{1500ms});
  EXPECT_EQ(parse_duration("250ms"), Duration{250ms});
  EXPECT_EQ(parse_duration("10us"), Duration{10us});
  EXPECT_EQ(parse_duration("5m"), Duration{5min});
  EXPECT_EQ(parse_duration("2h"), Duration{2h});
  EXPECT_EQ(parse_duration("0"), Duration{0});
}

TEST(parse_duration, refuses_what_is_no_duration) {
  for (auto text : {"", "5", "s", "-1s", "1 s", "1sec", "nan", "inf", "1e30h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(format_duration, is_read_back_by_parse_duration) {
  for (Duration d : {Duration{0}, Duration{30s}, Duration{1500ms}, Duration{7}, Duration{90min}, Duration{61s}}) {
    EXPECT_EQ(parse_duration(format_duration(d)), d) << format_duration(d);
  }
}

TEST(humanize, gives_three_digits_and_the_fitting_unit) {
  EXPECT_EQ(humanize(4'560us), "4.56 ms");
  EXPECT_EQ(humanize(12'340ms), "12.3 s");
  EXPECT_EQ(humanize(870us), "870 µs");
  EXPECT_EQ(humanize(Duration{0}), "0 s");
}

TEST(nearest, finds_a_typo_and_keeps_quiet_about_a_stranger) {
  std::vector<std::string> const keys{"runners", "hold", "heartbeat"};
  EXPECT_EQ(nearest("runers", keys), "runners");
  EXPECT_EQ(nearest("Heartbeet", keys), "heartbeat");
  EXPECT_EQ(nearest("zzzzzzzz", keys), std::nullopt);
}

}  // namespace
}  // namespace assay
