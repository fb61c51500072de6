// Charts with a row per trial or operation on a logarithmic time axis: a bar from p50 to p99 with a dot at each end.
// What such charts share; their dots, legends and words are their own.
#pragma once

#include "reports/charts/option.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

class LatencyRows {
 public:
  void add(std::string name, double p50_ms, double p99_ms);  // both above 0: a log axis has no place for it
  void reach(double ms);                                     // the axis goes at least to here, either way

  std::size_t size() const { return names_.size(); }
  std::string const& last_name() const { return names_.back(); }
  std::int64_t last_row() const { return static_cast<std::int64_t>(names_.size()) - 1; }

  // Of at least one row. `own`: "legend", its entries, and "dots", the series at p50, at p99 and any others; the first
  // two get their data here. They become series 1, 2, … behind the bars. `top`: px for the legend.
  option::json::object option(int top, option::json::object own);

 private:
  std::vector<std::string> names_;
  option::json::array spans_, medians_, tails_;
  double lowest_ = 1e300, highest_ = 0;
};

}  // namespace assay
