#include "reference_coordinator/http/push_room.hpp"

#include <algorithm>

namespace assay {

PushRunnerId PushRoom::join(std::string name, TagSet tags, std::uint32_t slots, std::uint32_t busy) {
  PushRunnerId const id = next_++;
  runners_[id] = Connected{std::move(name), std::move(tags), std::max(slots, 1U), busy, false, {}};
  return id;
}

std::vector<ClaimRef> PushRoom::leave(PushRunnerId runner) {
  auto const found = runners_.find(runner);
  if (found == runners_.end()) return {};
  std::vector<ClaimRef> claims;
  for (auto const& [run, working] : found->second.working) claims.push_back({run, working.token});
  runners_.erase(found);
  return claims;
}

void PushRoom::drain(PushRunnerId runner) {
  if (auto const found = runners_.find(runner); found != runners_.end()) found->second.draining = true;
}

std::optional<PushRunnerId> PushRoom::pick(TagSet const& required, Picker& picker) {
  candidates_.clear();
  for (auto const& [id, runner] : runners_) {
    if (!runner.free() || !runner.tags.includes(required)) continue;
    candidates_.push_back({id, runner.busy(), runner.slots, static_cast<std::uint32_t>(runner.tags.size())});
  }
  if (candidates_.empty()) return std::nullopt;
  return candidates_[picker.pick(candidates_)].runner;
}

std::size_t PushRoom::fitting(TagSet const& required) const {
  return static_cast<std::size_t>(std::count_if(runners_.begin(), runners_.end(), [&](auto const& entry) {
    return entry.second.free() && entry.second.tags.includes(required);
  }));
}

void PushRoom::begin(PushRunnerId runner, RunId const& run, Working working) {
  runners_.at(runner).working.insert_or_assign(run, std::move(working));
}

std::optional<PushRoom::Working> PushRoom::end(PushRunnerId runner, RunId const& run) {
  auto const found = runners_.find(runner);
  if (found == runners_.end()) return std::nullopt;
  auto node = found->second.working.extract(run);
  if (!node.empty()) return std::move(node.mapped());
  if (found->second.before > 0) --found->second.before;
  return std::nullopt;
}

std::map<TagSet, std::uint32_t> PushRoom::free_slots() const {
  std::map<TagSet, std::uint32_t> free;
  for (auto const& [id, runner] : runners_) {
    if (runner.free()) free[runner.tags] += runner.slots - runner.busy();
  }
  return free;
}

bool PushRoom::has_free_slot() const {
  return std::any_of(runners_.begin(), runners_.end(), [](auto const& entry) { return entry.second.free(); });
}

}  // namespace assay
