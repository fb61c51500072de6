// 10,000 runners of one generator process, parked at one coordinator process over the memory backend: what each costs
// in memory, what they cost while nothing happens, and how long a wake-up of all of them takes. Prints its figures.
#include "harness/base/random.hpp"
#include "harness/measure/host_stats.hpp"
#include "harness/measure/process_stats.hpp"
#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"
#include "simulated_runners/fleet.hpp"
#include "simulated_runners/requests.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <fstream>

namespace assay {
namespace {

constexpr int runners = 10'000;
constexpr Duration idle = seconds{20};  // two thirds of a hold, and so as many re-polls; a third of the heartbeats
constexpr Duration patience = seconds{60};

// Bounds of METHOD: on a reference machine of two cores.
constexpr double bytes_per_runner = 12 * 1024;
constexpr double idle_share_of_a_core = 0.05;
constexpr Duration storm_p99 = seconds{1};

// Of the machine's CPU time during the storm, used by neither of the two: more, and a late wake-up says nothing of
// them.
constexpr double most_for_others = 0.1;

class TenThousandRunners : public testing::Test {
 protected:
  TenThousandRunners() {
    plan.fleet.run_length = {DurationDistribution::Shape::constant, milliseconds{100}, 1.0};
    plan.runners = runners;
    plan.runs_per_second = 1e-6;  // none: the storm below is all there is
    plan.seed = 10'000;
    plan.identities = make_identities(plan.fleet, runners, plan.seed);
    plan.submitter_token = make_submitter_token(plan.seed);
    start_coordinator();
  }

  void start_coordinator() {
    auto const identities = folder.path() / "identities.json";
    std::ofstream{identities} << identities_json(plan.identities, plan.submitter_token);
    ChildCommand command;
    command.argv = {ASSAY_COORDINATOR, "--listen",          "127.0.0.1:0",       "--backend", "memory",
                    "--identities",    identities.string(), "--max-connections", "11000"};
    command.log = folder.path() / "coordinator.log";
    coordinator.emplace(std::move(command));
    auto const line = coordinator->wait_for_line("{\"listening\"", clock.now() + seconds{20});
    if (!line) throw std::runtime_error{last_line(folder.path() / "coordinator.log")};
    std::string const listening{boost::json::parse(*line).at("listening").as_string()};
    auto const port = static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1)));
    plan.coordinators = {{asio::ip::address_v4::loopback(), port}};
  }

  struct Use {
    ProcessStats generator, coordinator;
    HostStats host;
  };
  Use use() {
    Use now;
    now.generator = ProcessMonitor{::getpid(), ProcessMonitor::Scope::process}.sample().value();
    now.coordinator = ProcessMonitor{coordinator->pid(), ProcessMonitor::Scope::process}.sample().value();
    now.host = read_host_stats();
    return now;
  }

  static double cpu_s(Use const& from, Use const& to, ProcessStats Use::*of) {
    return to_seconds((to.*of).cpu - (from.*of).cpu);
  }

  // What the rest of the machine had of its CPUs meanwhile; nothing when the kernel doesn't say.
  static std::optional<double> share_of_others(Use const& from, Use const& to) {
    if (!from.host.cpu || !to.host.cpu) return std::nullopt;
    double const busy = to_seconds(to.host.cpu->busy - from.host.cpu->busy);
    double const all = busy + to_seconds(to.host.cpu->idle - from.host.cpu->idle);
    double const ours = cpu_s(from, to, &Use::generator) + cpu_s(from, to, &Use::coordinator);
    return all > 0 ? std::optional{(busy - ours) / all} : std::nullopt;
  }

  // Submits a run for every runner, in ten requests one right after the other.
  Awaitable<void> submit_all() {
    TcpSocket socket{context.get_executor()};
    co_await socket.async_connect(plan.coordinators.front(), use_awaitable);
    Random ids{Random::stream(plan.seed, "storm")};
    std::string text;
    for (std::size_t left = runners; left > 0; left -= protocol::max_batch) {
      std::vector<protocol::Submission> batch(protocol::max_batch);
      for (auto& submission : batch) submission.id = make_run_id(clock.unix_ms(), ids);
      std::string const body = encode(batch);
      text += fmt::format(
          "POST /runs/batch HTTP/1.1\r\nHost: storm\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
          plan.submitter_token, body.size(), body);
    }
    storm_began = clock.now();
    co_await asio::async_write(socket, asio::buffer(text), use_awaitable);
    // Its answers are of no interest, but the connection must stay until the last request was read.
    while (fleet->live().completed < runners && clock.now() < storm_began + patience) {
      co_await sleep_until(clock.now() + milliseconds{20});
    }
  }

  Awaitable<void> drive() {
    auto const connected = co_await fleet->connect(clock.now() + patience);
    EXPECT_TRUE(connected) << to_string(connected.error());
    if (connected) {
      co_await sleep_until(clock.now() + seconds{1});
      before_idle = use();
      co_await sleep_until(clock.now() + idle);
      after_idle = use();
      parked = fleet->live().parked;
      co_await submit_all();
      after_storm = use();
    }
    co_await fleet->stop();
    finished = true;
  }

  PrivateFolder folder{std::filesystem::temp_directory_path(), "assay-soak-"};
  SystemClock clock;
  asio::io_context context{1};
  FleetPlan plan;
  std::optional<ChildProcess> coordinator;
  std::optional<Recorder> recorder;
  std::optional<Fleet> fleet;
  Use before_idle, after_idle, after_storm;
  std::size_t parked = 0;
  TimePoint storm_began;
  bool finished = false;
};

