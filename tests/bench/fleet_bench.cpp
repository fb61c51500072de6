// What a request costs the generator, beside what it costs wrk: requests per second of the program's own CPU, against
// the same server that does nothing, on as many kept-alive connections, in turn. `ratio` is ours over wrk's, 1 is as
// cheap; it must stay above 0.5, though wrk keeps no events, no schedule and no histograms. CPU time, not elapsed time,
// so that the figures hold on a busy machine. Skipped aloud without wrk.
#include "simulated_runners/fleet.hpp"
#include "simulated_runners/requests.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace assay {
namespace {

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::string_view answer_to(std::string_view request, std::string& scratch) {
  std::string_view body = R"({"outcome":"ok"})";
  int status = 200;
  std::string submitted;
  if (request.starts_with("GET /runner/runs")) {
    body = R"({"runs":[]})";
  } else if (request.starts_with("POST /runner/heartbeat")) {
    body = R"({"claims":[]})";
  } else if (request.starts_with("POST /runs HTTP")) {
    status = 201;
    auto const id = request.find("\"id\":\"") + 6;
    submitted = fmt::format(R"({{"id":"{}","outcome":"ok"}})", request.substr(id, 36));
    body = submitted;
  }
  scratch = fmt::format("HTTP/1.1 {} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
                        body.size(), body);
  return scratch;
}

// A process that answers every request at once; requests here are small and come in one piece.
class NullServer {
 public:
  NullServer() {
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 4096) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error{"the null server can't listen"};
    }
    port_ = ntohs(address.sin_port);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(listener);
    }
    ::close(listener);
  }

  ~NullServer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  std::uint16_t port() const { return port_; }

 private:
  [[noreturn]] static void serve(int listener) {
    int const poller = ::epoll_create1(0);
    auto const watch = [&](int descriptor) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = descriptor;
      ::epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
    };
    watch(listener);
    std::array<epoll_event, 256> events;
    std::array<char, 16384> buffer;
    std::string scratch;
    for (;;) {
      int const count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        int const descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == listener) {
          int const accepted = ::accept(listener, nullptr, nullptr);
          int const on = 1;
          ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          watch(accepted);
          continue;
        }
        auto const bytes = ::read(descriptor, buffer.data(), buffer.size());
        if (bytes <= 0) {
          ::close(descriptor);
          continue;
        }
        auto const answer = answer_to({buffer.data(), static_cast<std::size_t>(bytes)}, scratch);
        if (::write(descriptor, answer.data(), answer.size()) < 0) ::close(descriptor);
      }
    }
  }

  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

Awaitable<void> trial(Fleet& fleet, Clock const& clock, double& cpu) {
  auto const connected = co_await fleet.connect(clock.now() + seconds{10});
  if (!connected) throw std::runtime_error{to_string(connected.error())};
  cpu = cpu_seconds(RUSAGE_SELF);
  co_await fleet.run();
  cpu = cpu_seconds(RUSAGE_SELF) - cpu;
  co_await fleet.stop();
}

struct Spent {
  double requests = 0, cpu_s = 0;
  double per_cpu_s() const { return requests / cpu_s; }
};

constexpr int connections = 64;
constexpr int trial_s = 1;

