// What Redis and the redis-list backend can do without HTTP in between: so many callers submit a run, wait for its
// result on the given path, and submit their next one; so many runners claim and complete. One coordinator, one thread,
// one private Redis. Items per second are results received. For instance:
//   bench_redis_reply --benchmark_filter=per_task/callers:1000
#include "harness/base/random.hpp"
#include "harness/services/redis_service.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/run_coroutine.hpp"

#include <benchmark/benchmark.h>

namespace assay {

Backend backend_redis_list();

namespace test {
namespace {

constexpr std::uint32_t most_per_claim = 256;

// One round: `left` results to be received.
struct Round {
  Round(Executor executor, OpenedStore& opened) : store{*opened.store}, replies{*opened.replies}, desk{executor} {
    replies.listen([this](RunId const& run, Reply const& reply) { desk.tell(run, reply); });
  }

  ClaimStore& store;
  ReplyPath& replies;
  ReplyDesk desk;
  Random random{1};
  std::size_t to_submit = 0, to_receive = 0, to_claim = 0;
  std::size_t running = 0;
};

Awaitable<void> call(Round& round) {
  while (round.to_submit > 0) {
    --round.to_submit;
    RunSpec spec;
    spec.id = make_run_id(1, round.random);
    spec.payload = "{\"work\":\"some\"}";
    RunId const run = spec.id;
    ReplyDesk::Wait wait{round.desk, run};
    std::vector<RunSpec> runs;
    runs.push_back(std::move(spec));
    auto const taken = co_await round.store.submit(std::move(runs));
    if (!taken) throw std::runtime_error{to_string(taken.error())};
    TimePoint const deadline = std::chrono::steady_clock::now() + seconds{20};
    round.replies.expect(run, deadline);
    auto const end = co_await wait.until(deadline);
    round.replies.forget(run);
    if (end != ReplyDesk::Wait::End::replied) throw std::runtime_error{"a result did not arrive"};
    --round.to_receive;
  }
  --round.running;
}

Awaitable<void> report(Round& round, Claim claim) {
  std::vector<Completion> completions;
  completions.push_back({claim.run, claim.token, "done"});
  auto const done = co_await round.store.complete(std::move(completions));
  if (!done) throw std::runtime_error{to_string(done.error())};
  --round.running;
}

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

// Claims in batches, as the matcher does, and reports run by run, as runners do.
Awaitable<void> work(Round& round, asio::io_context& io) {
  while (round.to_claim > 0) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", most_per_claim});
    auto claims = co_await round.store.claim(std::move(demands), seconds{60});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    for (auto& claim : *claims) {
      --round.to_claim;
      ++round.running;
      asio::co_spawn(io, report(round, std::move(claim)), rethrow);
    }
  }
  --round.running;
}

void call_and_wait(benchmark::State& state, std::string const& path) {
  auto const callers = static_cast<std::size_t>(state.range(0));
  PrivateRedis const server;
  asio::io_context io;
  SystemClock const clock;
  StoreOptions options;
  options.url = server.url();
  options.connections = 1000;
  options.settings["replies"] = path;
  auto opened = run_coroutine(io, backend_redis_list().open(io, clock, std::move(options)));
  if (!opened) throw std::runtime_error{to_string(opened.error())};
  {
    Round round{io.get_executor(), *opened};
    std::size_t const runs = std::max<std::size_t>(callers * 4, 2000);
    for ([[maybe_unused]] auto _ : state) {
      round.to_submit = round.to_receive = round.to_claim = runs;
      round.running = callers + 1;
      for (std::size_t i = 0; i < callers; ++i) asio::co_spawn(io, call(round), rethrow);
      asio::co_spawn(io, work(round, io), rethrow);
      io.restart();
      while (round.running > 0) io.run_one();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(runs) * state.iterations());
    run_coroutine(io, opened->replies->close());
  }
  run_coroutine(io, opened->wake_up->close());
  run_coroutine(io, opened->store->close());
}

BENCHMARK_CAPTURE(call_and_wait, per_task, std::string{"per_task"})
    ->ArgName("callers")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK_CAPTURE(call_and_wait, pubsub, std::string{"pubsub"})
    ->ArgName("callers")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK_CAPTURE(call_and_wait, shared_queue, std::string{"shared_queue"})
    ->ArgName("callers")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();

}  // namespace
}  // namespace test
}  // namespace assay
