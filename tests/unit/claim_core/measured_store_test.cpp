#include "reference_coordinator/claim_core/measured_store.hpp"

#include "harness/base/random.hpp"
#include "tests/unit/claim_core/forwarding_store.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace assay {

namespace {

// Takes the time it is told to take, on a manual clock, and errs on demand.
class SlowStore final : public test::ForwardingStore {
 public:
  SlowStore(asio::io_context& io, ManualClock& clock) : ForwardingStore{io, clock}, clock_{clock} {}

  Duration takes{};
  std::optional<Error> error;

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override {
    clock_.advance(takes);
    if (error) co_return *error;
    auto result = co_await ForwardingStore::submit(std::move(runs));
    co_return result;
  }
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    clock_.advance(takes);
    if (error) co_return *error;
    auto result = co_await ForwardingStore::claim(std::move(demands), lease);
    co_return result;
  }
  std::size_t pending_writes() const override { return 7; }

 private:
  ManualClock& clock_;
};

class MeasuredStoreTest : public testing::Test {
 protected:
  MeasuredStoreTest() {
    auto slow_store = std::make_unique<SlowStore>(io, clock);
    slow = slow_store.get();
    measured = std::make_unique<MeasuredStore>(std::move(slow_store), clock);
  }

  std::vector<RunSpec> runs(std::size_t count) {
    std::vector<RunSpec> specs(count);
    for (RunSpec& spec : specs) spec.id = make_run_id(1, random);
    return specs;
  }

  asio::io_context io;
  ManualClock clock{TimePoint{seconds{1}}};
  Random random{1};
  SlowStore* slow = nullptr;
  std::unique_ptr<MeasuredStore> measured;
};

TEST_F(MeasuredStoreTest, KeepsLatencyItemsAndOutcomesPerOperation) {
  slow->takes = milliseconds{4};
  auto specs = runs(3);
  test::run_coroutine(io, measured->submit(specs));
  slow->takes = milliseconds{8};
  test::run_coroutine(io, measured->submit({specs[0]}));

  StoreSnapshot const snapshot = measured->snapshot();
  auto const& submit = snapshot.of(StoreOperation::submit);
  EXPECT_EQ(submit.calls, 2U);
  EXPECT_EQ(submit.items, 4U);
  EXPECT_EQ(submit.in_flight, 0U);
  EXPECT_EQ(submit.outcome(Outcome::ok), 3U);
  EXPECT_EQ(submit.outcome(Outcome::already_done), 1U);
  EXPECT_EQ(submit.latency.count(), 2);
  EXPECT_NEAR(static_cast<double>(submit.latency.value_at_quantile(0.5)), 4e6, 4e3);
  EXPECT_NEAR(static_cast<double>(submit.latency.max()), 8e6, 8e3);
  EXPECT_EQ(snapshot.of(StoreOperation::claim).calls, 0U);
  EXPECT_EQ(snapshot.pending_writes, 7U);
}

TEST_F(MeasuredStoreTest, CountsEmptyClaimsAndErrorsByKindAndTimesBoth) {
  std::vector<Demand> demands;
  demands.push_back({TagSet{}, "runner", 5});
  EXPECT_TRUE(test::run_coroutine(io, measured->claim(demands, seconds{1}))->empty());
  test::run_coroutine(io, measured->submit(runs(2)));
  EXPECT_EQ(test::run_coroutine(io, measured->claim(demands, seconds{1}))->size(), 2U);
  slow->takes = seconds{3};
  slow->error = Error{ErrorKind::in_doubt, "cut off"};
  auto const failed = test::run_coroutine(io, measured->claim(demands, seconds{1}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "cut off");

  StoreSnapshot const snapshot = measured->snapshot();
  auto const& claim = snapshot.of(StoreOperation::claim);
  EXPECT_EQ(claim.calls, 3U);
  EXPECT_EQ(claim.items, 15U);
  EXPECT_EQ(claim.empty, 1U);
  EXPECT_EQ(claim.outcome(Outcome::ok), 2U);
  EXPECT_EQ(claim.error(ErrorKind::in_doubt), 1U);
  EXPECT_EQ(claim.error(ErrorKind::unavailable), 0U);
  EXPECT_EQ(claim.latency.count(), 3);
  EXPECT_NEAR(static_cast<double>(claim.latency.max()), 3e9, 3e6);
}

TEST_F(MeasuredStoreTest, PassesEveryVerbOn) {
  auto specs = runs(4);
  test::run_coroutine(io, measured->submit(specs));
  std::vector<Demand> demands;
  demands.push_back({TagSet{}, "runner", 4});
  auto const claims = *test::run_coroutine(io, measured->claim(demands, seconds{1}));
  ASSERT_EQ(claims.size(), 4U);
  std::vector<ClaimRef> const first{{claims[0].run, claims[0].token}};
  EXPECT_EQ(test::run_coroutine(io, measured->renew(first, seconds{1}))->at(0), Outcome::ok);
  EXPECT_EQ(test::run_coroutine(io, measured->complete({{claims[0].run, claims[0].token, "done"}}))->at(0),
            Outcome::ok);
  EXPECT_EQ(test::run_coroutine(io, measured->fail({{claims[1].run, claims[1].token, "broken"}}))->at(0), Outcome::ok);
  EXPECT_EQ(test::run_coroutine(io, measured->release({{claims[2].run, claims[2].token}}))->at(0), Outcome::ok);
  clock.advance(seconds{10});
  SweepResult const swept = *test::run_coroutine(io, measured->sweep(10));
  EXPECT_EQ(swept.requeued.size(), 1U);
  EXPECT_EQ(swept.released, 1U);
  EXPECT_EQ(test::run_coroutine(io, measured->depth())->completed, 1U);
  EXPECT_TRUE(test::run_coroutine(io, measured->find(specs[0].id))->has_value());
  EXPECT_FALSE(test::run_coroutine(io, measured->find(RunId{}))->has_value());

  StoreSnapshot const snapshot = measured->snapshot();
  for (StoreOperationStats const& stats : snapshot.operations) {
    EXPECT_GE(stats.calls, 1U);
    EXPECT_EQ(stats.in_flight, 0U);
  }
  EXPECT_EQ(snapshot.of(StoreOperation::sweep).outcome(Outcome::ok), 2U);
  EXPECT_EQ(snapshot.of(StoreOperation::find).empty, 1U);
  EXPECT_EQ(snapshot.counters.claim_attempts, 4U) << "runs that were tried for";
  test::run_coroutine(io, measured->close());
}

}  // namespace
}  // namespace assay
