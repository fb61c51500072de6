// Histograms as text: HdrHistogram's V2 compressed encoding in base64 ("HISTF..."), the same bytes the Java
// implementation writes, for /stats answers, results folders and .hlog files (histogram_log.hpp).
//
// The encoding has no place for values outside the range: whoever stores a histogram stores out_of_range() beside it.
#pragma once

#include "harness/base/error.hpp"
#include "harness/histogram/histogram.hpp"

#include <string>
#include <string_view>

namespace assay {

// "HISTF…". Leaves out below_range() and above_range().
std::string encode(Histogram const& histogram);

// Reads what any HdrHistogram implementation wrote in V2 compressed form; V0, V1, DoubleHistogram and shifted
// histograms are refused. Truncated, damaged or absurd input gives broken_protocol. Memory is bounded by the counts
// that are really there (49 MiB for five digits over 63 bits), whatever lengths the input claims.
Result<Histogram> decode(std::string_view base64);

}  // namespace assay
