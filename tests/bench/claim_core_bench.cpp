// What the stores can do: runs per second through ClaimStore, per backend, by concurrent callers, runs per call,
// coordinators (stores opened on the same data, callers spread over them), connections of each, and backlog. PostgreSQL
// is private and durable; client and server share the machine, as they do in an assessment. `claims_per_attempt` tells
// what was lost in races. For instance:
//   bench_claim_core --benchmark_filter='/claim_and_complete/callers:4/runs:100'
#include "harness/services/redis_service.hpp"
#include "harness/services/service.hpp"
#include "tests/integration/postgres_fixture.hpp"

#include <benchmark/benchmark.h>

namespace assay::test {
namespace {

struct Bench {
  Bench(Backend const& backend, std::int64_t coordinators, std::int64_t connections) {
    std::string url;
    if (backend.service == "postgresql") url = database.emplace().url();
    if (backend.service == "file") url = file.emplace().url();
    if (backend.service == "redis") url = redis.emplace().url();
    StoreOptions options;
    options.connections = backend.service == "postgresql" ? static_cast<int>(connections) : 0;
    for (std::int64_t i = 0; i < coordinators; ++i) {
      open.push_back(std::make_unique<OpenStore>(io, backend, url, options));
    }
  }
  std::vector<ClaimStore*> stores() {
    std::vector<ClaimStore*> stores;
    for (auto const& each : open) stores.push_back(&each->store());
    return stores;
  }

  std::optional<TestDatabase> database;
  asio::io_context io;
  std::optional<PrivateFile> file;
  std::optional<PrivateRedis> redis;
  std::vector<std::unique_ptr<OpenStore>> open;
};

enum class Work { submit, claim, complete, claim_and_complete };

struct Share {
  std::vector<ClaimStore*> stores;
  Work work;
  std::uint32_t per_call;
  std::size_t left;  // of this round, for all callers
  std::vector<RunSpec> runs;
  std::vector<Claim> claims;
};

Awaitable<void> submit_some(Share& share, ClaimStore& store) {
  while (!share.runs.empty()) {
    std::size_t const n = std::min<std::size_t>(share.per_call, share.runs.size());
    std::vector<RunSpec> some{std::make_move_iterator(share.runs.end() - static_cast<std::ptrdiff_t>(n)),
                              std::make_move_iterator(share.runs.end())};
    share.runs.resize(share.runs.size() - n);
    if (!co_await store.submit(std::move(some))) throw std::runtime_error{"submit failed"};
  }
}

Awaitable<void> complete_some(ClaimStore& store, std::vector<Claim> claims) {
  std::vector<Completion> completions;
  for (Claim& claim : claims) completions.push_back({claim.run, claim.token, "result"});
  if (!co_await store.complete(std::move(completions))) throw std::runtime_error{"complete failed"};
}

Awaitable<void> claim_some(Share& share, ClaimStore& store) {
  while (share.left > 0) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", share.per_call});
    auto claims = co_await store.claim(std::move(demands), seconds{30});
    if (!claims) throw std::runtime_error{"claim failed"};
    if (claims->empty()) break;  // the other callers have the rest in flight
    share.left -= std::min(share.left, claims->size());
    if (share.work == Work::claim_and_complete) {
      co_await complete_some(store, *std::move(claims));
    } else {
      share.claims.insert(share.claims.end(), claims->begin(), claims->end());
    }
  }
}

Awaitable<void> complete_all(Share& share, ClaimStore& store) {
  while (!share.claims.empty()) {
    std::size_t const n = std::min<std::size_t>(share.per_call, share.claims.size());
    std::vector<Claim> some{share.claims.end() - static_cast<std::ptrdiff_t>(n), share.claims.end()};
    share.claims.resize(share.claims.size() - n);
    co_await complete_some(store, std::move(some));
  }
}

void together(asio::io_context& io, std::size_t callers, Awaitable<void> (*act)(Share&, ClaimStore&), Share& share) {
  std::size_t running = callers;
  for (std::size_t i = 0; i < callers; ++i) {
    asio::co_spawn(io, act(share, *share.stores[i % share.stores.size()]), [&](std::exception_ptr failure) {
      --running;
      if (failure) std::rethrow_exception(failure);
    });
  }
  io.restart();
  while (running > 0) io.run_one();
}

StoreCounters sum_of_counters(std::vector<ClaimStore*> const& stores) {
  StoreCounters sum;
  for (ClaimStore const* store : stores) {
    sum.claim_attempts += store->counters().claim_attempts;
    sum.claim_conflicts += store->counters().claim_conflicts;
  }
  return sum;
}

void store_bench(benchmark::State& state, Backend const& backend, Work work) {
  Bench bench{backend, state.range(2), state.range(3)};
  auto const callers = static_cast<std::size_t>(state.range(0));
  Share share{bench.stores(), work, static_cast<std::uint32_t>(state.range(1)), 0, {}, {}};
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
  auto const counters = sum_of_counters(share.stores);
  if (counters.claim_attempts > 0) {
    state.counters["claims_per_attempt"] = static_cast<double>(state.iterations() * static_cast<std::int64_t>(runs)) /
                                           static_cast<double>(counters.claim_attempts);
    state.counters["lost_races"] = static_cast<double>(counters.claim_conflicts);
  }
}

// A claim's cost should not grow with the backlog: 100 runs claimed, and given back untimed, out of range(0) ready
// ones.
void claim_from_backlog(benchmark::State& state, Backend const& backend) {
  Bench bench{backend, 1, 0};
  OpenStore& open = *bench.open.front();
  for (std::int64_t left = state.range(0); left > 0; left -= 1000) open.submit(make_runs(1000));
  for (auto _ : state) {
    auto const claims = open.claim(100);
    state.PauseTiming();
    std::vector<ClaimRef> refs;
    for (Claim const& claim : claims) refs.push_back({claim.run, claim.token});
    open.release(std::move(refs));
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 100);
}

struct Tagged {
  std::vector<ClaimStore*> stores;
  std::vector<TagSet> offers;  // who asks next, in turn
  std::uint32_t per_offer;
  std::size_t left = 0, next = 0;
};

Awaitable<void> claim_tagged(Tagged& share, ClaimStore& store) {
  while (share.left > 0) {
    std::vector<Demand> demands;
    for (std::uint32_t asked = 0; asked < 100; asked += share.per_offer) {
      demands.push_back({share.offers[share.next++ % share.offers.size()], "runner", share.per_offer});
    }
    auto claims = co_await store.claim(std::move(demands), seconds{30});
    if (!claims) throw std::runtime_error{"claim failed"};
    share.left -= std::min(share.left, claims->size());
    if (!claims->empty()) co_await complete_some(store, *std::move(claims));
  }
}

// 20,000 ready runs of range(0) tag sets and range(1) priorities; 4 callers claim 100 at a time and complete them. With
// range(2) 0 each caller takes any run; otherwise it speaks for runners that fit one tag set each, and so for 100
// different ones at a time.
void claim_tag_sets(benchmark::State& state, Backend const& backend) {
  Bench bench{backend, 1, 0};
  constexpr std::size_t runs = 20'000;
  std::size_t const tag_sets = static_cast<std::size_t>(state.range(0));
  Tagged share;
  for (auto const& open : bench.open) share.stores.push_back(&open->store());
  std::vector<std::string> all;
  for (std::size_t i = 0; i < tag_sets; ++i) all.push_back("tag-" + std::to_string(i));
  if (state.range(2) != 0) {
    for (std::string const& tag : all) share.offers.push_back(TagSet{{tag}});
  } else {
    share.offers.push_back(TagSet{all});
  }
  share.per_offer = state.range(2) != 0 ? 1 : 100;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::size_t made = 0; made < runs;) {
      std::vector<RunSpec> some;
      for (; some.size() < 1000; ++made) {
        some.push_back(
            make_run({all[made % tag_sets]}, static_cast<int>(made / tag_sets) % static_cast<int>(state.range(1))));
      }
      bench.open.front()->submit(std::move(some));
    }
    share.left = runs;
    state.ResumeTiming();
    std::size_t running = 4;
    for (std::size_t i = 0; i < 4; ++i) {
      asio::co_spawn(bench.io, claim_tagged(share, *share.stores.front()), [&](std::exception_ptr failure) {
        --running;
        if (failure) std::rethrow_exception(failure);
      });
    }
    bench.io.restart();
    while (running > 0) bench.io.run_one();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(runs));
}

