#include "harness/assess/guards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace assay {
namespace {

using State = Guard::State;

constexpr std::array<std::string_view, 5> essential{"achieved_rate", "generator_cpu", "schedule_lag", "loop_stalls",
                                                    "books"};

Guard at_most(std::string name, std::string rule, std::optional<double> measured, double bound, std::string detail) {
  Guard guard{.name = std::move(name),
              .rule = std::move(rule),
              .state = State::not_available,
              .measured = 0,
              .bound = bound,
              .detail = std::move(detail)};
  if (measured) {
    guard.measured = *measured;
    // Written so that a NaN fails.
    guard.state = *measured <= bound ? State::passed : State::failed;
  }
  return guard;
}

Guard achieved(InstrumentFigures const& f) {
  Guard guard{.name = "achieved_rate",
              .rule = "at least 0.99 of the offered submissions are started",
              .state = State::not_available,
              .measured = 0,
              .bound = 0.99,
              .detail = "The generator did not offer the load that the scenario asks for."};
  if (f.achieved_share) {
    guard.measured = *f.achieved_share;
    guard.state = *f.achieved_share >= guard.bound ? State::passed : State::failed;
  }
  return guard;
}

Guard schedule_lag(InstrumentFigures const& f) {
  double const bound = std::max(1.0, 0.05 * f.dispatch_p99_ms.value_or(0));
  return at_most("schedule_lag", "p99 at most 1 ms or 5 % of dispatch latency p99, whichever is more",
                 f.schedule_lag_p99_ms, bound, "The generator was late by a part of what it measures.");
}

Guard books(InstrumentFigures const& f) {
  std::optional<double> off;
  if (f.books_balance) off = *f.books_balance ? 0 : 1;
  return at_most("books", "offered = started + shed; started = succeeded + failed + abandoned + in flight", off, 0,
                 "Requests went missing inside the generator: every figure is in doubt.");
}

Guard clocks(InstrumentFigures const& f) {
  double const gate = f.gate_ms.value_or(0);
  // Without a bound there is nothing to take a tenth of: then only the same clock will do.
  return at_most("clock_error", "at most a tenth of the smallest latency bound", f.clock_error_ms, 0.1 * gate,
                 "The coordinator's clock is not the generator's: times that cross between them mean nothing.");
}

Guard stationary(InstrumentFigures const& f) {
  constexpr double share = 0.25, floor_ms = 1;
  Guard guard{
      .name = "stationary",
      .rule = "the second half's latency differs by no more than 25 % or 1 ms from the first's, with 95 % confidence",
      .state = State::not_available,
      .measured = 0,
      .bound = floor_ms,
      .detail = "The measured phase has a trend: a longer warm-up or a longer phase is needed."};
  if (f.dispatch_halves) {
    auto const& halves = *f.dispatch_halves;
    auto const& change = halves.change;
    // How much the change is at least, whichever way it goes; 0 when it may be none.
    double const certain = std::max({0.0, change.low.value_or(0), -change.high.value_or(0)});
    guard.measured = certain;
    guard.bound = std::max(floor_ms, share * std::abs(halves.first));
    guard.state = certain <= guard.bound ? State::passed : State::failed;
  }
  return guard;
}

// Of these there is nothing to say in such a trial; they are not listed then.
bool applies(Guard const& guard, InstrumentFigures const& f) {
  bool const about_cpus = guard.name == "generator_cpu" || guard.name == "cpu_pressure" || guard.name == "loop_stalls";
  if (f.in_process && about_cpus) return false;
  return f.scheduled || guard.name != "schedule_lag";
}

}  // namespace

std::vector<Guard> judge_instrument(InstrumentFigures const& f) {
  std::optional<double> outside;
  if (f.out_of_range) outside = static_cast<double>(*f.out_of_range);
  std::vector<Guard> guards{
      achieved(f),
      at_most("generator_cpu", "at most 80 % of the cores the generator may use", f.generator_cpu_share, 0.80,
              "The generator was the bottleneck: it measured itself."),
      schedule_lag(f),
      at_most("loop_stalls", "at most one stall of the generator's loop above 10 ms a minute", f.loop_stalls_per_minute,
              1, "The generator stood still while time went by."),
      books(f),
      at_most("steal", "at most 2 % of CPU time stolen by other virtual machines", f.steal_share, 0.02,
              "The machine was not ours alone."),
      at_most("cpu_pressure", "at most 90 % of the time with a task waiting for a CPU", f.cpu_pressure_share, 0.90,
              "Programs stood in line for the CPUs all along: every latency has some of that in it."),
      at_most("memory_pressure", "at most 2 % of the time with a task waiting for memory", f.memory_pressure_share,
              0.02, "The machine was short of memory."),
      at_most("throttled", "at most 2 % of the time throttled by a CPU quota", f.throttled_share, 0.02,
              "A CPU quota held the programs back."),
      at_most("descriptors", "at most 90 % of the file descriptors the process may open", f.descriptors_share, 0.90,
              "Connections were about to be refused for lack of descriptors."),
      at_most("ports", "at most 80 % of the ephemeral ports", f.ports_share, 0.80,
              "Connections were about to be refused for lack of ports."),
      at_most("out_of_range", "no value that a histogram can't hold", outside, 0,
              "Latencies below zero or above an hour: a clock or a clean-up is wrong."),
      clocks(f),
      stationary(f),
  };
  std::erase_if(guards, [&f](Guard const& guard) { return !applies(guard, f); });
  return guards;
}

bool is_essential(std::string_view guard_name) {
  return std::find(essential.begin(), essential.end(), guard_name) != essential.end();
}

}  // namespace assay
