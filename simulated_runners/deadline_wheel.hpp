// One coarse timer for the time-outs of thousands of connections, instead of a timer per request. A time-out fires at
// the tick after its deadline: never early, up to `tick` late, which is nothing against time-outs of seconds. Entries
// are moved lazily: setting a later deadline, or none, costs one assignment; the entry is looked at when its old slot
// comes round. The owner of an entry must outlive neither more nor less than it likes: destruction unlinks.
// Single-threaded.
#pragma once

#include "harness/base/async.hpp"

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <array>
#include <memory>

namespace assay {

class DeadlineWheel {
 public:
  static constexpr Duration tick = milliseconds{20};

  class Entry : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    TimePoint deadline() const { return deadline_; }
    void disarm() { deadline_ = TimePoint::max(); }

   protected:
    virtual ~Entry() = default;

   private:
    friend DeadlineWheel;
    virtual void expired() = 0;  // may arm the entry again

    TimePoint deadline_ = TimePoint::max();
    TimePoint filed_ = TimePoint::max();  // when its slot comes round, if linked
  };

  DeadlineWheel(Executor executor, Clock const& clock) : timer_{executor}, clock_{clock} {}

  void arm(Entry& entry, TimePoint deadline) {
    entry.deadline_ = deadline;
    if (entry.is_linked() && entry.filed_ <= deadline) return;
    file(entry);
    if (!ticking_) schedule();
  }

 private:
  using Slot = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  static constexpr std::int64_t slot_count = 1024;  // 20 s; what is due later is filed again when the last slot comes

  void file(Entry& entry) {
    entry.unlink();
    std::int64_t const due = entry.deadline_.time_since_epoch() / tick + 1;
    if (!ticking_) current_ = clock_.now().time_since_epoch() / tick;
    std::int64_t const slot = std::clamp(due, current_ + 1, current_ + slot_count - 1);
    entry.filed_ = TimePoint{slot * tick};
    slots_[static_cast<std::size_t>(slot % slot_count)].push_back(entry);
  }

  void schedule() {
    ticking_ = true;
    timer_.expires_at(TimePoint{(current_ + 1) * tick});
    // Neither a cancelled handler nor one that was queued just before the wheel's end may touch it.
    timer_.async_wait([this, wheel = std::weak_ptr<void>{alive_}](boost::system::error_code error) {
      if (!error && !wheel.expired()) advance();
    });
  }

  void advance() {
    TimePoint const now = clock_.now();
    bool linked = false;
    for (std::int64_t const last = now.time_since_epoch() / tick; current_ < last;) {
      Slot due;
      due.swap(slots_[static_cast<std::size_t>(++current_ % slot_count)]);
      while (!due.empty()) {
        Entry& entry = due.front();
        due.pop_front();
        if (entry.deadline_ <= now) {
          entry.disarm();
          entry.expired();
        } else if (entry.deadline_ != TimePoint::max()) {
          file(entry);
        }
      }
    }
    for (auto const& slot : slots_) linked = linked || !slot.empty();
    ticking_ = linked;
    if (linked) schedule();
  }

  std::shared_ptr<void> alive_ = std::make_shared<char>();
  Timer timer_;
  Clock const& clock_;
  std::array<Slot, slot_count> slots_;
  std::int64_t current_ = 0;  // ticks since the clock's epoch; its slot is done
  bool ticking_ = false;
};

}  // namespace assay
