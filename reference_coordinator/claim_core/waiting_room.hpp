// Who is parked and who is next: the held long polls, grouped by distinct offered tag set ("offer"), longest-waiting
// first. A plain class fed with events and times, used by the Dispatcher. Easy to get wrong: a poll that takes part in
// a batch
// ("asked for") is still parked (it can leave or expire) and keeps its place for when the batch brings it nothing.
// Offers are never forgotten: their number is that of the fleet's distinct tag sets, not that of polls.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/deadline_queue.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace assay {

using PollId = std::uint64_t;   // never used again for another poll
using OfferId = std::uint32_t;  // dense from 0: an index for what others keep per offer

struct ParkedPoll {
  std::string runner;
  OfferId offer = 0;
  std::uint32_t max = 1;    // most runs it takes, ≥ 1
  std::uint64_t place = 0;  // grows with every poll: the order of arrival
  TimePoint parked_at;
  TimePoint deadline;
  bool asked = false;  // has taken part in a batch
};

class WaitingRoom {
 public:
  // O(1) but for the first poll of an offer. max 0 counts as 1.
  PollId park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint now, TimePoint deadline);

  // The poll was answered, or its peer went away. False: it is not here any more. O(1).
  bool leave(PollId poll);

  // Removes the polls whose deadline has come, earliest first.
  std::vector<PollId> expire(TimePoint now);
  std::optional<TimePoint> next_deadline();

  // nullptr when it left. Valid until the next call that changes the room.
  ParkedPoll const* find(PollId poll) const;

  // Parked, and takes part in no batch.
  bool is_waiting(PollId poll) const;

  // The longest-waiting poll of this offer that takes part in no batch.
  std::optional<PollId> first_waiting(OfferId offer) const;
  // From waiting to asked for.
  void take(PollId poll);
  // From asked for to waiting, at its old place. Nothing when it left meanwhile. O(1) with one batch in flight; with
  // several it walks over the older polls that another batch put back.
  void put_back(PollId poll);

  std::size_t parked() const { return parked_; }
  std::size_t offers() const { return offers_.size(); }
  TagSet const& tags_of(OfferId offer) const { return offers_[offer].tags; }
  std::vector<PollId> everyone() const;

 private:
  enum class State : std::uint8_t { free, waiting, asked_for };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Slot {
    ParkedPoll poll;
    std::uint32_t generation = 0;
    State state = State::free;
    std::uint32_t previous = none, next = none;  // neighbours in the offer's line, or in the free list
  };

  struct Offer {
    TagSet tags;
    std::uint32_t first = none, last = none;
  };

  static std::uint32_t slot_of(PollId poll) { return static_cast<std::uint32_t>(poll); }
  Slot const* slot(PollId poll) const;
  OfferId offer_for(TagSet const& offered);
  std::optional<TimePoint> deadline_of(PollId poll) const;
  void insert_after(std::uint32_t previous, std::uint32_t slot);
  void unlink(std::uint32_t slot);

  std::vector<Slot> slots_;
  std::uint32_t first_free_ = none;
  std::uint64_t next_place_ = 0;
  std::size_t parked_ = 0;
  std::vector<Offer> offers_;
  std::unordered_map<TagSet, OfferId> offer_ids_;
  DeadlineQueue<PollId> deadlines_;
};

}  // namespace assay
