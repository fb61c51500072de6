#include "harness/doctor/null_trial.hpp"

#include "harness/experiment/stats_client.hpp"
#include "harness/measure/host_stats.hpp"
#include "harness/measure/loop_monitor.hpp"
#include "harness/measure/process_stats.hpp"
#include "harness/null_coordinator/null_coordinator_process.hpp"
#include "simulated_runners/fleet.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <malloc.h>

namespace assay {

namespace {

constexpr Duration to_connect = seconds{10};

FleetPlan fleet_plan(NullTrialPlan const& plan, std::uint16_t port, TimePoint now) {
  FleetPlan fleet;
  fleet.fleet.run_length = {DurationDistribution::Shape::constant, plan.run_length, 0};
  fleet.runs_per_second = plan.runs_per_second;
  fleet.runners = plan.runners;
  fleet.seed = 1;
  fleet.coordinators = {{asio::ip::address_v4::loopback(), port}};
  fleet.identities = make_identities(fleet.fleet, plan.runners, fleet.seed);
  fleet.submitter_token = make_submitter_token(fleet.seed);
  fleet.start = now + milliseconds{100} + plan.runners * microseconds{200};
  fleet.warm_up = plan.warm_up;
  fleet.measure = plan.measure;
  return fleet;
}

class Trial {
 public:
  explicit Trial(NullTrialPlan const& plan)
      : plan_{plan},
        coordinator_{plan.coordinator},
        generator_process_{::getpid(), ProcessMonitor::Scope::process},
        coordinator_process_{coordinator_.pid(), ProcessMonitor::Scope::process},
        before_{generator_process_.sample(), coordinator_process_.sample()},
        fleet_plan_{fleet_plan(plan, coordinator_.port(), clock_.now())},
        begin_{fleet_plan_.start + plan.warm_up},
        recorder_{{begin_, begin_ + plan.measure}},
        fleet_{context_, clock_, fleet_plan_, recorder_},
        monitor_{context_.get_executor(), clock_},
        stats_{context_.get_executor(), fleet_plan_.coordinators.front()} {}

  NullTrial run() {
    asio::co_spawn(context_, drive(), [this](std::exception_ptr error) {
      error_ = error;
      monitor_.stop();
      stats_.close();
    });
    asio::co_spawn(context_, monitor_.watch(), asio::detached);
    context_.run();
    if (error_) std::rethrow_exception(error_);
    if (!coordinator_.stop() && result_.failure.empty()) result_.failure = "the null coordinator ended early";
    return std::move(result_);
  }

 private:
  struct Reading {
    std::optional<ProcessStats> generator, coordinator;
  };

  Reading read() { return {generator_process_.sample(), coordinator_process_.sample()}; }

  Awaitable<void> drive() {
    TimePoint const began = clock_.now();
    auto const connected = co_await fleet_.connect(began + to_connect);
    result_.connecting = clock_.now() - began;
    if (!connected) {
      result_.failure = connected.error().detail;
    } else {
      asio::co_spawn(context_, take_readings(), asio::detached);
      co_await fleet_.run();
      conclude(read());
      auto const told = co_await stats_.get();
      if (told) result_.truth = told->store.of(StoreOperation::submit).latency;
    }
    co_await fleet_.stop();
  }

  Awaitable<void> take_readings() {
    co_await sleep_until(begin_);
    monitor_.take();
    host_ = read_host_stats();
    at_begin_ = read();
    completed_ = fleet_.live().completed;
  }

  void conclude(Reading const& at_end) {
    double const length = to_seconds(plan_.measure);
    auto const& live = fleet_.live();
    auto const& submissions = recorder_.operation(Operation::submit);
    auto const loop = monitor_.take();
    result_.parked = live.parked;
    result_.completed_per_s = static_cast<double>(live.completed - completed_) / length;
    for (int i = 0; i < operation_count; ++i) {
      for (auto const count : recorder_.operation(static_cast<Operation>(i)).fates) {
        result_.requests_per_s += static_cast<double>(count) / length;
      }
    }
    result_.measured = submissions.service;
    if (at_begin_.generator && at_end.generator && at_begin_.coordinator && at_end.coordinator) {
      result_.generator_cores = to_seconds(at_end.generator->cpu - at_begin_.generator->cpu) / length;
      result_.coordinator_cores = to_seconds(at_end.coordinator->cpu - at_begin_.coordinator->cpu) / length;
      if (plan_.runners > 0 && before_.generator && before_.coordinator) {
        auto const grown = [&](ProcessStats const& now, ProcessStats const& then) {
          return static_cast<double>(now.resident_bytes - then.resident_bytes) / 1024 / plan_.runners;
        };
        result_.generator_kib_per_runner = grown(*at_end.generator, *before_.generator);
        result_.coordinator_kib_per_runner = grown(*at_end.coordinator, *before_.coordinator);
      }
    }
    auto& figures = result_.figures;
    auto const& books = recorder_.books();
    if (books.offered > 0) {
      figures.achieved_share = static_cast<double>(books.started) / static_cast<double>(books.offered);
      figures.schedule_lag_p99_ms = static_cast<double>(submissions.lag.value_at_quantile(0.99)) / 1e6;
    }
    figures.generator_cpu_share = result_.generator_cores / std::min(1.0, read_host_facts().usable_cpus.value_or(1.0));
    // One stall in a trial of a second would be sixty a minute; it takes two to say that it was no accident.
    if (loop.stalls != 1) figures.loop_stalls_per_minute = loop.stalls_per_minute();
    figures.steal_share = steal_share(host_, read_host_stats());
    figures.books_balance = books.balance();
    figures.out_of_range = static_cast<std::uint64_t>(submissions.service.out_of_range());
  }

  NullTrialPlan const& plan_;
  SystemClock clock_;
  asio::io_context context_{1};
  NullCoordinatorProcess coordinator_;
  ProcessMonitor generator_process_, coordinator_process_;
  Reading before_;
  FleetPlan fleet_plan_;
  TimePoint begin_;
  Recorder recorder_;
  Fleet fleet_;
  LoopMonitor monitor_;
  StatsClient stats_;
  Reading at_begin_;
  HostStats host_;
  std::uint64_t completed_ = 0;
  NullTrial result_;
  std::exception_ptr error_;
};

}  // namespace

std::string NullTrial::complaint() const {
  if (!failure.empty()) return failure;
  std::string text;
  for (auto const& guard : judge_instrument(figures)) {
    if (guard.state != Guard::State::failed) continue;
    text +=
        fmt::format("{}{} {:.3g} (bound {:.3g})", text.empty() ? "" : ", ", guard.name, guard.measured, guard.bound);
  }
  return text;
}

NullTrial run_null_trial(NullTrialPlan const& plan) {
  ::malloc_trim(0);  // what an earlier trial freed must not hide what this one takes
  return Trial{plan}.run();
}

}  // namespace assay