TEST_F(TenThousandRunners, CostLittleWhileParkedAndAllWakeUpWithinASecond) {
  Use const empty = use();
  plan.start = clock.now();
  plan.measure = std::chrono::hours{1};
  recorder.emplace(Window{plan.start, plan.start + plan.measure});
  fleet.emplace(context, clock, plan, *recorder);
  asio::co_spawn(context, drive(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  while (!finished) context.run_one();

  Histogram wakes;
  for (auto const& event : recorder->events()) {
    if (event.kind == RunEvent::Kind::received) wakes.record((event.time - storm_began).count());
  }
  auto const kib_each = [](std::int64_t bytes) { return static_cast<double>(bytes) / 1024 / runners; };
  auto const share = [&](auto process) { return cpu_s(before_idle, after_idle, process) / to_seconds(idle); };
  fmt::print(
      "{} runners: KiB resident per runner: generator {:.2f} ({:.2f} with the program itself), coordinator {:.2f} "
      "({:.2f}); "
      "after the storm {:.2f} and {:.2f}\n"
      "idle: generator {:.2f} %, coordinator {:.2f} % of a core\n"
      "wake-up of all: p50 {:.0f} ms, p99 {:.0f} ms, max {:.0f} ms; with their reports it took {:.2f} s of the "
      "generator's "
      "CPU and {:.2f} s of the coordinator's\n",
      parked, kib_each(after_idle.generator.resident_bytes - empty.generator.resident_bytes),
      kib_each(after_idle.generator.resident_bytes),
      kib_each(after_idle.coordinator.resident_bytes - empty.coordinator.resident_bytes),
      kib_each(after_idle.coordinator.resident_bytes), kib_each(after_storm.generator.resident_bytes),
      kib_each(after_storm.coordinator.resident_bytes), share(&Use::generator) * 100, share(&Use::coordinator) * 100,
      to_ms(Duration{wakes.value_at_quantile(0.5)}), to_ms(Duration{wakes.value_at_quantile(0.99)}),
      to_ms(Duration{wakes.max()}), cpu_s(after_idle, after_storm, &Use::generator),
      cpu_s(after_idle, after_storm, &Use::coordinator));

  EXPECT_EQ(parked, static_cast<std::size_t>(runners));
  EXPECT_EQ(wakes.count(), static_cast<std::uint64_t>(runners));
  EXPECT_LE(after_idle.generator.resident_bytes, bytes_per_runner * runners);
  EXPECT_LE(after_idle.coordinator.resident_bytes, bytes_per_runner * runners);
  EXPECT_LE(share(&Use::generator), idle_share_of_a_core);
  EXPECT_LE(share(&Use::coordinator), idle_share_of_a_core);
  if (wakes.value_at_quantile(0.99) <= storm_p99.count()) return;
  auto const others = share_of_others(after_idle, after_storm);
  if (others && *others > most_for_others) {
    GTEST_SKIP() << fmt::format("all woke up too late, but others used {:.0f} % of the machine", *others * 100);
  }
  ADD_FAILURE() << "all woke up too late";
}

}  // namespace
}  // namespace assay
