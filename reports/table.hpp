// A table of the report, written once: as HTML in the page and as Markdown in the decision record.
#pragma once

#include "reports/page/markup.hpp"

#include <string>
#include <vector>

namespace assay {

struct Column {
  std::string heading;
  bool number = false;  // right-aligned, digits of equal width
};

// How a cell's row is to be read; said in words in the cell, the mark only helps the eye.
enum class Mark { none, good, bad, unsure };

struct Row {
  std::vector<std::string> cells;  // as many as columns
  Mark mark = Mark::none;
};

struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<Row> rows;
};

Markup to_html(Table const& table);
std::string to_markdown(Table const& table);  // without the caption; pipes and line breaks in cells are escaped

// `text` as plain text in Markdown: characters with a meaning there are escaped, line breaks become spaces.
std::string escape_markdown(std::string_view text);

}  // namespace assay
