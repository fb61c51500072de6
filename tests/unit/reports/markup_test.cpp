#include "reports/page/markup.hpp"

#include "reports/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Markup, TextAndAttributesAreEscapedWithoutBeingAsked) {
  std::string const evil = R"(<b a="1">&'</b>)";
  EXPECT_EQ(
      element("p", {{"title", evil}}, {evil}).str(),
      "<p title=\"&lt;b a=&quot;1&quot;&gt;&amp;&#39;&lt;/b&gt;\">&lt;b a=&quot;1&quot;&gt;&amp;&#39;&lt;/b&gt;</p>");
}

TEST(Markup, ChildrenAreNotEscapedTwice) {
  EXPECT_EQ(element("p", {element("b", {"a<b"}), "!"}).str(), "<p><b>a&lt;b</b>!</p>");
}

TEST(Markup, ControlCharactersThatXmlForbidsAreReplaced) {
  EXPECT_EQ(escape_markup(std::string_view{"a\0b\x1b[0m\tc\n", 10}),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd[0m\tc\n");
}

TEST(Markup, ScriptJsonCannotEndItsElementAndReadsBack) {
  boost::json::value const value{{"a", "</script><!-- \xe2\x80\xa8 \xe2\x80\xa9 <"}};
  auto const json = script_json(value);
  EXPECT_THAT(json, Not(HasSubstr("<")));
  EXPECT_THAT(json, Not(HasSubstr("\xe2\x80\xa8")));
  EXPECT_EQ(boost::json::parse(json), value);
}

TEST(Table, BecomesHtmlWithHeadersAndMarkdownWithEscapedCells) {
  Table const table{"Caption", {{"Name"}, {"n", true}}, {{{"a|b\nc", "1"}, Mark::bad}}};
  auto const html = to_html(table).str();
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" class=\"number\">n</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" class=\"\">a|b\nc</th>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"bad\">"));
  EXPECT_EQ(to_markdown(table), "| Name | n |\n| --- | ---: |\n| a\\|b c | 1 |\n");
}

}  // namespace
}  // namespace assay
