// What the PostgreSQL stores can do on a private, durable server: runs per second through ClaimStore, by concurrent
// callers and runs per call. SYSTEMS.md's references on 2 cores: claim and complete 26,000/s on one connection, 42,000
// on two; one row per transaction with SKIP LOCKED 9,766 claims/s. Client and server share the machine here, as they do
// in an assessment.
#include "tests/integration/postgres_fixture.hpp"

#include <benchmark/benchmark.h>

namespace assay::test {
namespace {

struct Bench {
  explicit Bench(Backend const& backend) : open{io, backend, database.url()} {}
  asio::io_context io;
  TestDatabase database;
  OpenStore open;
};

enum class Work { submit, claim, complete, claim_and_complete };

struct Share {
  ClaimStore* store;
  Work work;
  std::uint32_t per_call;
  std::size_t left;  // of this round, for all callers
  std::vector<RunSpec> runs;
  std::vector<Claim> claims;
};

Awaitable<void> submit_some(Share& share) {
  while (!share.runs.empty()) {
    std::size_t const n = std::min<std::size_t>(share.per_call, share.runs.size());
    std::vector<RunSpec> some{std::make_move_iterator(share.runs.end() - static_cast<std::ptrdiff_t>(n)),
                              std::make_move_iterator(share.runs.end())};
    share.runs.resize(share.runs.size() - n);
    if (!co_await share.store->submit(std::move(some))) throw std::runtime_error{"submit failed"};
  }
}

Awaitable<void> complete_some(Share& share, std::vector<Claim> claims) {
  std::vector<Completion> completions;
  for (Claim& claim : claims) completions.push_back({claim.run, claim.token, "result"});
  if (!co_await share.store->complete(std::move(completions))) throw std::runtime_error{"complete failed"};
}

Awaitable<void> claim_some(Share& share) {
  while (share.left > 0) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", share.per_call});
    auto claims = co_await share.store->claim(std::move(demands), seconds{30});
    if (!claims) throw std::runtime_error{"claim failed"};
    if (claims->empty()) break;  // the other callers have the rest in flight
    share.left -= std::min(share.left, claims->size());
    if (share.work == Work::claim_and_complete) {
      co_await complete_some(share, *std::move(claims));
    } else {
      share.claims.insert(share.claims.end(), claims->begin(), claims->end());
    }
  }
}

Awaitable<void> complete_all(Share& share) {
  while (!share.claims.empty()) {
    std::size_t const n = std::min<std::size_t>(share.per_call, share.claims.size());
    std::vector<Claim> some{share.claims.end() - static_cast<std::ptrdiff_t>(n), share.claims.end()};
    share.claims.resize(share.claims.size() - n);
    co_await complete_some(share, std::move(some));
  }
}

void together(asio::io_context& io, std::size_t callers, Awaitable<void> (*act)(Share&), Share& share) {
  std::size_t running = callers;
  for (std::size_t i = 0; i < callers; ++i) {
    asio::co_spawn(io, act(share), [&](std::exception_ptr failure) {
      --running;
      if (failure) std::rethrow_exception(failure);
    });
  }
  io.restart();
  while (running > 0) io.run_one();
}

void store_bench(benchmark::State& state, Backend const& backend, Work work) {
  Bench bench{backend};
  auto const callers = static_cast<std::size_t>(state.range(0));
  Share share{&bench.open.store(), work, static_cast<std::uint32_t>(state.range(1)), 0, {}, {}};
  std::size_t const runs = std::min<std::size_t>(20'000, callers * share.per_call * 50);
  for (auto _ : state) {
    state.PauseTiming();
    share.runs = make_runs(runs);
    share.left = runs;
    if (work != Work::submit) {
      std::uint32_t const wanted = std::exchange(share.per_call, 1000);
      together(bench.io, 2, submit_some, share);
      if (work == Work::complete) together(bench.io, 2, claim_some, share);
      share.per_call = wanted;
    }
    state.ResumeTiming();
    together(bench.io, callers,
             work == Work::submit     ? submit_some
             : work == Work::complete ? complete_all
                                      : claim_some,
             share);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(runs));
}

// A claim's cost must not grow with the backlog: 100 runs claimed (and given back, untimed) out of range(0) ready ones.
void claim_from_backlog(benchmark::State& state) {
  Bench bench{backend_postgres_batch()};
  bench.open.submit(make_runs(1));
  bench.database.ask(
      "WITH added AS (INSERT INTO assay_batch.run (id, seq, tag_set, max_attempts, priority, payload) "
      "SELECT gen_random_uuid(), 100000000 + n, 1, 3, 0, 'payload' FROM generate_series(1, " +
      std::to_string(state.range(0)) +
      ") AS n RETURNING id, seq) "
      "INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority) SELECT id, seq, 1, 0 FROM added");
  bench.database.ask("VACUUM ANALYZE assay_batch.run_ready");
  for (auto _ : state) {
    auto const claims = bench.open.claim(100);
    state.PauseTiming();
    std::vector<ClaimRef> refs;
    for (Claim const& claim : claims) refs.push_back({claim.run, claim.token});
    bench.open.release(std::move(refs));
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 100);
}

void register_all() {
  std::vector<std::pair<std::string, Work>> const kinds = {{"submit", Work::submit},
                                                           {"claim", Work::claim},
                                                           {"complete", Work::complete},
                                                           {"claim_and_complete", Work::claim_and_complete}};
  for (auto const& [name, work] : kinds) {
    for (Backend const& backend : {backend_postgres_batch(), backend_postgres_skip_locked()}) {
      auto* const bench = benchmark::RegisterBenchmark((backend.name + "/" + name).c_str(), store_bench, backend, work);
      bench->ArgNames({"callers", "runs"})->Unit(benchmark::kMillisecond)->UseRealTime();
      bench->Args({1, 1})->Args({64, 1})->Args({2, 100})->Args({4, 100})->Args({4, 500});
    }
  }
  benchmark::RegisterBenchmark("postgres-batch/claim_100_of", claim_from_backlog)
      ->Arg(1'000)
      ->Arg(1'000'000)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

int const registered = (register_all(), 0);

}  // namespace
}  // namespace assay::test
