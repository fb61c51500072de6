// The fixture of the contract suite: one store of the backend under test, on data of its own, and the verbs of
// ClaimStore as plain blocking calls. A clause is one TEST_P(claim_store, cNN_…); it runs for every registered backend.
// A backend whose server the suite does not know is a failure here, never a silent skip: teach open_data() to start it.
#pragma once

#include "harness/base/async.hpp"
#include "harness/base/random.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/run_coroutine.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::test {

// The place where a backend keeps its data, private to one test.
class StoreData {
 public:
  virtual ~StoreData() = default;
  virtual std::string url() const = 0;
  // For clauses about servers; false: there is no server.
  virtual bool has_server() const { return false; }
  virtual void stop_server() {}
  virtual void crash_server() {}
  virtual void start_server() {}
  // Where the server listens on loopback, and the URL over another port there. 0: nowhere.
  virtual std::uint16_t server_port() const { return 0; }
  virtual std::string url_over([[maybe_unused]] std::uint16_t port) const { return url(); }
  // From now on no more than this many bytes fit on the disk. 0: that can't be done to this kind of data.
  virtual std::size_t fill_disk() { return 0; }
  virtual void free_disk() {}
};

// Named as its tests are to be listed: conformance/claim_store.c06_no_double_claim/postgres_batch.
class claim_store : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;
  void TearDown() override;

  Capabilities const& can() const { return backend_->capabilities; }
  ClaimStore& store() { return *stores_.front(); }
  // Opened on the same data, as another coordinator would; the same store for backends that serve one coordinator only.
  ClaimStore& another_coordinator();
  // Closes every store and opens the data again, as a restarted coordinator would.
  void reopen();
  void reopen_on_fresh_data();
  // Around what another process does on the data: it can't while we have it, where one coordinator only is served.
  void leave_data();
  void return_to_data();
  // A store on the same data, or on fresh data where nothing outlives a store.
  std::unique_ptr<ClaimStore> open();
  // With everything that a coordinator opens, on the same data; to be closed by who asked.
  OpenedStore open_whole() { return open_whole(data_->url(), seconds{30}); }
  OpenedStore open_whole(std::string url, Duration patience);
  StoreData& data() { return *data_; }

  template <class T>
  Result<T> ask(Awaitable<Result<T>> call) {
    return run_coroutine(io, std::move(call));
  }

  // The value, or the end of this test.
  template <class T>
  T must(Awaitable<Result<T>> call) {
    Result<T> result = ask(std::move(call));
    if (!result) throw std::runtime_error{to_string(result.error())};
    return std::move(*result);
  }

  RunSpec run(std::string_view tags = "", int priority = 0);
  std::vector<RunSpec> runs(std::size_t count, std::string_view tags = "");
  RunId new_id();

  Outcome submit(RunSpec spec) { return must(store().submit({std::move(spec)})).at(0); }
  std::vector<Outcome> submit(std::vector<RunSpec> specs) { return must(store().submit(std::move(specs))); }
  std::vector<Claim> claim(std::string_view offered, std::uint32_t count, Duration lease = seconds{60});
  std::optional<Claim> claim_one(std::string_view offered = "", Duration lease = seconds{60});
  Outcome renew(Claim const& claim, Duration lease = seconds{60});
  Outcome complete(Claim const& claim, std::string result = "done");
  Outcome fail(Claim const& claim, std::string cause = "broken");
  Outcome release(Claim const& claim);
  SweepResult sweep() { return must(store().sweep(1000)); }
  Depth depth() { return must(store().depth()); }
  std::optional<RunView> find(RunId id) { return must(store().find(id)); }

  // Sweeps until `done` says so; false after `patience`. For what happens when time passes on the store's clock.
  bool sweep_until(std::function<bool(SweepResult const&)> const& done, Duration patience = seconds{20});
  // Sweeps until this lease was found to be over.
  bool lose_lease(Claim const& claim);
  // Lets the store's clock pass; only for what cannot be waited for otherwise.
  void let_pass(Duration time);

  SystemClock clock;
  RetryPolicy retry{milliseconds{150}, seconds{2}};

 private:
  std::unique_ptr<StoreData> data_;  // outlives `io`, see TestDatabase

 protected:
  asio::io_context io;

 private:
  Backend const* backend_ = nullptr;
  std::vector<std::unique_ptr<ClaimStore>> stores_;
  Random random_{random_seed()};
};

std::vector<ClaimRef> refs(std::vector<Claim> const& claims);
std::vector<Completion> completions(std::vector<Claim> const& claims);
std::vector<Demand> one_demand(std::string_view offered, std::uint32_t count, std::string runner = "runner");

#define SKIP_WITHOUT_SERVER() \
  if (!data().has_server()) GTEST_SKIP() << GetParam() << " has no server that could go away"

#define SKIP_UNLESS(declared) \
  if (!can().declared) GTEST_SKIP() << GetParam() << " declares that it cannot do this: " #declared

}  // namespace assay::test