void register_all() {
  std::vector<std::pair<std::string, Work>> const kinds = {{"submit", Work::submit},
                                                           {"claim", Work::claim},
                                                           {"complete", Work::complete},
                                                           {"claim_and_complete", Work::claim_and_complete}};
  for (Backend const& backend : all_backends()) {
    if (!backend.missing.empty()) continue;
    for (auto const& [name, work] : kinds) {
      auto* const bench = benchmark::RegisterBenchmark((backend.name + "/" + name).c_str(), store_bench, backend, work);
      bench->ArgNames({"callers", "runs", "coordinators", "connections"})->Unit(benchmark::kMillisecond)->UseRealTime();
      bench->Args({1, 1, 1, 0})->Args({64, 1, 1, 0})->Args({2, 100, 1, 0})->Args({4, 100, 1, 0})->Args({4, 500, 1, 0});
      if (backend.service == "postgresql") bench->Args({64, 1, 1, 32});
      if (backend.capabilities.several_coordinators) bench->Args({64, 1, 4, 0});
    }
    if (backend.name == "memory" || backend.name == "postgres-batch") {
      benchmark::RegisterBenchmark((backend.name + "/claim_tag_sets").c_str(), claim_tag_sets, backend)
          ->ArgNames({"tag_sets", "priorities", "one_each"})
          ->Args({1, 1, 0})
          ->Args({300, 5, 0})
          ->Args({300, 5, 1})
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
    benchmark::RegisterBenchmark((backend.name + "/claim_100_of").c_str(), claim_from_backlog, backend)
        ->Arg(1'000)
        ->Arg(100'000)
        ->Arg(1'000'000)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

int const registered = (register_all(), 0);

}  // namespace
}  // namespace assay::test
