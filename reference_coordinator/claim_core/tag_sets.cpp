#include "reference_coordinator/claim_core/tag_sets.hpp"

#include <algorithm>
#include <cassert>

namespace assay {

namespace {

// Offers are as many as there are kinds of runners. Whoever gives each runner a tag of its own pays for looking again.
constexpr std::size_t most_offers = 10'000;

}  // namespace

void TagSets::learn(std::int32_t id, std::string_view key) {
  if (id <= newest()) return;
  TagSet tags = TagSet::from_key(key);
  ids_.emplace(tags, id);
  sets_.push_back({id, std::move(tags)});
}

std::optional<std::int32_t> TagSets::id_of(TagSet const& required) const {
  auto const found = ids_.find(required);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

TagSet const& TagSets::of(std::int32_t id) const {
  auto const found =
      std::lower_bound(sets_.begin(), sets_.end(), id, [](Interned const& s, auto i) { return s.id < i; });
  assert(found != sets_.end() && found->id == id);
  return found->tags;
}

std::vector<std::int32_t> const& TagSets::fitting(TagSet const& offered) {
  if (fitting_.size() >= most_offers && !fitting_.contains(offered)) fitting_.clear();
  Fitting& fitting = fitting_[offered];
  for (; fitting.looked_at < sets_.size(); ++fitting.looked_at) {
    Interned const& set = sets_[fitting.looked_at];
    if (offered.includes(set.tags)) fitting.ids.push_back(set.id);
  }
  return fitting.ids;
}

}  // namespace assay
