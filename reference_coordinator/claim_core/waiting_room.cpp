#include "reference_coordinator/claim_core/waiting_room.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace assay {

PollId WaitingRoom::park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint now,
                         TimePoint deadline) {
  std::uint32_t slot_index = first_free_;
  if (slot_index == none) {
    slot_index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    first_free_ = slots_[slot_index].next;
  }
  OfferId const offer = offer_for(offered);
  Slot& slot = slots_[slot_index];
  slot.poll = ParkedPoll{std::move(runner), offer, std::max(max, 1U), next_place_++, now, deadline};
  slot.state = State::waiting;
  ++slot.generation;
  insert_after(offers_[offer].last, slot_index);
  ++parked_;
  PollId const id = std::uint64_t{slot.generation} << 32 | slot_index;
  deadlines_.push(deadline, id);
  return id;
}

bool WaitingRoom::leave(PollId poll) {
  if (slot(poll) == nullptr) return false;
  std::uint32_t const index = slot_of(poll);
  Slot& left = slots_[index];
  if (left.state == State::waiting) unlink(index);
  left.state = State::free;
  left.next = first_free_;
  first_free_ = index;
  --parked_;
  deadlines_.compact(parked_, [this](PollId id) { return deadline_of(id); });
  return true;
}

std::vector<PollId> WaitingRoom::expire(TimePoint now) {
  std::vector<PollId> expired;
  while (auto const poll = deadlines_.pop_due(now, [this](PollId id) { return deadline_of(id); })) {
    leave(*poll);
    expired.push_back(*poll);
  }
  return expired;
}

std::optional<TimePoint> WaitingRoom::next_deadline() {
  return deadlines_.earliest([this](PollId id) { return deadline_of(id); });
}

ParkedPoll const* WaitingRoom::find(PollId poll) const {
  Slot const* const found = slot(poll);
  return found == nullptr ? nullptr : &found->poll;
}

bool WaitingRoom::is_waiting(PollId poll) const {
  Slot const* const found = slot(poll);
  return found != nullptr && found->state == State::waiting;
}

std::optional<PollId> WaitingRoom::first_waiting(OfferId offer) const {
  std::uint32_t const first = offers_[offer].first;
  if (first == none) return std::nullopt;
  return std::uint64_t{slots_[first].generation} << 32 | first;
}

void WaitingRoom::take(PollId poll) {
  Slot const* const taken = slot(poll);
  BOOST_ASSERT(taken != nullptr && taken->state == State::waiting);
  (void)taken;
  unlink(slot_of(poll));
  slots_[slot_of(poll)].state = State::asked_for;
  slots_[slot_of(poll)].poll.asked = true;
}

void WaitingRoom::put_back(PollId poll) {
  Slot const* const returned = slot(poll);
  if (returned == nullptr) return;
  BOOST_ASSERT(returned->state == State::asked_for);
  std::uint32_t older = none;
  std::uint32_t younger = offers_[returned->poll.offer].first;
  while (younger != none && slots_[younger].poll.place < returned->poll.place) {
    older = younger;
    younger = slots_[younger].next;
  }
  insert_after(older, slot_of(poll));
  slots_[slot_of(poll)].state = State::waiting;
}

std::vector<PollId> WaitingRoom::everyone() const {
  std::vector<PollId> polls;
  polls.reserve(parked_);
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state != State::free) polls.push_back(std::uint64_t{slots_[i].generation} << 32 | i);
  }
  return polls;
}

WaitingRoom::Slot const* WaitingRoom::slot(PollId poll) const {
  std::uint32_t const index = slot_of(poll);
  if (index >= slots_.size()) return nullptr;
  Slot const& candidate = slots_[index];
  return candidate.state != State::free && candidate.generation == poll >> 32 ? &candidate : nullptr;
}

OfferId WaitingRoom::offer_for(TagSet const& offered) {
  auto const [entry, fresh] = offer_ids_.try_emplace(offered, static_cast<OfferId>(offers_.size()));
  if (fresh) offers_.push_back({offered, none, none});
  return entry->second;
}

std::optional<TimePoint> WaitingRoom::deadline_of(PollId poll) const {
  Slot const* const found = slot(poll);
  return found == nullptr ? std::nullopt : std::optional{found->poll.deadline};
}

void WaitingRoom::insert_after(std::uint32_t previous, std::uint32_t index) {
  Slot& slot = slots_[index];
  Offer& offer = offers_[slot.poll.offer];
  std::uint32_t& link = previous == none ? offer.first : slots_[previous].next;
  slot.previous = previous;
  slot.next = link;
  link = index;
  (slot.next == none ? offer.last : slots_[slot.next].previous) = index;
}

void WaitingRoom::unlink(std::uint32_t index) {
  Slot& slot = slots_[index];
  Offer& offer = offers_[slot.poll.offer];
  (slot.previous == none ? offer.first : slots_[slot.previous].next) = slot.next;
  (slot.next == none ? offer.last : slots_[slot.next].previous) = slot.previous;
  slot.previous = slot.next = none;
}

}  // namespace assay
