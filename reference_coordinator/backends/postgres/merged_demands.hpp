// Demands of several claim() calls at once, those of equal offer and lease together, longest waiting first: a
// coordinator that claims in one place at a time never races with itself. Used by postgres-optimistic and postgres-cas.
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"

#include <vector>

namespace assay::postgres {

struct ClaimRequest {
  std::vector<Demand> demands;
  Duration lease{};
};

class MergedDemands {
 public:
  explicit MergedDemands(std::vector<ClaimRequest> const& requests);  // must outlive this

  struct Place {  // where a run goes
    std::size_t request;
    std::uint32_t demand;
    std::string const* runner;
    std::uint64_t missing;
  };

  class Group {
   public:
    TagSet offered;
    Duration lease{};
    std::uint64_t missing() const;
    // Who gets the next runs, one entry for each, at most `most`. Valid as long as this.
    std::vector<Place*> next(std::size_t most);

   private:
    friend class MergedDemands;
    std::vector<Place> places_;
  };

  std::vector<Group>& groups() { return groups_; }
  void give(Place& place, Claim claim);
  bool gave_something() const;
  std::vector<std::vector<Claim>> take_answers() { return std::move(answers_); }  // by request

 private:
  std::vector<Group> groups_;
  std::vector<std::vector<Claim>> answers_;
};

}  // namespace assay::postgres
