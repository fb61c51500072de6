// The ready runs of the memory backend: one line per (required tag set, priority), ordered by place. take_best() is a
// k-way merge of the heads of the sets that an offer includes; the list of those sets is kept per offer. Nothing here
// costs more with a longer backlog. Easy to get wrong: a run that comes back (released, retried, requeued) goes to its
// old place, not to the end.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace assay {

class ReadyRuns {
 public:
  using SetId = std::uint32_t;  // a distinct required tag set, dense from 0; never forgotten
  using RunIndex = std::uint32_t;

  SetId intern(TagSet const& required);
  TagSet const& tags_of(SetId set) const { return sets_[set].tags; }

  // `place` is unique and below 2^56; `priority` is within lowest_priority … highest_priority.
  void put(SetId set, int priority, std::uint64_t place, RunIndex run);

  // Highest priority, then lowest place, of all runs whose tags are included in the offer. O(sets that fit).
  struct Taken {
    RunIndex run;
    std::optional<RunIndex> next;  // who is next in that line: the caller may fetch it into the cache
  };
  std::optional<Taken> take_best(TagSet const& offered);

  std::vector<RunIndex> heads() const;  // of every line
  std::size_t size() const { return size_; }

 private:
  struct Waiting {
    std::uint64_t place;
    RunIndex run;
    friend bool operator>(Waiting const& a, Waiting const& b) { return a.place > b.place; }
  };

  class Line {
   public:
    explicit Line(int priority) : priority_{priority} {}
    int priority() const { return priority_; }
    bool empty() const { return in_order_.empty() && come_back_.empty(); }
    Waiting const& front() const;
    void put(Waiting waiting);
    void pop();

   private:
    bool come_back_first() const;

    int priority_;
    std::deque<Waiting> in_order_;    // ascending place: new runs, which are nearly all
    std::vector<Waiting> come_back_;  // a min-heap: those that came back
  };

  struct Set {
    TagSet tags;
    std::vector<Line> lines;     // highest priority first
    std::size_t first_used = 0;  // no line before it has a run
  };

  static constexpr std::uint64_t no_head = ~std::uint64_t{0};
  void refresh_head(SetId set);
  std::vector<SetId> const& sets_within(TagSet const& offered);

  std::vector<Set> sets_;
  std::vector<std::uint64_t> heads_;  // by SetId: priority and place of the best run in one number, least is best
  std::unordered_map<TagSet, SetId> set_ids_;
  std::unordered_map<TagSet, std::vector<SetId>> within_;  // by offered set
  std::size_t size_ = 0;
};

}  // namespace assay
