// Things that fall due at a time, earliest first, for owners that forget or postpone most of them before they do:
// parked polls, leases, delayed runs. Cancelling and postponing cost nothing here: the owner changes its own record,
// and the entry is checked against that record when it surfaces. Easy to get wrong: `due_of` must tell an item that is
// gone (nullopt) from one that was postponed, and an item that is reused for something else needs another key. Used by
// the waiting room's holds and the memory backend's leases; time is handed in.
#pragma once

#include "harness/base/clock.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace assay {

template <class Item>
class DeadlineQueue {
 public:
  // O(log n), and O(1) when `when` is later than most, which deadlines made by "now + constant" are.
  void push(TimePoint when, Item item) {
    heap_.push_back({when, std::move(item)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // The earliest deadline of all items that still have one. `due_of(item)`: its deadline as of now, nullopt when gone.
  template <class DueOf>
  std::optional<TimePoint> earliest(DueOf const& due_of) {
    return settle(due_of) ? std::optional{heap_.front().when} : std::nullopt;
  }

  // Takes out one item that is due at `now`, the earliest first; nullopt when none is.
  template <class DueOf>
  std::optional<Item> pop_due(TimePoint now, DueOf const& due_of) {
    // settle() looks at what is overdue by its old time only, so that a postponed item costs one step per lease, not
    // more.
    if (heap_.empty() || heap_.front().when > now || !settle(due_of) || heap_.front().when > now) return std::nullopt;
    return pop().item;
  }

  // Call now and then with the number of items that still have a deadline: keeps the queue within twice that, amortised
  // O(1).
  template <class DueOf>
  void compact(std::size_t live, DueOf const& due_of) {
    if (heap_.size() <= 2 * live + smallest_worth_compacting) return;
    std::erase_if(heap_, [&](Entry const& entry) { return !due_of(entry.item); });
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  std::size_t entries() const { return heap_.size(); }

 private:
  struct Entry {
    TimePoint when;
    Item item;
  };

  static constexpr std::size_t smallest_worth_compacting = 1024;

  static bool later(Entry const& a, Entry const& b) { return a.when > b.when; }

  Entry pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    return entry;
  }

  // Drops what is gone and re-files what was postponed until the front entry is true. False: nothing is left.
  template <class DueOf>
  bool settle(DueOf const& due_of) {
    while (!heap_.empty()) {
      std::optional<TimePoint> const due = due_of(heap_.front().item);
      if (due && *due <= heap_.front().when) return true;
      Entry entry = pop();
      if (due) push(*due, std::move(entry.item));
    }
    return false;
  }

  std::vector<Entry> heap_;  // std::push_heap order, earliest in front
};

}  // namespace assay
