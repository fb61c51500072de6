#include "reports/charts/chart_renderer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// One heap for all cases: loading ECharts is the slow part, and a renderer must survive whatever one chart did.
ChartRenderer& renderer() {
  static ChartRenderer shared;
  return shared;
}

boost::json::value latency_chart() {
  return boost::json::parse(R"({
    "xAxis": {"type": "log", "min": 8, "max": 600},
    "yAxis": {"type": "log", "axisLabel": {"formatter": "fn:duration"}, "min": 0.1, "max": 10000},
    "legend": {"data": ["p99 <i>&"]},
    "series": [
      {"type": "line", "name": "p99 <i>&", "color": "color:strong", "data": [[10, 4], [50, 5], [100, 7], [500, 20]],
       "markLine": {"data": [{"yAxis": 5000}], "lineStyle": {"color": "color:limit"}}},
      {"type": "custom", "renderItem": "fn:whisker", "data": [[10, 3, 6], [500, 15, 40]]}]})");
}

std::uint32_t big_endian(std::string const& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

TEST(ChartRenderer, DrawsSvgWithResolvedFunctionsAndColours) {
  auto svg = renderer().svg("latency", latency_chart(), 640, 400);
  EXPECT_THAT(svg, StartsWith("<svg width=\"640\" height=\"400\""));
  EXPECT_THAT(svg, HasSubstr("100 ms"));   // a label made by fn:duration
  EXPECT_THAT(svg, HasSubstr("#b42318"));  // color:limit
  EXPECT_THAT(svg, Not(HasSubstr("fn:")));
  EXPECT_THAT(svg, Not(HasSubstr("color:limit")));
}

TEST(ChartRenderer, EscapesTextInSvg) {
  auto svg = renderer().svg("latency", latency_chart(), 640, 400);
  EXPECT_THAT(svg, HasSubstr("p99 &lt;i&gt;&amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("<i>")));
}

TEST(ChartRenderer, IsDeterministic) {
  ChartRenderer first;
  ChartRenderer second;
  auto picture = [](ChartRenderer& r) { return png("latency", r.svg("latency", latency_chart(), 640, 400)); };
  EXPECT_EQ(picture(first), picture(second));
}

TEST(ChartRenderer, UnknownFunctionNamesTheChartAndTheFunction) {
  try {
    renderer().svg("cpu", boost::json::parse(R"({"yAxis": {"axisLabel": {"formatter": "fn:nonsense"}}})"), 300, 200);
    FAIL() << "an unknown function was accepted";
  } catch (ChartError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("chart cpu: "));
    EXPECT_THAT(error.what(), HasSubstr("nonsense"));
  }
}

TEST(ChartRenderer, AnErrorInsideEChartsIsThrownAndTheNextChartStillDraws) {
  auto no_axis = boost::json::parse(R"({"xAxis": {}, "series": [{"type": "line", "data": [1]}]})");
  EXPECT_THROW(renderer().svg("broken", no_axis, 300, 200), ChartError);
  EXPECT_THAT(renderer().svg("latency", latency_chart(), 640, 400), StartsWith("<svg"));
}

TEST(ChartRenderer, TooDeepAnOptionIsAnErrorNotACrash) {
  boost::json::value deep = 1;
  for (int i = 0; i < 20'000; ++i) {
    boost::json::array shell;
    shell.push_back(std::move(deep));
    deep = std::move(shell);
  }
  boost::json::object option;
  option["xAxis"] = std::move(deep);
  EXPECT_THROW(renderer().svg("deep", std::move(option), 300, 200), ChartError);
}

TEST(Png, HasTheScaledSizeAndTheSignature) {
  auto bytes = png("latency", renderer().svg("latency", latency_chart(), 640, 400), 2.0);
  EXPECT_EQ(bytes.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(big_endian(bytes, 16), 1280u);
  EXPECT_EQ(big_endian(bytes, 20), 800u);
}

TEST(Png, RefusesWhatIsNotSvg) {
  EXPECT_THROW(png("x", "not a picture"), ChartError);
  EXPECT_THROW(png("x", ""), ChartError);
}

}  // namespace
}  // namespace assay
