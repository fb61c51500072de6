#include "simulated_runners/identity.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace assay {

namespace {

std::string make_token(std::uint64_t seed, std::string_view stream, std::uint64_t index) {
  auto random = Random::stream(seed, stream, index);
  auto const high = random();
  auto const low = random();
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace

std::vector<RunnerIdentity> make_identities(FleetSpec const& fleet, int runners, std::uint64_t seed) {
  auto const kinds = deal_kinds(fleet, runners);
  std::vector<RunnerIdentity> identities;
  identities.reserve(kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    RunnerIdentity identity;
    identity.token = make_token(seed, "runner token", i);
    identity.name = fmt::format("runner-{}", i + 1);
    identity.tags = fleet.kinds[kinds[i]].tags;
    identity.kind = kinds[i];
    identities.push_back(std::move(identity));
  }
  return identities;
}

std::string make_submitter_token(std::uint64_t seed) { return make_token(seed, "submitter token", 0); }

std::string identities_json(std::span<RunnerIdentity const> runners, std::string_view submitter_token) {
  boost::json::array list;
  list.reserve(runners.size());
  for (auto const& runner : runners) {
    boost::json::array tags;
    for (auto const& tag : runner.tags) tags.emplace_back(tag);
    list.push_back(boost::json::object{{"token", runner.token}, {"name", runner.name}, {"tags", std::move(tags)}});
  }
  boost::json::array submitters;
  submitters.push_back(boost::json::object{{"token", submitter_token}, {"name", "submitter"}});
  return boost::json::serialize(
      boost::json::object{{"runners", std::move(list)}, {"submitters", std::move(submitters)}});
}

}  // namespace assay
