#include "simulated_runners/identity.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <set>

namespace assay {
namespace {

FleetSpec fleet_of(std::vector<RunnerKind> kinds) {
  FleetSpec fleet;
  fleet.kinds = std::move(kinds);
  return fleet;
}

TEST(Identity, KindsAreDealtByShareEverywhere) {
  auto const identities = make_identities(fleet_of({{{"linux"}, 3}, {{"gpu", "linux"}, 1}, {{}, 1}}), 1000, 1);
  std::array<int, 3> dealt{};
  for (std::size_t i = 0; i < identities.size(); ++i) {
    ++dealt.at(identities[i].kind);
    auto const seen = static_cast<double>(i + 1);
    ASSERT_NEAR(dealt[0], seen * 0.6, 1.0) << "after " << seen;
    ASSERT_NEAR(dealt[1], seen * 0.2, 1.0) << "after " << seen;
  }
  EXPECT_EQ(dealt, (std::array<int, 3>{600, 200, 200}));
  EXPECT_EQ(identities[0].tags, std::vector<std::string>{"linux"});
}

TEST(Identity, TokensDifferBetweenRunnersAndSeeds) {
  std::set<std::string> tokens;
  for (std::uint64_t seed : {1U, 2U}) {
    for (auto const& identity : make_identities(fleet_of({{{}, 1}}), 500, seed)) tokens.insert(identity.token);
    tokens.insert(make_submitter_token(seed));
  }
  EXPECT_EQ(tokens.size(), 1002U);
  EXPECT_EQ(tokens.begin()->size(), 32U);
}

TEST(Identity, OneSeedIsOneFleet) {
  auto const fleet = fleet_of({{{"a"}, 1}, {{"b"}, 2}});
  EXPECT_EQ(identities_json(make_identities(fleet, 20, 9), make_submitter_token(9)),
            identities_json(make_identities(fleet, 20, 9), make_submitter_token(9)));
}

TEST(Identity, TheFileHasTheCoordinatorsForm) {
  auto const identities = make_identities(fleet_of({{{"linux", "x86"}, 1}}), 2, 5);
  auto const file = boost::json::parse(identities_json(identities, "secret")).as_object();
  auto const& first = file.at("runners").as_array().at(0).as_object();
  EXPECT_EQ(first.at("token").as_string(), identities[0].token);
  EXPECT_EQ(first.at("name").as_string(), "runner-1");
  EXPECT_EQ(boost::json::serialize(first.at("tags")), R"(["linux","x86"])");
  auto const& submitter = file.at("submitters").as_array().at(0).as_object();
  EXPECT_EQ(submitter.at("token").as_string(), "secret");
}

}  // namespace
}  // namespace assay
