// Other series beside the assessed one, for the terminal: a heading with the figure and the assessed series' own, then
// a line each. Of more than `lines_of_comparisons` the best and the worst few; the report has them all.
#pragma once

#include "harness/assess/assessment.hpp"

#include <cstddef>
#include <string>

namespace assay {

inline constexpr std::size_t lines_of_comparisons = 8;  // under each heading

// Empty where there is nothing to compare; else begins with an empty line. `series_width`: columns, as in the table of
// trials above.
std::string comparison_lines(Assessment const& assessment, std::size_t series_width);

}  // namespace assay
