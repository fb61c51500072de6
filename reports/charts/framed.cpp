#include "reports/charts/chart.hpp"
#include "reports/page/markup.hpp"

#include <fmt/format.h>

#include <sstream>

namespace assay {
namespace {

constexpr int margin = 24;
constexpr int title_px = 17;
constexpr int text_px = 13;
constexpr int line_px = 19;
constexpr double character_px = text_px * 0.56;  // DejaVu Sans, on average over English text

std::vector<std::string> wrapped(std::string const& text, std::size_t columns) {
  std::vector<std::string> lines(1);
  std::istringstream words{text};
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > columns) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string text_line(int y, int px, std::string_view weight, std::string_view color, std::string const& text) {
  return fmt::format(
      R"(<text x="{}" y="{}" font-family="DejaVu Sans" font-size="{}" font-weight="{}" fill="{}">{}</text>)", margin, y,
      px, weight, color, escape_markup(text));
}

}  // namespace

std::string framed(Chart const& chart, std::string_view svg) {
  auto const lines = wrapped(chart.takeaway, static_cast<std::size_t>(chart.width / character_px));
  int const head = margin + title_px + 8 + line_px * static_cast<int>(lines.size()) + 14;
  int const width = chart.width + 2 * margin;
  int const height = head + chart.height + margin;

  auto result = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{}" height="{}">)",
      width, height);
  result += R"(<rect width="100%" height="100%" fill="#ffffff"/>)";
  result += text_line(margin + title_px - 3, title_px, "bold", "#1c2430", chart.title);
  for (std::size_t i = 0; i < lines.size(); ++i)
    result += text_line(margin + title_px + 8 + line_px * static_cast<int>(i) + text_px, text_px, "normal", "#5d6876",
                        lines[i]);
  result += fmt::format(R"(<svg x="{}" y="{}" )", margin, head);
  result += svg.substr(svg.find(' ') + 1);  // after "<svg "
  return result + "</svg>";
}

}  // namespace assay
