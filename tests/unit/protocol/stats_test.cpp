// Statistics survive the wire, add up over coordinators and subtract over time.
#include "reference_coordinator/protocol/stats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::protocol {
namespace {

using testing::HasSubstr;

// Every value differs from every other, so that no two can be mixed up.
CoordinatorStats sample(std::uint64_t scale = 1) {
  CoordinatorStats stats;
  stats.backend = "memory";
  stats.taken_at = TimePoint{seconds{1000 * scale}};
  std::uint64_t next = 1;
  for (auto* const number : {&stats.uptime_ns,
                             &stats.connections,
                             &stats.parked_polls,
                             &stats.batches_in_flight,
                             &stats.resident_bytes,
                             &stats.connections_accepted,
                             &stats.connections_refused,
                             &stats.connections_timed_out,
                             &stats.empty_polls,
                             &stats.abandoned_polls,
                             &stats.delivered_claims,
                             &stats.undelivered_claims,
                             &stats.offered_again,
                             &stats.loop_stalls,
                             &stats.cpu_user_ns,
                             &stats.cpu_system_ns,
                             &stats.matcher.batches,
                             &stats.matcher.claims,
                             &stats.matcher.dead_letters,
                             &stats.store.counters.claim_attempts,
                             &stats.store.counters.claim_conflicts}) {
    *number = next++ * scale;
  }
  stats.requests[{"POST /runs", 201}] = 100 * scale;
  stats.requests[{"GET /runs/{id}", 404}] = 101 * scale;
  for (std::size_t i = 0; i < store_operation_count; ++i) {
    auto& operation = stats.store.operations[i];
    operation.calls = (200 + i) * scale;
    operation.outcomes[i % 7] = (300 + i) * scale;
    operation.errors[i % 6] = (400 + i) * scale;
    operation.latency.record(static_cast<std::int64_t>(1000 * (i + 1)), static_cast<std::int64_t>(scale));
  }
  stats.dispatch_wait.record(1'000'000, static_cast<std::int64_t>(scale));
  stats.claim_commit.record(-5, static_cast<std::int64_t>(scale));
  stats.response_write.record(std::int64_t{1} << 60U, static_cast<std::int64_t>(scale));
  stats.depth = Depth{1, 2, 3, 4, 5, milliseconds{6}};
  return stats;
}

void expect_equal(CoordinatorStats const& a, CoordinatorStats const& b) {
  auto const left = list_metrics(a), right = list_metrics(b);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].number != nullptr) {
      EXPECT_EQ(*left[i].number, *right[i].number) << left[i].name << " " << left[i].labels[0].second;
    } else {
      EXPECT_EQ(*left[i].histogram, *right[i].histogram) << left[i].name << " " << left[i].labels[0].second;
    }
  }
  EXPECT_EQ(a.requests, b.requests);
}

TEST(Stats, SurviveTheWire) {
  auto const decoded = decode_stats(encode(sample()));
  ASSERT_TRUE(decoded) << to_string(decoded.error());
  expect_equal(*decoded, sample());
  EXPECT_EQ(decoded->backend, "memory");
  EXPECT_EQ(decoded->taken_at, sample().taken_at);
  ASSERT_TRUE(decoded->depth);
  EXPECT_EQ(decoded->depth->total(), 15U);
  EXPECT_EQ(decoded->depth->oldest_ready_age, milliseconds{6});
  EXPECT_EQ(decoded->claim_commit.below_range(), 1);
  EXPECT_EQ(decoded->response_write.above_range(), 1);
}

TEST(Stats, SurviveTheWireWithoutDepth) {
  auto const decoded = decode_stats(encode(CoordinatorStats{}));
  ASSERT_TRUE(decoded) << to_string(decoded.error());
  EXPECT_FALSE(decoded->depth);
}

TEST(Stats, NoTwoValuesShareAName) {
  CoordinatorStats const stats;
  std::set<std::string> names;
  for (auto const& metric : list_metrics(stats)) {
    std::string name{metric.name};
    for (auto const& [key, value] : metric.labels) name.append("/").append(value);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_FALSE(metric.help.empty()) << name;
  }
}

TEST(Stats, SinceIsWhatHappenedBetween) {
  auto const difference = sample(3).since(sample(1));
  ASSERT_TRUE(difference);
  auto expected = sample(2);
  auto const later = sample(3);
  expected.uptime_ns = later.uptime_ns;  // gauges are the later ones
  expected.connections = later.connections;
  expected.parked_polls = later.parked_polls;
  expected.batches_in_flight = later.batches_in_flight;
  expected.resident_bytes = later.resident_bytes;
  expect_equal(*difference, expected);
}

TEST(Stats, NothingHappenedSinceNow) {
  auto const difference = sample().since(sample());
  ASSERT_TRUE(difference);
  EXPECT_TRUE(difference->requests.empty());
  EXPECT_EQ(difference->delivered_claims, 0U);
  EXPECT_TRUE(difference->dispatch_wait.empty());
}

TEST(Stats, ARestartedCoordinatorIsNoticed) {
  EXPECT_FALSE(sample(1).since(sample(2)));
  auto fewer = sample(2);
  fewer.requests.erase({"POST /runs", 201});
  EXPECT_FALSE(fewer.since(sample(1)));
}

TEST(Stats, SeveralCoordinatorsAddUpButShareTheirStore) {
  auto sum = sample(1);
  sum.add(sample(2));
  auto const expected = sample(3);
  expect_equal(sum, expected);
  EXPECT_EQ(sum.depth->total(), 15U);
}

TEST(Stats, DamageIsToldWithItsPlace) {
  auto const text = encode(sample());
  auto const why = [](std::string const& damaged) {
    auto const decoded = decode_stats(damaged);
    return decoded ? "accepted" : decoded.error().detail;
  };
  auto const replaced = [&](std::string const& from, std::string const& to) {
    auto copy = text;
    copy.replace(copy.find(from), from.size(), to);
    return copy;
  };
  EXPECT_THAT(why(replaced("\"connections_refused\"", "\"connections_ref\"")),
              HasSubstr("counters/connections_refused: missing"));
  EXPECT_THAT(why(replaced("\"connections\":2", "\"connections\":-2")),
              HasSubstr("gauges/connections: this: a count is expected, found -2"));
  EXPECT_THAT(why(replaced("\"hdr\":\"HIST", "\"hdr\":\"HITS")), HasSubstr("histograms/dispatch_wait_ns"));
  EXPECT_THAT(why("{}"), HasSubstr("backend: missing"));
}

}  // namespace
}  // namespace assay::protocol
