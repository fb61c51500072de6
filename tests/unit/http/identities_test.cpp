#include "reference_coordinator/http/identities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> mistakes_of(std::string_view json) {
  std::vector<std::string> mistakes;
  Identities::parse(json, mistakes);
  return mistakes;
}

TEST(Identities, FindsRunnersAndSubmittersByTheirTokens) {
  std::vector<std::string> mistakes;
  auto const identities = Identities::parse(
      R"({"runners":[{"token":"a-1","name":"one","tags":["x","y"]}],"submitters":[{"token":"b.2","name":"two"}]})",
      mistakes);
  ASSERT_TRUE(mistakes.empty()) << mistakes.front();
  EXPECT_EQ(identities.size(), 2U);
  Identity const* const runner = identities.find("a-1");
  ASSERT_NE(runner, nullptr);
  EXPECT_EQ(runner->name, "one");
  EXPECT_EQ(runner->role, Identity::Role::runner);
  EXPECT_EQ(runner->tags.key(), "x,y");
  ASSERT_NE(identities.find("b.2"), nullptr);
  EXPECT_EQ(identities.find("b.2")->role, Identity::Role::submitter);
  for (auto const* wrong : {"", "a-", "a-1 ", "A-1", "a-11"}) EXPECT_EQ(identities.find(wrong), nullptr) << wrong;
  EXPECT_EQ(identities.find(std::string(100'000, 'a')), nullptr);
}

TEST(Identities, AreCheckedWholeWithAllMistakesAtOnce) {
  EXPECT_THAT(
      mistakes_of(R"({"runners":[{"token":"t"},{"token":"t t","name":"b"},7,{"token":"u","name":"c d"}],)"
                  R"("submitters":[{"token":"v","name":"e","tags":[]}],"x":1})"),
      ElementsAre("runners[0].name: missing", HasSubstr("runners[1].token: 1 to 256 letters"),
                  "runners[2]: an object is expected, found 7", HasSubstr("runners[3].name: 1 to 128 printable"),
                  HasSubstr("submitters[0].\"tags\": unknown key"), HasSubstr("\"x\": unknown key")));
}

TEST(Identities, NamesAndTokensAreUniqueAndNoTokenIsQuoted) {
  EXPECT_THAT(mistakes_of(R"({"runners":[{"token":"secret","name":"a"},{"token":"secret","name":"b"}],)"
                          R"("submitters":[{"token":"other","name":"a"}]})"),
              ElementsAre("runners[1].token: the same as that of \"a\"", "submitters[0].name: \"a\" is there twice"));
}

TEST(Identities, WhatIsNoObjectOrEmptyIsTold) {
  EXPECT_THAT(mistakes_of("[]"), ElementsAre("the file: an object is expected, found an array"));
  EXPECT_THAT(mistakes_of("{"), ElementsAre(HasSubstr("not JSON")));
  EXPECT_THAT(mistakes_of("{}"), ElementsAre("neither a runner nor a submitter is in it"));
}

}  // namespace
}  // namespace assay
