// Text in lines for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace assay {

// At most so many columns to a line, `indent` included, which opens every line but the first. A longer word stands out.
std::string wrap(std::string_view text, std::size_t columns, std::string_view indent);

}  // namespace assay
