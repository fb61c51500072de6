#include "harness/doctor/probes.hpp"

#include "harness/measure/host_stats.hpp"

#include <algorithm>
#include <ctime>

namespace assay {

namespace {

constexpr int clock_readings = 1'000'000;
constexpr Duration gap = microseconds{20};  // longer than an interrupt that every machine has
constexpr Duration wake_every = milliseconds{1};

}  // namespace

ClockFindings examine_clock() {
  ClockFindings findings;
  std::timespec stated{};
  if (::clock_getres(CLOCK_MONOTONIC, &stated) == 0) {
    findings.resolution = seconds{stated.tv_sec} + nanoseconds{stated.tv_nsec};
  }
  SystemClock const clock;
  findings.step = Duration::max();
  TimePoint const begin = clock.now();
  TimePoint last = begin;
  for (int i = 0; i < clock_readings; ++i) {
    TimePoint const now = clock.now();
    if (now < last) ++findings.backward;
    if (now > last) findings.step = std::min(findings.step, now - last);
    last = now;
  }
  findings.reading_ns = static_cast<double>((last - begin).count()) / clock_readings;
  return findings;
}

NoiseFindings examine_noise(Duration length) {
  NoiseFindings findings;
  SystemClock const clock;
  auto const host_before = read_host_stats();
  TimePoint const begin = clock.now();
  TimePoint last = begin;
  while (last < begin + length) {
    TimePoint const now = clock.now();
    if (now - last > gap) {
      findings.lost += now - last;
      findings.longest = std::max(findings.longest, now - last);
    }
    last = now;
  }
  findings.watched = last - begin;
  findings.steal_share = steal_share(host_before, read_host_stats());
  return findings;
}

LoopLateness examine_idle_loop(Duration length) {
  asio::io_context context{1};
  SystemClock const clock;
  LoopMonitor monitor{context.get_executor(), clock, wake_every};
  asio::co_spawn(context, monitor.watch(), asio::detached);
  Timer end{context.get_executor(), clock.now() + length};
  end.async_wait([&](boost::system::error_code) { monitor.stop(); });
  context.run();
  return monitor.take();
}

}  // namespace assay
