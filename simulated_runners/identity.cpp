#include "simulated_runners/identity.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace assay {

namespace {

std::string make_token(std::uint64_t seed, std::string_view stream, std::uint64_t index) {
  auto random = Random::stream(seed, stream, index);
  auto const high = random();
  auto const low = random();
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace

std::vector<Identity> make_identities(FleetSpec const& fleet, int runners, std::uint64_t seed) {
  double total = 0;
  for (auto const& kind : fleet.kinds) total += kind.share;
  std::vector<double> owed(fleet.kinds.size(),
                           0.0);  // smooth weighted round robin: the kind that is owed most comes next
  std::vector<Identity> identities;
  identities.reserve(static_cast<std::size_t>(runners));
  for (int i = 0; i < runners; ++i) {
    for (std::size_t k = 0; k < owed.size(); ++k) owed[k] += fleet.kinds[k].share / total;
    auto const kind = static_cast<std::size_t>(std::max_element(owed.begin(), owed.end()) - owed.begin());
    owed[kind] -= 1.0;
    identities.push_back({make_token(seed, "runner token", static_cast<std::uint64_t>(i)),
                          fmt::format("runner-{}", i + 1), fleet.kinds[kind].tags, kind});
  }
  return identities;
}

std::string make_submitter_token(std::uint64_t seed) { return make_token(seed, "submitter token", 0); }

std::string identities_json(std::span<Identity const> runners, std::string_view submitter_token) {
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
