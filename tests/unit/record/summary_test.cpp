#include "harness/record/summary.hpp"

#include "harness/base/error.hpp"
#include "tests/unit/record/random_assessment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::HasSubstr;

std::string refusal(std::string const& text) {
  try {
    parse_summary(text, "summary.json");
  } catch (Failure const& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::bad_input);
    return failure.what();
  }
  return "accepted";
}

std::string with(std::string text, std::string const& what, std::string const& instead) {
  auto const at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

TEST(summary, comes_back_exactly_as_it_was) {
  auto const seed = random_seed();
  for (std::uint64_t i = 0; i < 200; ++i) {
    auto random = Random::stream(seed, "assessment", i);
    auto const assessment = random_assessment(random);
    auto const text = summary_text(assessment);
    auto read = parse_summary(text, "summary.json");
    ASSERT_EQ(read.trials.size(), assessment.trials.size());
    for (std::size_t t = 0; t < read.trials.size(); ++t) {
      EXPECT_TRUE(read.trials[t].timeline.empty());
      read.trials[t].timeline = assessment.trials[t].timeline;
    }
    ASSERT_TRUE(same(read, assessment)) << "seed " << seed << " stream " << i << '\n' << text;
    ASSERT_EQ(summary_text(read), text) << "seed " << seed << " stream " << i;
  }
}

TEST(summary, keeps_numbers_bit_for_bit) {
  Assessment assessment;
  assessment.trials.resize(1);
  for (double value : {0.1, 1.0 / 3, 6.02214076e23, 5e-324, 1.7976931348623157e308, 123456789012345678.0, 4.35}) {
    assessment.trials[0].measured_s = value;
    EXPECT_EQ(parse_summary(summary_text(assessment), "x").trials[0].measured_s, value);
  }
  assessment.seed = ~std::uint64_t{0};
  EXPECT_EQ(parse_summary(summary_text(assessment), "x").seed, ~std::uint64_t{0});
}

TEST(summary, is_laid_out_for_people) {
  Assessment assessment;
  assessment.trials.resize(1);
  assessment.trials[0].claim_latency.p99 = {.value = 4.5, .low = 4.25, .high = {}};
  EXPECT_THAT(summary_text(assessment), HasSubstr("\n        \"p99\": {\"value\": 4.5, \"low\": 4.25},\n"));
}

TEST(summary, of_another_schema_version_is_refused_by_name) {
  auto const text = with(summary_text({}), "\"schema_version\": 1", "\"schema_version\": 99");
  EXPECT_EQ(refusal(text), "summary.json: schema version 99; this assay reads version 1: use the assay that wrote it");
  EXPECT_THAT(refusal("{}"), HasSubstr("no schema_version"));
}

TEST(summary, without_comparisons_is_one_that_has_them_among_the_reasons_and_opens) {
  Assessment assessment;
  assessment.verdict.reasons = {{.criterion = "comparison", .source_text = {}, .text = "memory at 10 runners: …"}};
  auto const text = summary_text(assessment);
  EXPECT_EQ(text.find("comparisons"), std::string::npos);
  auto const read = parse_summary(text, "summary.json");
  EXPECT_FALSE(read.verdict.comparisons);
  EXPECT_EQ(read.verdict.reasons.at(0).criterion, "comparison");
  assessment.verdict.comparisons.emplace();
  EXPECT_TRUE(parse_summary(summary_text(assessment), "summary.json").verdict.comparisons);
}

TEST(summary, that_is_damaged_says_where) {
  Assessment assessment;
  assessment.trials.resize(2);
  auto const text = summary_text(assessment);
  EXPECT_THAT(refusal(text.substr(0, text.size() / 2)), HasSubstr("incomplete JSON"));
  EXPECT_THAT(refusal("{\n\"a\": 1,\n\"b\": x}"), HasSubstr("line 3"));
  EXPECT_THAT(refusal(with(text, "\"busy_share\": 0,", "")), HasSubstr("trials[0].busy_share: missing"));
  EXPECT_THAT(refusal(with(text, "\"busy_share\": 0", "\"busy_share\": \"much\"")),
              HasSubstr("trials[0].busy_share: not a number"));
  EXPECT_THAT(refusal(with(text, "\"runners\": 0", "\"runners\": 3000000000")),
              HasSubstr("trials[0].runners: not a whole number in range"));
  EXPECT_THAT(refusal(with(text, "\"wall_s\": 0", "\"wall_s\": 0, \"wal_s\": 1")), HasSubstr("wal_s: unknown"));
  EXPECT_THAT(refusal(with(text, "\"inconclusive\"", "\"perhaps\"")),
              HasSubstr("verdict.decision: \"perhaps\" is none of not_needed consider needed inconclusive"));
  EXPECT_THAT(refusal(text + "x"), HasSubstr("extra data"));
  EXPECT_THAT(refusal("[]"), HasSubstr("not an object"));
}

}  // namespace
}  // namespace assay
