#include "reference_coordinator/backends/memory/ready_runs.hpp"

#include "reference_coordinator/claim_core/claim_store.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <functional>

namespace assay {

ReadyRuns::SetId ReadyRuns::intern(TagSet const& required) {
  auto const [entry, fresh] = set_ids_.try_emplace(required, static_cast<SetId>(sets_.size()));
  if (fresh) {
    sets_.push_back({required, {}, 0});
    heads_.push_back(no_head);
    for (auto& [offered, sets] : within_) {
      if (offered.includes(required)) sets.push_back(entry->second);
    }
  }
  return entry->second;
}

void ReadyRuns::put(SetId set, int priority, std::uint64_t place, RunIndex run) {
  BOOST_ASSERT(place < std::uint64_t{1} << 56);
  auto& [tags, lines, first_used] = sets_[set];
  auto line = std::lower_bound(lines.begin(), lines.end(), priority,
                               [](Line const& a, int wanted) { return a.priority() > wanted; });
  if (line == lines.end() || line->priority() != priority) line = lines.emplace(line, priority);
  line->put({place, run});
  first_used = std::min(first_used, static_cast<std::size_t>(line - lines.begin()));
  ++size_;
  refresh_head(set);
}

std::optional<ReadyRuns::Taken> ReadyRuns::take_best(TagSet const& offered) {
  // A scan of one small array of numbers: for the hundreds of sets that fleets have it beats any heap, which would have
  // to be kept true for every offer whenever one of them takes a run.
  std::uint64_t best = no_head;
  SetId best_set = 0;
  for (SetId const set : sets_within(offered)) {
    if (heads_[set] < best) {
      best = heads_[set];
      best_set = set;
    }
  }
  if (best == no_head) return std::nullopt;
  Set& set = sets_[best_set];
  Line& line = set.lines[set.first_used];
  Taken taken{line.front().run, std::nullopt};
  line.pop();
  if (!line.empty()) taken.next = line.front().run;
  --size_;
  refresh_head(best_set);
  return taken;
}

std::vector<ReadyRuns::RunIndex> ReadyRuns::heads() const {
  std::vector<RunIndex> runs;
  for (Set const& set : sets_) {
    for (Line const& line : set.lines) {
      if (!line.empty()) runs.push_back(line.front().run);
    }
  }
  return runs;
}

void ReadyRuns::refresh_head(SetId set) {
  auto& [tags, lines, first_used] = sets_[set];
  while (first_used < lines.size() && lines[first_used].empty()) ++first_used;
  if (first_used == lines.size()) {
    heads_[set] = no_head;
  } else {
    Line const& line = lines[first_used];
    heads_[set] = static_cast<std::uint64_t>(highest_priority - line.priority()) << 56 | line.front().place;
  }
}

std::vector<ReadyRuns::SetId> const& ReadyRuns::sets_within(TagSet const& offered) {
  auto const [entry, fresh] = within_.try_emplace(offered);
  if (fresh) {
    for (SetId set = 0; set < sets_.size(); ++set) {
      if (offered.includes(tags_of(set))) entry->second.push_back(set);
    }
  }
  return entry->second;
}

bool ReadyRuns::Line::come_back_first() const {
  return in_order_.empty() || (!come_back_.empty() && come_back_.front().place < in_order_.front().place);
}

ReadyRuns::Waiting const& ReadyRuns::Line::front() const {
  return come_back_first() ? come_back_.front() : in_order_.front();
}

void ReadyRuns::Line::put(Waiting waiting) {
  if (in_order_.empty() || waiting.place > in_order_.back().place) {
    in_order_.push_back(waiting);
  } else {
    come_back_.push_back(waiting);
    std::push_heap(come_back_.begin(), come_back_.end(), std::greater<>{});
  }
}

void ReadyRuns::Line::pop() {
  if (come_back_first()) {
    std::pop_heap(come_back_.begin(), come_back_.end(), std::greater<>{});
    come_back_.pop_back();
  } else {
    in_order_.pop_front();
  }
}

}  // namespace assay
