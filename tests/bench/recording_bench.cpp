// What recording costs: the same fleet on the same null coordinator with and without it, in turn. `ratio` is the
// requests per second of the generator's own CPU with everything recorded (histograms, run events, ages for the
// display), over those with nothing but counts; it must stay above 0.95. CPU time, not elapsed time, so that the
// figures hold on a busy machine. Each repetition is a pair, and which one comes first alternates.
#include "harness/null_coordinator/null_coordinator_process.hpp"
#include "simulated_runners/fleet.hpp"

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace assay {
namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Awaitable<void> trial(Fleet& fleet, Clock const& clock, double& cpu) {
  auto const connected = co_await fleet.connect(clock.now() + seconds{10});
  if (!connected) throw std::runtime_error{to_string(connected.error())};
  double const before = cpu_seconds();
  co_await fleet.run();
  cpu = cpu_seconds() - before;
  co_await fleet.stop();
}

// Requests per CPU second: whole lives of runs, from submission to report.
double requests_per_cpu_s(NullCoordinatorProcess const& coordinator, Recorder::Keep keep, Duration how_long) {
  constexpr int runners = 64;
  constexpr double runs_per_second = 6000;
  SystemClock clock;
  FleetPlan plan;
  plan.runners = runners;
  plan.runs_per_second = runs_per_second;
  plan.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{1}, 1.0};
  plan.seed = 1;
  plan.identities = make_identities(plan.fleet, runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.coordinators = {{asio::ip::address_v4::loopback(), coordinator.port()}};
  plan.start = clock.now() + milliseconds{50};
  plan.measure = how_long;
  Recorder recorder{{plan.start, plan.start + plan.measure}, keep};
  asio::io_context context{1};
  Fleet fleet{context, clock, plan, recorder};
  double cpu = 0;
  asio::co_spawn(context, trial(fleet, clock, cpu), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
  double requests = 0;
  for (int operation = 0; operation < operation_count; ++operation) {
    for (auto const n : recorder.operation(static_cast<Operation>(operation)).fates_total) {
      requests += static_cast<double>(n);
    }
  }
  return requests / cpu;
}

void recording(benchmark::State& state) {
  static bool recorded_first = false;
  NullCoordinatorProcess const coordinator{{}};
  for (auto _ : state) {
    recorded_first = !recorded_first;
    auto const measured = [&](Recorder::Keep keep) {
      return requests_per_cpu_s(coordinator, keep, milliseconds{state.range(0)});
    };
    double on = recorded_first ? measured(Recorder::Keep::everything) : 0;
    double const off = measured(Recorder::Keep::counts);
    if (!recorded_first) on = measured(Recorder::Keep::everything);
    state.counters["recorded_per_cpu_s"] = on;
    state.counters["unrecorded_per_cpu_s"] = off;
    state.counters["ratio"] = on / off;
  }
}

double smallest(std::vector<double> const& values) { return *std::min_element(values.begin(), values.end()); }
double largest(std::vector<double> const& values) { return *std::max_element(values.begin(), values.end()); }

// Milliseconds of each trial; the short ones only show that it runs.
BENCHMARK(recording)
    ->Arg(50)
    ->Arg(1000)
    ->Iterations(1)
    ->Repetitions(10)
    ->ReportAggregatesOnly()
    ->Unit(benchmark::kMillisecond)
    ->ComputeStatistics("min", smallest)
    ->ComputeStatistics("max", largest);

}  // namespace
}  // namespace assay
