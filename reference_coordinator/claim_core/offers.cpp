#include "reference_coordinator/claim_core/offers.hpp"

#include <algorithm>
#include <utility>

namespace assay {

void Offers::add(std::string const& runner, std::vector<Claim> claims) { by_runner_[runner] = std::move(claims); }

std::vector<Claim> Offers::take(std::string const& runner) {
  auto offer = by_runner_.extract(runner);
  return offer ? std::move(offer.mapped()) : std::vector<Claim>{};
}

std::vector<ClaimRef> Offers::received(std::string const& runner, std::span<ClaimRef const> claims) {
  auto const offer = by_runner_.find(runner);
  if (offer == by_runner_.end()) return {};
  std::vector<ClaimRef> others;
  for (Claim const& claim : offer->second) {
    bool const told =
        std::any_of(claims.begin(), claims.end(), [&](ClaimRef const& about) { return about.token == claim.token; });
    if (!told) others.push_back({claim.run, claim.token});
  }
  if (others.size() == offer->second.size()) return {};  // about something else
  by_runner_.erase(offer);
  return others;
}

}  // namespace assay
