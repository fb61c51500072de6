// A backlog that a store does not take.
#include "simulated_runners/fleet.hpp"
#include "tests/unit/simulated_runners/fake_coordinator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::HasSubstr;

struct Filling {
  std::optional<Result<void>> result;
  Duration took{};
};

// A fleet's preparation with a minute's time, and 200 ms for each answer.
Filling fill(std::function<FakeFault(FakeRequest const&)> fault, FakeCoordinator& coordinator,
             asio::io_context& context) {
  coordinator.fault = std::move(fault);
  SystemClock const clock;
  FleetPlan plan;
  plan.load.backlog = 2000;
  plan.runners = 1;
  plan.answer_timeout = milliseconds{200};
  plan.coordinators = {coordinator.endpoint()};
  plan.identities = make_identities(plan.fleet, plan.runners, plan.seed);
  plan.submitter_token = make_submitter_token(plan.seed);
  plan.start = clock.now();
  Recorder recorder{Window{plan.start, plan.start + seconds{60}}};
  Fleet fleet{context, clock, std::move(plan), recorder};
  Filling filling;
  auto const course = [](Fleet& f, Clock const& time, FakeCoordinator& fake, Filling& out) -> Awaitable<void> {
    auto const begin = time.now();
    auto result = co_await f.prepare(begin + seconds{60});
    out.result = std::move(result);
    out.took = time.now() - begin;
    co_await f.stop();
    fake.stop();
  };
  asio::co_spawn(context, course(fleet, clock, coordinator, filling), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  while (!filling.result) context.run_one();
  context.poll();
  EXPECT_TRUE(recorder.books().balance());
  return filling;
}

// As a disk that is full for ever: nobody waits for the end of the preparation to hear why.
TEST(Backlog, ThatTheStoreNeverTakesIsGivenUpSoonWithTheStoresWords) {
  asio::io_context context{1};
  FakeCoordinator coordinator{context};
  int tries = 0;
  auto const filling = fill(
      [&tries](FakeRequest const& request) {
        FakeFault fault;
        if (request.is("POST /runs/batch")) fault.kind = FakeFault::Kind::status;
        if (request.is("POST /runs/batch")) ++tries;
        fault.body = R"({"error":{"kind":"unavailable","detail":"No space left on device"}})";
        return fault;
      },
      coordinator, context);
  ASSERT_TRUE(filling.result->has_error());
  EXPECT_EQ(filling.result->error().kind, ErrorKind::timed_out);
  EXPECT_THAT(filling.result->error().detail,
              HasSubstr("the backlog could not be submitted, 2000 runs were missing: No space left on device"));
  EXPECT_LT(filling.took, seconds{30});
  EXPECT_GT(tries, 1) << "a moment's trouble is worth another try";
}

}  // namespace
}  // namespace assay
