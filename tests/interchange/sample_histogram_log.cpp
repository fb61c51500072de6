// Writes a histogram log as the harness does, of several tags and intervals, for another implementation to read:
//   sample_histogram_log <file> <seed>
// The values are those of a latency: mostly small, with a long tail, some as large as the range allows.
#include "harness/base/random.hpp"
#include "harness/histogram/histogram_log.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  using namespace assay;
  if (argc != 3) {
    std::cerr << "usage: sample_histogram_log <file> <seed>\n";
    return 2;
  }
  Random random{std::strtoull(argv[2], nullptr, 10)};
  std::ofstream out{argv[1]};
  HistogramLogWriter writer{out, std::chrono::system_clock::time_point{milliseconds{1'763'700'000'123}}, {"a sample"}};
  for (int second = 0; second < 5; ++second) {
    for (char const* tag : {"claim_latency", "dispatch_latency", ""}) {
      Histogram values;
      for (std::uint64_t n = random.below(2'000); n > 0; --n) {
        values.record(static_cast<std::int64_t>(std::exp(std::log(1e5) + random.uniform() * std::log(1e6))));
      }
      if (second == 3) values.record(values.range().highest_trackable);
      writer.write({tag, seconds{second}, seconds{1}, values});
    }
  }
  out.flush();
  return out ? 0 : 1;
}
