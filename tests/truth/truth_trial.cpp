#include "tests/truth/truth_trial.hpp"

#include "harness/assess/objectives.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <thread>

namespace assay::truth {

namespace {

namespace json = boost::json;

std::string environment_of(TruthTrial const& trial) {
  auto const& wanted = trial.coordinator;
  return json::serialize(json::object{{"answer_ns", wanted.answer.mean.count()},
                                      {"delivery_ns", wanted.delivery.mean.count()},
                                      {"double_claim_every", wanted.runs.double_claim_every},
                                      {"lose_every", wanted.runs.lose_every},
                                      {"slow_share", wanted.slow_share},
                                      {"slow_by_ns", wanted.slow_by.count()},
                                      {"clock_skew_ns", wanted.clock_skew.count()},
                                      {"stall_length_ns", wanted.stall.length.count()},
                                      {"stall_after_ns", trial.stall_after.count()}});
}

// Makes every thread of this process stand still, its own excepted, as a machine that pages or a debugger would:
// whichever of them is the generator's.
class Standstill {
 public:
  // Nothing for a length of zero.
  Standstill(TimePoint when, Duration length) {
    if (length <= Duration{}) return;
    std::signal(SIGUSR1, stand_still);
    thread_ = std::thread{[when, length] {
      std::this_thread::sleep_until(when);
      until = std::chrono::steady_clock::now() + length;
      for (auto const& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
        auto const thread = static_cast<pid_t>(std::stoi(task.path().filename().string()));
        if (thread != ::gettid()) ::tgkill(::getpid(), thread, SIGUSR1);
      }
    }};
  }
  ~Standstill() {
    if (thread_.joinable()) thread_.join();
  }
  Standstill(Standstill const&) = delete;
  Standstill& operator=(Standstill const&) = delete;

 private:
  static void stand_still(int) {
    while (std::chrono::steady_clock::now() < until.load()) {
    }
  }

  static inline std::atomic<TimePoint> until;
  std::thread thread_;
};

Guard const& named(std::vector<Guard> const& guards, std::string_view name) {
  auto const found = std::find_if(guards.begin(), guards.end(), [&](Guard const& guard) { return guard.name == name; });
  if (found == guards.end()) throw std::out_of_range{std::string{name}};
  return *found;
}

std::string why_not_quiet(TrialResult const& result, Demands const& demands) {
  double const lag = result.schedule_lag.p99.value;
  if (demands.lag_ms && lag > *demands.lag_ms) {
    return fmt::format("too busy a machine for so small an error: schedule lag p99 is {:.2f} ms, not {} ms", lag,
                       *demands.lag_ms);
  }
  if (!demands.pressure) return {};
  auto const& pressure = named(result.guards, "cpu_pressure");
  if (pressure.state == Guard::State::not_available) return "this machine does not say how busy its CPUs are";
  if (pressure.measured > *demands.pressure) {
    return fmt::format("too busy a machine for so small an error: some task waited for a CPU {:.0f} % of the time",
                       pressure.measured * 100);
  }
  return {};
}

std::string objection(TrialResult const& result, Demands const& demands) {
  std::string text;
  for (auto const& guard : result.guards) {
    if (guard.state != Guard::State::failed || demands.spoiled.contains(guard.name)) continue;
    text += fmt::format("{}{}: {} ({:.4g}, bound {:.4g})", text.empty() ? "" : "; ", guard.name, guard.detail,
                        guard.measured, guard.bound);
  }
  if (!result.failure.empty()) text += (text.empty() ? "" : "; ") + result.failure;
  return text.empty() ? why_not_quiet(result, demands) : text;
}

}  // namespace

TruthTrial a_trial(int runners, double runs_per_second, Duration run_length, Duration measure) {
  TruthTrial trial;
  trial.runners = runners;
  auto& scenario = trial.scenario;
  scenario.name = "truth";
  scenario.load.runs_per_second = runs_per_second;
  scenario.load.arrivals = LoadSpec::Arrivals::even;
  scenario.load.payload_bytes = 32;
  scenario.fleet.run_length = {DurationDistribution::Shape::constant, run_length, 1.0};
  scenario.phases.warm_up = milliseconds{300};
  scenario.phases.measure = measure;
  scenario.phases.drain = milliseconds{700};
  scenario.levels = {{runners, "null"}};
  return trial;
}

Histogram const& Measured::histogram(std::string const& name) const {
  for (auto const& histogram : histograms) {
    if (histogram.name == name) return histogram.values;
  }
  throw std::out_of_range{name};
}

Guard const& Measured::guard(std::string const& name) const { return named(result.guards, name); }

protocol::CoordinatorStats Measured::coordinator() const {
  if (!evidence.begin || !evidence.end || !evidence.begin->stats || !evidence.end->stats) {
    throw std::runtime_error{"the coordinator did not say what it counted"};
  }
  return evidence.end->stats->since(*evidence.begin->stats).value();
}

Measured measure(TruthTrial const& trial) {
  ::setenv("ASSAY_TRUTH", environment_of(trial).c_str(), 1);
  asio::io_context context{1};
  Interruption interruption{context};
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const nowhere{std::fopen("/dev/null", "w"), std::fclose};
  Progress progress{nowhere.get()};
  TrialPlan plan{.scenario = &trial.scenario, .level = trial.scenario.levels.front(), .seed = 20261121};
  plan.backend.name = "null";
  plan.coordinator = ASSAY_NULL_COORDINATOR;
  Standstill const standstill{std::chrono::steady_clock::now() + trial.stall_generator_after, trial.stall_generator};
  Measured measured{.evidence = run_trial(context, plan, progress, interruption)};
  auto figures = figures_of(measured.evidence);
  measured.result = std::move(figures.result);
  measured.histograms = std::move(figures.histograms);
  for (auto const& objective : trial.scenario.objectives) {
    measured.result.objectives.push_back(judge(objective, measured.result));
  }
  return measured;
}

Measured measure_validly(TruthTrial const& trial, Demands const& demands, std::string& why_not) {
  constexpr int attempts = 2;
  for (int i = 1;; ++i) {
    auto measured = measure(trial);
    why_not = objection(measured.result, demands);
    if (why_not.empty() || i == attempts) return measured;
    fmt::print("made again, because it doesn't count: {}\n", why_not);
    std::fflush(stdout);
  }
}

}  // namespace assay::truth
