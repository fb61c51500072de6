// What a histogram costs. The promise (docs and issue): record() takes at most 15 ns; the rest runs once a second or
// less.
#include "harness/base/random.hpp"
#include "harness/histogram/codec.hpp"
#include "harness/histogram/histogram.hpp"

#include <benchmark/benchmark.h>

namespace assay {
namespace {

// Claim latencies as trials see them, exponential around 2 ms with a tail of seconds; drawn beforehand, so that only
// the histogram is measured. Enough of them that no branch predictor learns them.
std::vector<std::int64_t> const& latencies() {
  static auto const values = [] {
    Random random{42};
    std::vector<std::int64_t> drawn(1 << 16);
    for (auto& value : drawn) {
      double const mean = random.below(100) == 0 ? 1e9 : 2e6;
      value = static_cast<std::int64_t>(random.exponential(mean));
    }
    return drawn;
  }();
  return values;
}

Histogram const& filled() {
  static auto const histogram = [] {
    Histogram recorded;
    for (auto value : latencies()) recorded.record(value);
    return recorded;
  }();
  return histogram;
}

void record(benchmark::State& state) {
  auto const& values = latencies();
  Histogram histogram;
  std::size_t next = 0;
  for (auto _ : state) {
    histogram.record(values[next++ & (values.size() - 1)]);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(record);

void merge(benchmark::State& state) {
  Histogram sum;
  for (auto _ : state) {
    sum.add(filled());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(merge)->Unit(benchmark::kMicrosecond);

void snapshot_and_difference(benchmark::State& state) {
  Histogram const earlier = filled();
  Histogram later = earlier;
  later.add(earlier);
  for (auto _ : state) {
    Histogram snapshot = later;
    benchmark::DoNotOptimize(snapshot.since(earlier));
  }
}
BENCHMARK(snapshot_and_difference)->Unit(benchmark::kMicrosecond);

void quantile_p99(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(filled().value_at_quantile(0.99));
}
BENCHMARK(quantile_p99)->Unit(benchmark::kMicrosecond);

void encode_to_base64(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) {
    auto const text = encode(filled());
    benchmark::DoNotOptimize(size = text.size());
  }
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK(encode_to_base64)->Unit(benchmark::kMicrosecond);

void decode_from_base64(benchmark::State& state) {
  auto const text = encode(filled());
  for (auto _ : state) benchmark::DoNotOptimize(decode(text));
}
BENCHMARK(decode_from_base64)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace assay
