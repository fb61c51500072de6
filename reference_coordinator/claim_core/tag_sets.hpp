// Interned tag sets: each distinct set of required tags has a number in the database, and for each offer the numbers of
// the sets that fit are kept, so that no SQL ever compares tags. Used by backends with a database (postgres-batch,
// sqlite). Other coordinators intern too; whoever claims asks for what came after newest(). Ids are handed out under a
// lock, so that they become visible in their order and none is missed.
#pragma once

#include "reference_coordinator/claim_core/tags.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace assay {

class TagSets {
 public:
  void learn(std::int32_t id, std::string_view key);  // ids in rising order; a known one is ignored
  std::int32_t newest() const { return sets_.empty() ? 0 : sets_.back().id; }

  std::optional<std::int32_t> id_of(TagSet const& required) const;
  TagSet const& of(std::int32_t id) const;  // id must be known

  // The ids of all known sets that are included in `offered`. Valid until the next call.
  std::vector<std::int32_t> const& fitting(TagSet const& offered);

 private:
  struct Interned {
    std::int32_t id;
    TagSet tags;
  };
  struct Fitting {
    std::vector<std::int32_t> ids;
    std::size_t looked_at = 0;  // of sets_
  };

  std::vector<Interned> sets_;  // by id
  std::map<TagSet, std::int32_t> ids_;
  std::map<TagSet, Fitting> fitting_;
};

}  // namespace assay
