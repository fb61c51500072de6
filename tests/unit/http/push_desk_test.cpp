// The gateway's desk over the memory backend, with a gate that lets the test stand between a claim and its dispatch.
#include "reference_coordinator/http/push_desk.hpp"

#include "tests/unit/claim_core/forwarding_store.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace assay {
namespace {

class GatedStore final : public test::ForwardingStore {
 public:
  GatedStore(asio::io_context& io, Clock const& clock) : ForwardingStore{io, clock}, opened_{io.get_executor()} {}

  bool held = false;
  int failing_claims = 0;
  int answered_claims = 0;  // by the store behind the gate
  void open() {
    held = false;
    opened_.notify();
  }

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    if (failing_claims > 0) {
      --failing_claims;
      co_return Error{ErrorKind::unavailable, "the gate says no"};
    }
    auto result = co_await ForwardingStore::claim(std::move(demands), lease);
    ++answered_claims;
    while (held) co_await opened_.wait_until();
    co_return result;
  }

 private:
  Signal opened_;
};

struct Line final : PushLine {
  std::vector<Claim> pushed;
  protocol::ClaimTimes times;  // of the last one
  void push(Claim claim, protocol::ClaimTimes told) override {
    pushed.push_back(std::move(claim));
    times = told;
  }
};

struct PushDeskTest : testing::Test {
  asio::io_context io{1};
  ManualClock clock{TimePoint{std::chrono::hours{1}}};
  GatedStore store{io, clock};
  protocol::CoordinatorStats counts;
  Matcher matcher{io.get_executor(), clock, store, {}};
  std::vector<std::pair<ClaimRef, Outcome>> broken;
  std::optional<PushDesk> desk;
  std::uint64_t runs = 0;

  void open_desk(PushOptions options = {}) {
    options.on_broken = [this](ClaimRef const& claim, Result<Outcome> const& outcome, std::string const&) {
      broken.emplace_back(claim, outcome.value());
    };
    desk.emplace(io.get_executor(), clock, store, matcher, counts, std::move(options));
    desk->start();
  }

  RunId submit(std::vector<std::string> tags = {}) {
    RunSpec spec;
    spec.id.bytes[15] = static_cast<std::uint8_t>(++runs);
    spec.id.bytes[14] = static_cast<std::uint8_t>(runs >> 8U);
    spec.required = TagSet{std::move(tags)};
    RunId const id = spec.id;
    std::vector<RunSpec> batch{std::move(spec)};
    asio::co_spawn(io, store.submit(std::move(batch)), asio::detached);
    settle();
    if (desk) desk->work_may_exist();
    settle();
    return id;
  }

  // Everything that can happen without time passing.
  void settle() {
    io.restart();
    while (io.poll() > 0) {
    }
  }
  void settle_until(std::function<bool()> const& done) {
    io.restart();
    while (!done() && io.run_one() > 0) {
    }
    settle();
  }

  void end_run(PushRunnerId runner, Line& line) {
    Claim const claim = line.pushed.back();
    line.pushed.pop_back();
    std::vector<Completion> reports{{claim.run, claim.token, ""}};
    asio::co_spawn(io, store.complete(std::move(reports)), asio::detached);
    desk->ended(runner, claim.run);
    settle();
  }

  void TearDown() override {
    store.open();
    if (desk) desk->begin_stop();
    settle();
  }
};

TEST_F(PushDeskTest, NeverPushesMoreThanARunnerHasSlots) {
  open_desk();
  Line line;
  auto const runner = desk->join(line, "r", TagSet{}, 2, 0);
  for (int i = 0; i < 5; ++i) submit();
  EXPECT_EQ(line.pushed.size(), 2U);
  end_run(runner, line);
  EXPECT_EQ(line.pushed.size(), 2U);
}

TEST_F(PushDeskTest, TellsForTheLedgerWhenTheStoreWasAskedAndWhenItHadAnswered) {
  open_desk();
  Line line;
  submit();
  store.held = true;
  TimePoint const asked = clock.now();
  desk->join(line, "r", TagSet{}, 1, 0);
  settle();
  clock.advance(seconds{3});
  store.open();
  settle();
  ASSERT_EQ(line.pushed.size(), 1U);
  EXPECT_EQ(line.times.asked, asked);
  EXPECT_EQ(line.times.claimed, asked + seconds{3});
}

