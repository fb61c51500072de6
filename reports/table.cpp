#include "reports/table.hpp"

#include <cctype>

namespace assay {
namespace {

std::string_view css_class(Mark mark) {
  switch (mark) {
    case Mark::good: return "good";
    case Mark::bad: return "bad";
    case Mark::unsure: return "unsure";
    case Mark::none: break;
  }
  return "";
}

}  // namespace

Markup to_html(Table const& table) {
  Markup head;
  for (auto const& column : table.columns)
    head += element("th", {{"scope", "col"}, {"class", column.number ? "number" : ""}}, {column.heading});
  Markup body;
  for (auto const& row : table.rows) {
    Markup cells;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      // The first column names the row, also for a screen reader.
      auto const kind = table.columns[i].number ? "number" : "";
      cells += i == 0 ? element("th", {{"scope", "row"}, {"class", kind}}, {row.cells[i]})
                      : element("td", {{"class", kind}}, {row.cells[i]});
    }
    body += element("tr", {{"class", css_class(row.mark)}}, {cells});
  }
  // A focusable scroller, so that a wide table can be read on a phone and by keyboard; the caption stays in view.
  return element(
      "div", {{"class", "table"}},
      {element("p", {{"class", "caption"}}, {table.caption}),
       element("div", {{"class", "scroller"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", table.caption}},
               {element("table", {{"aria-label", table.caption}},
                        {element("thead", {element("tr", {head})}), element("tbody", {body})})})});
}

std::string escape_markdown(std::string_view text) {
  auto const letter = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    bool const special = std::string_view{"\\`*<|"}.find(c) != std::string_view::npos ||
                         (c == '_' && !(i > 0 && letter(i - 1) && letter(i + 1))) ||  // within a word it means nothing
                         (c == ']' && i + 1 < text.size() && (text[i + 1] == '(' || text[i + 1] == '['));
    if (special) result += '\\';
    result += c == '\n' || c == '\r' ? ' ' : c;
  }
  return result;
}

std::string to_markdown(Table const& table) {
  std::string result{"|"};
  for (auto const& column : table.columns) result += ' ' + escape_markdown(column.heading) + " |";
  result += "\n|";
  for (auto const& column : table.columns) result += column.number ? " ---: |" : " --- |";
  result += '\n';
  for (auto const& row : table.rows) {
    result += '|';
    for (auto const& cell : row.cells) result += ' ' + escape_markdown(cell) + " |";
    result += '\n';
  }
  return result;
}

}  // namespace assay
