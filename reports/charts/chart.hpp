// The charts of a report, each defined once: an ECharts option as JSON that the page embeds and the renderer draws.
// Each says in one sentence, computed from the data, what there is to see. To add one: a function here, a line in
// charts_of(), and its place in page/sections.cpp.
#pragma once

#include "harness/assess/assessment.hpp"

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Chart {
  std::string id;        // "claim-latency": its picture's name and its place in the page
  std::string title;     // what is drawn
  std::string takeaway;  // what is seen, one sentence with figures
  std::string
      alternative;  // for those who cannot see it: kinds of marks and axes; the figures are in a table next to it
  boost::json::value option;
  int width = 880, height = 420;  // of the picture, CSS pixels; in the page only the height counts
};

// The chart as a picture of its own: title and takeaway above `svg`, which a ChartRenderer made of it.
std::string framed(Chart const& chart, std::string_view svg);

// A chart is absent where nothing was measured that it could show.
std::optional<Chart> claim_latency_chart(Assessment const& assessment);
std::optional<Chart> claim_latency_by_trial_chart(Assessment const& assessment);  // the same where there are variants
std::optional<Chart> call_latency_chart(Assessment const& assessment);            // only for variants of a closed loop
std::optional<Chart> throughput_chart(Assessment const& assessment);              // only where there are variants
std::optional<Chart> latency_parts_chart(Assessment const& assessment);
std::optional<Chart> cpu_chart(Assessment const& assessment);
std::optional<Chart> store_latency_chart(Assessment const& assessment);
std::optional<Chart> pending_writes_chart(Assessment const& assessment);
std::optional<Chart> failed_claims_chart(Assessment const& assessment);
std::optional<Chart> requests_chart(Assessment const& assessment);
std::optional<Chart> timeline_chart(Assessment const& assessment);

// All of the above that exist, in the order of the page.
std::vector<Chart> charts_of(Assessment const& assessment);

}  // namespace assay
