// What the pictures of a report cost: loading the engine once, then an SVG and a PNG per chart.
#include "reports/charts/chart.hpp"
#include "reports/charts/chart_renderer.hpp"

#include <benchmark/benchmark.h>

namespace assay {
namespace {

// As large as a real one: four levels, a minute of samples.
Assessment assessment() {
  Assessment result;
  for (int runners : {10, 50, 100, 500}) {
    TrialResult trial;
    trial.runners = runners;
    trial.backend = "postgres-batch";
    trial.books.balance = true;
    LatencyFigures latency;
    latency.n = 10'000;
    latency.p50 = {1.5, 1.4, 1.6};
    latency.p99 = {9.0, 8.0, 11.0};
    trial.claim_latency = trial.dispatch_latency = trial.claim_commit = latency;
    trial.coordinator = trial.database = trial.generator = {true, 0.3, 0.4, 300, 40, 500};
    trial.store.push_back({"claim", 10'000, 10'000, 0, latency, {}});
    trial.requests_per_minute_modelled = {{"poll", 2000.0}, {"report", 1000.0}};
    for (int second = 1; second <= 60; ++second) {
      TimelinePoint point;
      point.second = second;
      point.offered_per_s = point.received_per_s = 1000 + second % 7;
      point.claim_p50_ms = 1.5;
      point.claim_p99_ms = 9 + second % 5;
      point.phase = "measure";
      trial.timeline.push_back(point);
    }
    result.trials.push_back(std::move(trial));
  }
  return result;
}

void load_the_engine(benchmark::State& state) {
  for (auto _ : state) ChartRenderer renderer;
}
BENCHMARK(load_the_engine)->Unit(benchmark::kMillisecond);

void svg_of_a_chart(benchmark::State& state) {
  auto const chart = charts_of(assessment()).at(static_cast<std::size_t>(state.range(0)));
  state.SetLabel(chart.id);
  ChartRenderer renderer;
  for (auto _ : state) benchmark::DoNotOptimize(renderer.svg(chart.id, chart.option, chart.width, chart.height));
}
BENCHMARK(svg_of_a_chart)->DenseRange(0, 6)->Unit(benchmark::kMillisecond);

void png_of_a_chart(benchmark::State& state) {
  auto const chart = charts_of(assessment()).at(static_cast<std::size_t>(state.range(0)));
  state.SetLabel(chart.id);
  ChartRenderer renderer;
  auto const svg = framed(chart, renderer.svg(chart.id, chart.option, chart.width, chart.height));
  for (auto _ : state) benchmark::DoNotOptimize(png(chart.id, svg));
}
BENCHMARK(png_of_a_chart)->DenseRange(0, 6)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace assay
