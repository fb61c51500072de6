// What the PostgreSQL integration tests share: stores opened on a fresh database of a real server, calls without
// co_await, and runs to submit.
#pragma once

#include "harness/base/random.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/run_coroutine.hpp"

#include <memory>
#include <string>
#include <vector>

namespace assay {

Backend backend_postgres_batch();
Backend backend_postgres_skip_locked();
Backend backend_postgres_optimistic();
Backend backend_postgres_cas();

namespace test {

class OpenStore {
 public:
  OpenStore(asio::io_context& io, Backend const& backend, std::string url, StoreOptions options = {}) : io_{io} {
    options.url = std::move(url);
    Result<OpenedStore> opened = run_coroutine(io_, backend.open(io_, clock_, std::move(options)));
    if (!opened) throw std::runtime_error{to_string(opened.error())};
    opened_ = *std::move(opened);
  }
  ~OpenStore() {
    if (opened_.wake_up) run_coroutine(io_, opened_.wake_up->close());
    if (opened_.store) run_coroutine(io_, opened_.store->close());
  }
  OpenStore(OpenStore const&) = delete;
  OpenStore& operator=(OpenStore const&) = delete;

  ClaimStore& store() { return *opened_.store; }
  StoreFacts const& facts() const { return opened_.facts; }

  // Each waits for the answer and throws when it is an error.
  std::vector<Outcome> submit(std::vector<RunSpec> runs) { return get(store().submit(std::move(runs))); }
  std::vector<Claim> claim(std::vector<Demand> demands, Duration lease = seconds{30}) {
    return get(store().claim(std::move(demands), lease));
  }
  std::vector<Claim> claim(std::uint32_t count, std::vector<std::string> offered = {}) {
    return claim({Demand{TagSet{std::move(offered)}, "runner", count}});
  }
  std::vector<Outcome> complete(std::vector<Completion> c) { return get(store().complete(std::move(c))); }
  std::vector<Outcome> fail(std::vector<FailedAttempt> f) { return get(store().fail(std::move(f))); }
  std::vector<Outcome> renew(std::vector<ClaimRef> c, Duration lease) {
    return get(store().renew(std::move(c), lease));
  }
  std::vector<Outcome> release(std::vector<ClaimRef> c) { return get(store().release(std::move(c))); }
  SweepResult sweep(std::size_t max = 1000) { return get(store().sweep(max)); }
  Depth depth() { return get(store().depth()); }
  std::optional<RunView> find(RunId id) { return get(store().find(id)); }

  template <class T>
  T get(Awaitable<Result<T>> work) {
    Result<T> result = run_coroutine(io_, std::move(work));
    if (!result) throw std::runtime_error{to_string(result.error())};
    return *std::move(result);
  }

 private:
  asio::io_context& io_;
  SystemClock clock_;
  OpenedStore opened_;
};

inline RunSpec make_run(std::vector<std::string> required = {}, int priority = 0, std::string payload = "payload") {
  static Random random{random_seed()};
  static std::uint64_t ms = 1'700'000'000'000;
  RunSpec run;
  run.id = make_run_id(++ms, random);
  run.required = TagSet{std::move(required)};
  run.priority = priority;
  run.payload = std::move(payload);
  return run;
}

inline std::vector<RunSpec> make_runs(std::size_t count) {
  std::vector<RunSpec> runs;
  for (std::size_t i = 0; i < count; ++i) runs.push_back(make_run());
  return runs;
}

}  // namespace test
}  // namespace assay
