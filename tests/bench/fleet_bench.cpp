// What a request costs the generator, in requests per second of its own CPU, against a server that does nothing; and
// what it costs wrk, against the same server, if wrk is on PATH. The generator is to reach half of wrk's figure: wrk
// keeps no events, no schedule and no histograms per operation. CPU time, not elapsed time, so that the figures hold on
// a busy machine.
#include "simulated_runners/fleet.hpp"

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

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>

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

// `runners` that poll as fast as they are answered, and an open loop of `submissions` a second.
void drive(benchmark::State& state, int runners, double submissions) {
  NullServer const server;
  for (auto _ : state) {
    SystemClock clock;
    FleetPlan plan;
    plan.runners = runners;
    plan.runs_per_second = submissions;
    plan.seed = 1;
    plan.identities = make_identities(plan.fleet, runners, plan.seed);
    plan.submitter_token = make_submitter_token(plan.seed);
    plan.coordinator = {asio::ip::address_v4::loopback(), server.port()};
    plan.measure = seconds{2};
    plan.start = clock.now() + milliseconds{50};
    Recorder recorder{{plan.start, plan.start + plan.measure}};
    asio::io_context context{1};
    Fleet fleet{context, clock, plan, recorder};
    double cpu = 0;
    asio::co_spawn(context, trial(fleet, clock, cpu), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    context.run();
    std::uint64_t requests = 0;
    for (Operation operation : {Operation::submit, Operation::poll}) {
      for (auto const n : recorder.operation(operation).fates_total) requests += n;
    }
    state.counters["requests"] = static_cast<double>(requests);
    state.counters["requests_per_cpu_s"] = static_cast<double>(requests) / cpu;
    state.counters["us_per_request"] = cpu * 1e6 / static_cast<double>(requests);
    if (submissions > 0) {
      auto const& lag = recorder.operation(Operation::submit).lag;
      state.counters["lag_us_p50"] = static_cast<double>(lag.value_at_quantile(0.5)) / 1e3;
      state.counters["lag_us_p99"] = static_cast<double>(lag.value_at_quantile(0.99)) / 1e3;
    }
  }
}

void polls(benchmark::State& state) { drive(state, 64, 0); }
void submissions(benchmark::State& state) { drive(state, 0, static_cast<double>(state.range(0))); }

void wrk(benchmark::State& state) {
  NullServer const server;
  for (auto _ : state) {
    double const before = cpu_seconds(RUSAGE_CHILDREN);
    auto const command =
        fmt::format("wrk -t1 -c64 -d2s http://127.0.0.1:{}/runner/runs?wait=30s\\&max=1 2>/dev/null", server.port());
    FILE* const output = ::popen(command.c_str(), "r");
    double requests = 0;
    std::array<char, 256> line;
    while (output != nullptr && std::fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) {
      double count = 0;
      if (std::sscanf(line.data(), " %lf requests in", &count) == 1) requests = count;
    }
    if (output != nullptr) ::pclose(output);
    if (requests == 0) {
      state.SkipWithError("no wrk on PATH");
      return;
    }
    double const cpu = cpu_seconds(RUSAGE_CHILDREN) - before;
    state.counters["requests"] = requests;
    state.counters["requests_per_cpu_s"] = requests / cpu;
    state.counters["us_per_request"] = cpu * 1e6 / requests;
  }
}

BENCHMARK(polls)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(submissions)->Arg(1000)->Arg(20000)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(wrk)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace assay
