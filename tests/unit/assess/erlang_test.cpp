#include "harness/assess/erlang.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace assay {
namespace {

struct Cell {
  int servers;
  double per_minute, mean_s, over_5_s, p99_s;
};

class erlang_table : public testing::TestWithParam<Cell> {};

TEST_P(erlang_table, is_that_of_the_method) {
  auto const [servers, per_minute, mean_s, over_5_s, p99_s] = GetParam();
  ErlangC const queue{.servers = servers, .arrivals_per_s = per_minute / 60, .mean_service_s = mean_s};
  EXPECT_NEAR(queue.waits_longer_than(5), over_5_s, 6e-6);
  EXPECT_NEAR(queue.wait_quantile_s(0.99), p99_s, 6e-3);
}

INSTANTIATE_TEST_SUITE_P(method, erlang_table,
                         testing::Values(Cell{10, 20, 24, .26975, 44.54}, Cell{50, 100, 24, .01083, 5.19},
                                         Cell{50, 100, 27, .14415, 19.41}, Cell{100, 200, 24, .00030, 0.81},
                                         Cell{500, 1000, 27, 0, 0.11}),
                         [](auto const& cell) {
                           return std::to_string(cell.param.servers) + "_runners_" +
                                  std::to_string(static_cast<int>(cell.param.mean_s)) + "_s";
                         });

TEST(erlang_c, of_one_server_is_the_textbook_queue) {
  ErlangC const queue{.servers = 1, .arrivals_per_s = 0.5, .mean_service_s = 1};
  EXPECT_NEAR(queue.waits(), 0.5, 1e-12);
  EXPECT_NEAR(queue.waits_longer_than(2), 0.5 * std::exp(-1.0), 1e-12);
  EXPECT_EQ(queue.wait_quantile_s(0.4), 0);
}

TEST(erlang_c, is_stable_for_ten_thousand_servers) {
  ErlangC const busy{.servers = 10'000, .arrivals_per_s = 9'950, .mean_service_s = 1};
  EXPECT_GT(busy.waits(), 0.4);  // Halfin–Whitt: β = 0.5 gives 0.504
  EXPECT_LT(busy.waits(), 0.6);
  ErlangC const idle{.servers = 10'000, .arrivals_per_s = 1'000, .mean_service_s = 1};
  EXPECT_GE(idle.waits(), 0);
  EXPECT_LT(idle.waits(), 1e-100);
  EXPECT_EQ(idle.wait_quantile_s(0.99), 0);
}

TEST(erlang_c, has_no_finite_wait_when_overloaded) {
  ErlangC const queue{.servers = 10, .arrivals_per_s = 1, .mean_service_s = 10};
  EXPECT_EQ(queue.waits_longer_than(1e6), 1);
  EXPECT_TRUE(std::isinf(queue.wait_quantile_s(0.5)));
}

}  // namespace
}  // namespace assay
