// What each runner was given last and has not said a word about yet: the first stage of a two-stage lease. In the store
// its lease is short; the runner's start, heartbeat or report makes it long. When the runner polls again instead, it
// has not received it, and gets it again at once: same run, same token, same attempt. A plain class, used by Api. Easy
// to get wrong: whether a claim is still this runner's, only the store knows; what is taken out has to be renewed
// first. Nobody but this coordinator knows of these offers: elsewhere, and after its end, the short lease runs out.
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace assay {

class Offers {
 public:
  // Written to this runner, in one answer. What an earlier answer offered it is left to its lease.
  void add(std::string const& runner, std::vector<Claim> claims);

  // It polls again: what it was offered, which is not offered any more until add(). Empty when there is nothing.
  std::vector<Claim> take(std::string const& runner);

  // A sign of life about `claims`. When one of them is offered, the whole answer has been received: nothing is offered
  // any more, and what came with them is returned, to be renewed like them.
  std::vector<ClaimRef> received(std::string const& runner, std::span<ClaimRef const> claims);

 private:
  std::unordered_map<std::string, std::vector<Claim>> by_runner_;  // at most one answer for each identity
};

}  // namespace assay
