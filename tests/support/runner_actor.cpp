// runner_actor PORT RUNNER_TOKEN SUBMITTER_TOKEN TAG RUN_MS HEARTBEAT_MS: one real runner of the fleet in a process of
// its own, for tests that shift its wall clock. It submits one run of this tag, waits for it by long poll, works on it
// with heartbeats, reports it, and says what became of it.
#include "simulated_runners/fleet.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <map>

namespace assay::test {
namespace {

Awaitable<void> live(Fleet& fleet, Clock const& clock) {
  TimePoint const deadline = clock.now() + seconds{20};
  auto const prepared = co_await fleet.prepare(deadline);
  if (!prepared) throw std::runtime_error{to_string(prepared.error())};
  auto const connected = co_await fleet.connect(deadline);
  if (!connected) throw std::runtime_error{to_string(connected.error())};
  co_await fleet.run();
  co_await fleet.drain(clock.now() + seconds{20});
  co_await fleet.stop();
}

int act(std::vector<std::string> const& arguments) {
  SystemClock const clock;
  FleetPlan plan;
  plan.coordinators = {{asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoul(arguments.at(0)))}};
  plan.runners = 1;
  plan.identities = {{arguments.at(1), "runner", {arguments.at(3)}, 0}};
  plan.submitter_token = arguments.at(2);
  plan.fleet.kinds = {{{arguments.at(3)}, 1.0}};
  plan.load.classes = {{{arguments.at(3)}, 0, 1.0}};
  plan.load.backlog = 1;
  plan.load.payload_bytes = 8;
  plan.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{std::stol(arguments.at(4))}, 1.0};
  plan.fleet.heartbeat = milliseconds{std::stol(arguments.at(5))};
  plan.start = clock.now() + milliseconds{100};
  plan.measure = plan.fleet.run_length.mean;
  Recorder recorder{{plan.start, plan.start + plan.measure}};
  asio::io_context context{1};
  Fleet fleet{context, clock, plan, recorder};
  std::exception_ptr failure;
  asio::co_spawn(context, live(fleet, clock), [&](std::exception_ptr thrown) {
    failure = thrown;
    context.stop();
  });
  context.run();
  if (failure) std::rethrow_exception(failure);

  std::map<RunEvent::Kind, int> events;
  int attempt = 0;
  for (RunEvent const& event : recorder.events()) {
    ++events[event.kind];
    if (event.kind == RunEvent::Kind::received) attempt = event.attempt;
  }
  auto const wall = std::chrono::system_clock::now().time_since_epoch();
  fmt::print("wall clock {}\n", std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  fmt::print("received {} attempt {} completed {} refused {}\n", events[RunEvent::Kind::received], attempt,
             events[RunEvent::Kind::completed], events[RunEvent::Kind::report_refused]);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace assay::test

int main(int argc, char** argv) {
  try {
    return assay::test::act({argv + 1, argv + argc});
  } catch (std::exception const& problem) {
    fmt::print("{}\n", problem.what());
    return EXIT_FAILURE;
  }
}
