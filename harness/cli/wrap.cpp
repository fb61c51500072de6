#include "harness/cli/wrap.hpp"

#include "harness/base/text.hpp"

namespace assay {

std::string wrap(std::string_view text, std::size_t columns, std::string_view indent) {
  std::string result;
  std::size_t column = 0;
  for (auto const& word : split(text, ' ')) {
    std::size_t const length = columns_of(word);
    if (column != 0 && column + 1 + length > columns) {
      result += '\n';
      result += indent;
      column = indent.size();
    } else if (column != 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
  }
  return result;
}

}  // namespace assay