// `runners` that poll as fast as they are answered, and an open loop of `submissions` a second.
Spent drive(NullServer const& server, Recorder& recorder, int runners, double submissions) {
  SystemClock clock;
  FleetPlan plan;
  plan.runners = runners;
  plan.runs_per_second = submissions;
  plan.seed = 1;
  plan.identities = make_identities(plan.fleet, runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.submit_connections = connections;
  plan.coordinators = {{asio::ip::address_v4::loopback(), server.port()}};
  plan.start = recorder.measured().begin;
  plan.measure = recorder.measured().end - plan.start;
  asio::io_context context{1};
  Fleet fleet{context, clock, plan, recorder};
  Spent spent;
  asio::co_spawn(context, trial(fleet, clock, spent.cpu_s), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
  for (Operation operation : {Operation::submit, Operation::poll}) {
    for (auto const n : recorder.operation(operation).fates_total) spent.requests += static_cast<double>(n);
  }
  return spent;
}

Recorder recorder_of_a_trial() {
  TimePoint const start = SystemClock{}.now() + milliseconds{50};
  return Recorder{{start, start + seconds{trial_s}}};
}

// At a rate far below saturation most of what a request costs is going to sleep and waking up.
void submissions(benchmark::State& state) {
  NullServer const server;
  for (auto _ : state) {
    Recorder recorder = recorder_of_a_trial();
    Spent const spent = drive(server, recorder, 0, static_cast<double>(state.range(0)));
    state.counters["requests"] = spent.requests;
    state.counters["us_per_request"] = 1e6 / spent.per_cpu_s();
    auto const& lag = recorder.operation(Operation::submit).lag;
    state.counters["lag_us_p50"] = static_cast<double>(lag.value_at_quantile(0.5)) / 1e3;
    state.counters["lag_us_p99"] = static_cast<double>(lag.value_at_quantile(0.99)) / 1e3;
  }
}

// `options`: of wrk, and the URL's path.
Spent run_wrk(NullServer const& server, std::string const& options, std::string_view path) {
  double const before = cpu_seconds(RUSAGE_CHILDREN);
  auto const command = fmt::format("wrk -t1 -c{} -d{}s {} 'http://127.0.0.1:{}{}' 2>/dev/null", connections, trial_s,
                                   options, server.port(), path);
  Spent spent;
  FILE* const output = ::popen(command.c_str(), "r");
  std::array<char, 256> line;
  while (output != nullptr && std::fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) {
    double count = 0;
    if (std::sscanf(line.data(), " %lf requests in", &count) == 1) spent.requests = count;
  }
  if (output != nullptr) ::pclose(output);
  spent.cpu_s = cpu_seconds(RUSAGE_CHILDREN) - before;
  return spent;
}

// One repetition is a trial of each, one right after the other, against the same server and on as many connections.
void compare(benchmark::State& state, Spent const& fleet, Spent const& wrk) {
  if (wrk.requests == 0) {
    state.SkipWithError("no wrk on PATH (Debian: apt install wrk)");
    return;
  }
  state.counters["fleet_per_cpu_s"] = fleet.per_cpu_s();
  state.counters["wrk_per_cpu_s"] = wrk.per_cpu_s();
  state.counters["ratio"] = fleet.per_cpu_s() / wrk.per_cpu_s();
}

// Runners whose polls are answered at once.
void polls_against_wrk(benchmark::State& state) {
  NullServer const server;
  for (auto _ : state) {
    Recorder recorder = recorder_of_a_trial();
    Spent const fleet = drive(server, recorder, connections, 0);
    auto const token = fmt::format("-H 'Authorization: Bearer {}'", make_submitter_token(1));
    compare(state, fleet, run_wrk(server, token, "/runner/runs?wait=30s&max=1"));
  }
}

// An open loop that is asked for more than it can do, so that every connection is always busy, as wrk's are. wrk sends
// the same bytes each time; the fleet makes an id and a schedule, and keeps events and books.
void submissions_against_wrk(benchmark::State& state) {
  NullServer const server;
  SubmissionTemplate const submission{RequestWriter{{asio::ip::address_v4::loopback(), server.port()}},
                                      make_submitter_token(1), RunClass{}, std::string(LoadSpec{}.payload_bytes, 'x')};
  std::string request;
  submission.write(request, RunId{});
  auto const script = std::filesystem::temp_directory_path() / fmt::format("assay-bench-{}.lua", ::getpid());
  std::ofstream{script} << fmt::format(
      "wrk.method = 'POST'\nwrk.headers['Authorization'] = 'Bearer {}'\nwrk.body = [==[{}]==]\n",
      make_submitter_token(1), request.substr(request.find("\r\n\r\n") + 4));
  for (auto _ : state) {
    Recorder recorder = recorder_of_a_trial();
    Spent const fleet = drive(server, recorder, 0, 100'000);
    compare(state, fleet, run_wrk(server, "-s " + script.string(), "/runs"));
  }
  std::filesystem::remove(script);
}

double smallest(std::vector<double> const& values) { return *std::min_element(values.begin(), values.end()); }
double largest(std::vector<double> const& values) { return *std::max_element(values.begin(), values.end()); }

void repeated(benchmark::internal::Benchmark* comparison) {
  comparison->Iterations(1)->Repetitions(5)->ReportAggregatesOnly()->Unit(benchmark::kMillisecond);
  comparison->ComputeStatistics("min", smallest)->ComputeStatistics("max", largest);
}

BENCHMARK(polls_against_wrk)->Apply(repeated);
BENCHMARK(submissions_against_wrk)->Apply(repeated);
BENCHMARK(submissions)->Arg(1000)->Arg(20000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace assay
