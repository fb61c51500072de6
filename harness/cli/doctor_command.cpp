#include "harness/base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/doctor/examination.hpp"
#include "harness/experiment/coordinator_process.hpp"
#include "harness/measure/host_stats.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace assay {

namespace {

namespace json = boost::json;

std::string us_at(Histogram const& nanoseconds, double q) {
  return humanize(Duration{nanoseconds.value_at_quantile(q)});
}

void print_findings(Findings const& f) {
  auto const host = read_host_facts();
  fmt::print("machine      {:g} usable CPUs of {}, Linux {}\n", host.usable_cpus.value_or(0),
             host.cpu_model.value_or("an unknown kind"), host.kernel.value_or("unknown"));
  fmt::print("clock        resolution {}, smallest step seen {}, {:.0f} ns to read\n", humanize(f.clock.resolution),
             humanize(f.clock.step), f.clock.reading_ns);
  fmt::print("noise        {:.2f} % of a busy thread's time went elsewhere, at most {} at once; steal {}\n",
             100 * f.noise.lost_share(), humanize(f.noise.longest),
             f.noise.steal_share ? fmt::format("{:.1f} %", 100 * *f.noise.steal_share) : "unknown");
  auto const& late = f.idle_loop.lateness;
  fmt::print("event loop   idle, wakes up {} late (p50), {} (p99), {} at worst\n", us_at(late, 0.5), us_at(late, 0.99),
             humanize(f.idle_loop.longest));
  for (auto const& latency : f.latencies) {
    fmt::print(
        "latency      asked {:>7}: took {:.3f} / {:.3f} ms (p50 / p99), measured {:.3f} / {:.3f} ms, error {:+.3f} / "
        "{:+.3f} ms\n",
        humanize(latency.asked), latency.truth_p50_ms, latency.truth_p99_ms, latency.measured_p50_ms,
        latency.measured_p99_ms, latency.error_p50_ms(), latency.error_p99_ms());
  }
  fmt::print("rate         {:.0f} runs/s, {:.0f} requests/s; {:.2f} cores the generator, {:.2f} the null coordinator\n",
             f.rate.runs_per_s, f.rate.requests_per_s, f.rate.generator_cores, f.rate.coordinator_cores);
  fmt::print(
      "parked       {} runners in {}; {:.1f} + {:.1f} KiB each, {:.3f} + {:.3f} cores when idle (generator + null "
      "coordinator)\n",
      f.parked.parked, humanize(f.parked.connecting), f.parked.generator_kib_per_runner,
      f.parked.coordinator_kib_per_runner, f.parked.generator_cores, f.parked.coordinator_cores);
}

void print_diagnosis(Diagnosis const& diagnosis) {
  fmt::print("\nOn this machine, with this build, now, can be trusted:\n");
  for (auto const& line : diagnosis.trust) fmt::print("  {} {}\n", line.good ? "yes" : "NO ", line.text);
  fmt::print("\nThe scenarios here, as far as the generator goes:\n");
  for (auto const& line : diagnosis.scenarios) fmt::print("  {} {}\n", line.good ? "yes" : "NO ", line.text);
}

json::object to_json(LatencyFinding const& latency) {
  return {{"asked_ms", to_ms(latency.asked)},           {"n", latency.n},
          {"truth_p50_ms", latency.truth_p50_ms},       {"truth_p99_ms", latency.truth_p99_ms},
          {"measured_p50_ms", latency.measured_p50_ms}, {"measured_p99_ms", latency.measured_p99_ms},
          {"error_p50_ms", latency.error_p50_ms()},     {"error_p99_ms", latency.error_p99_ms()},
          {"failed_guards", latency.complaint}};
}

json::array to_json(std::vector<Diagnosis::Line> const& lines) {
  json::array array;
  for (auto const& line : lines) array.push_back({{"good", line.good}, {"text", line.text}});
  return array;
}

json::object to_json(Findings const& f, Diagnosis const& diagnosis) {
  json::array latencies;
  for (auto const& latency : f.latencies) latencies.push_back(to_json(latency));
  json::object noise{{"lost_share", f.noise.lost_share()}, {"longest_gap_ms", to_ms(f.noise.longest)}};
  if (f.noise.steal_share) noise["steal_share"] = *f.noise.steal_share;
  auto const& late = f.idle_loop.lateness;
  return {{"fit", diagnosis.fit},
          {"clock",
           {{"resolution_ns", f.clock.resolution.count()},
            {"step_ns", f.clock.step.count()},
            {"reading_ns", f.clock.reading_ns},
            {"backward", f.clock.backward}}},
          {"noise", std::move(noise)},
          {"idle_loop",
           {{"late_p50_us", static_cast<double>(late.value_at_quantile(0.5)) / 1e3},
            {"late_p99_us", static_cast<double>(late.value_at_quantile(0.99)) / 1e3},
            {"late_max_us", to_us(f.idle_loop.longest)}}},
          {"latencies", std::move(latencies)},
          {"rate",
           {{"runs_per_s", f.rate.runs_per_s},
            {"requests_per_s", f.rate.requests_per_s},
            {"generator_cores", f.rate.generator_cores},
            {"null_coordinator_cores", f.rate.coordinator_cores},
            {"failed_at_runs_per_s", f.rate.failed_at},
            {"limited_by", f.rate.limited_by}}},
          {"parked",
           {{"asked", f.parked.asked},
            {"runners", f.parked.parked},
            {"connecting_s", to_seconds(f.parked.connecting)},
            {"generator_kib_per_runner", f.parked.generator_kib_per_runner},
            {"null_coordinator_kib_per_runner", f.parked.coordinator_kib_per_runner},
            {"generator_cores", f.parked.generator_cores},
            {"null_coordinator_cores", f.parked.coordinator_cores},
            {"failure", f.parked.failure}}},
          {"trust", to_json(diagnosis.trust)},
          {"scenarios", to_json(diagnosis.scenarios)}};
}

}  // namespace

int doctor_command(std::filesystem::path const& scenarios, bool quick, bool json_wanted) {
  std::vector<std::string> backends;
  for (auto const& backend : known_backends(coordinator_program())) backends.push_back(backend.name);
  auto const demands = demands_of(scenarios, backends);  // mistakes first, before anybody waits
  auto const findings = examine(!quick, [](std::string_view what) { fmt::print(stderr, "examining {}\n", what); });
  auto const diagnosis = diagnose(findings, demands);
  if (json_wanted) {
    fmt::print("{}\n", json::serialize(to_json(findings, diagnosis)));
  } else {
    print_findings(findings);
    print_diagnosis(diagnosis);
  }
  return static_cast<int>(diagnosis.fit ? ExitStatus::pass : ExitStatus::inconclusive);
}

}  // namespace assay
