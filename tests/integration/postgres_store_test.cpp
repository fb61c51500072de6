// What only a PostgreSQL store can get wrong; the contract itself is tests/conformance's.
#include "tests/integration/postgres_fixture.hpp"

#include <gmock/gmock.h>

namespace assay::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

class PostgresStore : public testing::TestWithParam<char const*> {
 protected:
  Backend backend() const {
    return std::string{GetParam()} == "batch" ? backend_postgres_batch() : backend_postgres_skip_locked();
  }
  std::string schema() const { return std::string{"assay_"} + GetParam(); }

  asio::io_context io;
  TestDatabase database;
};

TEST_P(PostgresStore, ARunGoesThroughItsLife) {
  OpenStore store{io, backend(), database.url()};
  RunSpec const run = make_run({"linux"}, 7, std::string("nul\0inside", 10));
  EXPECT_THAT(store.submit({run}), ElementsAre(Outcome::ok));
  EXPECT_THAT(store.submit({run}), ElementsAre(Outcome::already_done));
  EXPECT_EQ(store.find(run.id)->state, RunState::ready);
  EXPECT_EQ(store.claim(1).size(), 0U);
  auto const claims = store.claim(5, {"linux", "x64"});
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims[0].run, run.id);
  EXPECT_EQ(claims[0].attempt, 1);
  EXPECT_EQ(claims[0].payload, run.payload);
  EXPECT_EQ(claims[0].required, run.required);
  EXPECT_EQ(claims[0].priority, 7);
  EXPECT_EQ(store.find(run.id)->state, RunState::claimed);
  EXPECT_EQ(store.find(run.id)->runner, "runner");
  EXPECT_EQ(store.depth().claimed, 1U);
  EXPECT_THAT(store.renew({{run.id, claims[0].token}}, seconds{60}), ElementsAre(Outcome::ok));
  EXPECT_THAT(store.complete({{run.id, claims[0].token, "done"}, {run.id, claims[0].token, "again"}}),
              ElementsAre(Outcome::ok, Outcome::already_done));
  EXPECT_THAT(store.fail({{run.id, claims[0].token, "no"}}), ElementsAre(Outcome::rejected));
  EXPECT_THAT(store.renew({{run.id, claims[0].token}}, seconds{60}), ElementsAre(Outcome::stale_token));
  EXPECT_EQ(store.find(run.id)->result, "done");
  EXPECT_EQ(store.find(run.id)->state, RunState::completed);
  EXPECT_EQ(store.depth().completed, 1U);
  EXPECT_EQ(store.depth().total(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Backends, PostgresStore, testing::Values("batch", "skip_locked"),
                         [](auto const& backend) { return std::string{backend.param}; });

}  // namespace
}  // namespace assay::test