TEST_F(PushDeskTest, AfterAStopBetweenClaimAndDispatchAFencedDeskThrowsTheOldClaimAway) {
  open_desk();
  Line line;
  submit();
  store.held = true;
  desk->join(line, "r", TagSet{}, 1, 0);
  settle();
  ASSERT_EQ(store.answered_claims, 1);
  clock.advance(seconds{31});
  store.open();
  settle();
  EXPECT_EQ(counts.late_claims, 1U);
  ASSERT_EQ(line.pushed.size(), 1U) << "its next claim has a deadline ahead";
  EXPECT_GT(store.answered_claims, 1);
}

TEST_F(PushDeskTest, AfterAStopBetweenClaimAndDispatchAnUnfencedDeskGivesTheOldClaimOut) {
  PushOptions options;
  options.fenced = false;
  open_desk(options);
  Line line;
  submit();
  store.held = true;
  desk->join(line, "r", TagSet{}, 1, 0);
  settle();
  clock.advance(seconds{31});
  store.open();
  settle();
  EXPECT_EQ(counts.late_claims, 0U);
  EXPECT_EQ(line.pushed.size(), 1U);
  EXPECT_EQ(store.answered_claims, 1);
}

TEST_F(PushDeskTest, LeavingMidRunFailsTheRunButNotWhileTheGatewayStops) {
  open_desk();
  Line line;
  auto runner = desk->join(line, "r", TagSet{}, 1, 0);
  RunId const id = submit();
  ASSERT_EQ(line.pushed.size(), 1U);
  desk->leave(runner);
  settle();
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].first.run, id);
  EXPECT_EQ(broken[0].second, Outcome::ok);
  EXPECT_EQ(counts.broken_runs, 1U);

  Line other;
  runner = desk->join(other, "s", TagSet{}, 1, 0);
  submit();
  ASSERT_EQ(other.pushed.size(), 1U);
  desk->begin_stop();
  desk->leave(runner);
  settle();
  EXPECT_EQ(broken.size(), 1U);
}

TEST_F(PushDeskTest, GivesTheMostDemandingRunsFirstSoThatNoneIsLeftOver) {
  open_desk();
  store.held = true;
  Line plain, capable;
  desk->join(plain, "plain", TagSet{}, 1, 0);
  desk->join(capable, "capable", TagSet{{"gpu"}}, 1, 0);
  settle();
  submit();         // fits both
  submit({"gpu"});  // fits one
  store.open();
  settle();
  ASSERT_EQ(capable.pushed.size(), 1U);
  EXPECT_EQ(capable.pushed[0].required.key(), "gpu");
  EXPECT_EQ(plain.pushed.size(), 1U);
}

TEST_F(PushDeskTest, AsksAgainAfterAnErrorOfTheStore) {
  store.failing_claims = 2;
  open_desk();
  Line line;
  desk->join(line, "r", TagSet{}, 1, 0);
  submit();
  settle_until([&] { return !line.pushed.empty(); });
  EXPECT_EQ(line.pushed.size(), 1U);
}

// Ten long runs of one source are ahead of the others in the queue: first in, first out would serve them all first.
TEST_F(PushDeskTest, AFairDeskServesTheSourceThatCameLater) {
  for (int i = 0; i < 10; ++i) submit({"source:greedy"});
  for (int i = 0; i < 10; ++i) submit({"source:modest"});
  PushOptions options;
  options.fair_by_source = true;
  open_desk(options);
  Line line;
  auto const runner = desk->join(line, "r", TagSet{{"source:greedy", "source:modest"}}, 1, 0);
  settle();
  std::map<std::string, int> first_ten;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(line.pushed.size(), 1U) << "after " << i;
    if (i < 10) ++first_ten[source_of(line.pushed[0].required)];
    clock.advance(seconds{1});
    end_run(runner, line);
  }
  EXPECT_EQ(first_ten["source:greedy"], 5);
  EXPECT_EQ(first_ten["source:modest"], 5);
}

}  // namespace
}  // namespace assay
