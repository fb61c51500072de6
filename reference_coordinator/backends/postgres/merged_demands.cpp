#include "reference_coordinator/backends/postgres/merged_demands.hpp"

#include <algorithm>
#include <map>

namespace assay::postgres {

MergedDemands::MergedDemands(std::vector<ClaimRequest> const& requests) : answers_(requests.size()) {
  std::map<std::pair<TagSet, Duration>, std::size_t> group_of;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (std::uint32_t d = 0; d < requests[r].demands.size(); ++d) {
      Demand const& demand = requests[r].demands[d];
      auto const [at, is_new] = group_of.try_emplace({demand.offered, requests[r].lease}, groups_.size());
      if (is_new) {
        groups_.emplace_back();
        groups_.back().offered = demand.offered;
        groups_.back().lease = requests[r].lease;
      }
      groups_[at->second].places_.push_back({r, d, &demand.runner, demand.count});
    }
  }
}

std::uint64_t MergedDemands::Group::missing() const {
  std::uint64_t sum = 0;
  for (Place const& place : places_) sum += place.missing;
  return sum;
}

std::vector<MergedDemands::Place*> MergedDemands::Group::next(std::size_t most) {
  std::vector<Place*> next;
  for (Place& place : places_) {
    for (std::uint64_t i = 0; i < place.missing && next.size() < most; ++i) next.push_back(&place);
  }
  return next;
}

void MergedDemands::give(Place& place, Claim claim) {
  --place.missing;
  claim.demand = place.demand;
  answers_[place.request].push_back(std::move(claim));
}

bool MergedDemands::gave_something() const {
  return std::any_of(answers_.begin(), answers_.end(), [](auto const& claims) { return !claims.empty(); });
}

}  // namespace assay::postgres
