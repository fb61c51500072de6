// .hlog files: one encoded histogram per interval and tag, in the text format of HistogramLogWriter.java (version 1.3),
// which HistogramLogAnalyzer, hdr-histogram-js, HdrHistogram_py and the like read, and whose files are read here.
//
// Easy to get wrong: a log holds intervals, never running totals, so that readers may add them up. What is out of range
// is not in the encoding; write_comment() is the place to say how much it was.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "harness/histogram/histogram.hpp"

#include <chrono>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct HistogramLogEntry {
  std::string tag;     // what was measured, "claim_latency"; empty: untagged. No comma, no white space
  Duration start{0};   // since the log's start time; the format keeps milliseconds
  Duration length{0};  // of the interval
  Histogram histogram{};
};

class HistogramLogWriter {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  // Writes the header. `values_per_unit` scales the column of interval maxima only, which people read: 1e6 shows
  // nanoseconds as milliseconds. `out` must outlive this; whether it could be written is its owner's question.
  HistogramLogWriter(std::ostream& out, WallTime start, std::vector<std::string> const& comments = {},
                     double values_per_unit = 1e6);

  void write(HistogramLogEntry const& entry);  // std::invalid_argument if the tag would break the line
  void write_comment(std::string_view text);

 private:
  std::ostream& out_;
  double values_per_unit_;
};

struct HistogramLog {
  std::chrono::system_clock::time_point start_time{};
  std::vector<HistogramLogEntry> entries;  // in the file's order
};

// broken_protocol names the line that cannot be read.
Result<HistogramLog> read_histogram_log(std::istream& in);

}  // namespace assay
