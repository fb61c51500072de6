#include "reference_coordinator/backends/postgres/claim_plan.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace assay::postgres {

Command explain(std::string const& call) { return {"", {}, "EXPLAIN (COSTS OFF) EXECUTE " + call}; }

std::string plan_in_a_line(Rows const& explained) {
  constexpr std::array<std::string_view, 7> telling{"Sort",   "Incremental Sort", "Presorted Key",    "Index",
                                                    "Bitmap", "Seq Scan",         "Parallel Seq Scan"};
  std::string line;
  for (std::size_t row = 0; row < explained.size(); ++row) {
    std::string_view text = explained.bytes(row, 0);
    text.remove_prefix(std::min(text.find_first_not_of(" ->"), text.size()));
    bool const tells =
        std::any_of(telling.begin(), telling.end(), [&](std::string_view start) { return text.starts_with(start); });
    if (!tells) continue;
    if (!line.empty()) line += "; ";
    line += text;
  }
  return line;
}

}  // namespace assay::postgres
