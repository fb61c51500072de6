#include "harness/measure/claim_split.hpp"

#include "reference_coordinator/claim_core/tags.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <unordered_map>

namespace assay {

namespace {

constexpr TimePoint never = TimePoint::max();

struct Life {  // of one accepted run
  RunId run;
  std::uint32_t run_class = 0;
  TimePoint created;
  TimePoint received = never;
  TimePoint free_since = never;  // of the runner that received it
  TimePoint asked;               // of the orchestrator's poll that brought it; the clock's beginning: no orchestrator
  std::uint32_t kind = 0;        // of that runner
  TimePoint handed_out = never;  // in the replay
};

std::vector<Life> lives(std::span<RunEvent const> events, std::vector<std::uint32_t> const& kind_of_actor) {
  std::vector<Life> result;
  std::unordered_map<RunId, std::size_t> index;
  for (auto const& event : events) {
    if (event.kind != RunEvent::Kind::submitted) continue;
    if (index.try_emplace(event.run, result.size()).second) {
      result.push_back({.run = event.run, .run_class = event.run_class, .created = event.since});
    }
  }
  std::vector<bool> exists(result.size(), false);
  for (auto const& event : events) {
    auto const found = index.find(event.run);
    if (found == index.end()) continue;
    auto& life = result[found->second];
    if (event.kind == RunEvent::Kind::accepted) exists[found->second] = true;
    if (event.kind == RunEvent::Kind::received) {
      exists[found->second] = true;  // its acknowledgement may have been cut off
      if (event.time < life.received) {
        life.received = event.time;
        life.free_since = event.since;
        life.asked = event.asked;
        life.kind = kind_of_actor.at(event.actor);
      }
    }
  }
  std::vector<Life> accepted;
  accepted.reserve(result.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (exists[i]) accepted.push_back(result[i]);
  }
  return accepted;
}

struct Free {
  TimePoint since;
  std::uint32_t kind = 0;
};

// The runners that were free at the end and got nothing more: they could have taken what nobody received. One that
// never got a run was free from the beginning.
std::vector<Free> left_over(std::span<RunEvent const> events, std::vector<std::uint32_t> const& kind_of_actor) {
  struct Last {
    TimePoint received = TimePoint::min(), done = TimePoint::min();
  };
  std::vector<Last> last(kind_of_actor.size());
  for (auto const& event : events) {
    switch (event.kind) {
      case RunEvent::Kind::received: {
        auto& latest = last.at(event.actor).received;
        latest = std::max(latest, event.time);
        break;
      }
      case RunEvent::Kind::completed:
      case RunEvent::Kind::failed:
      case RunEvent::Kind::report_refused:
      case RunEvent::Kind::report_in_doubt: {
        auto& latest = last.at(event.actor).done;
        latest = std::max(latest, event.time);
        break;
      }
      default: break;
    }
  }
  std::vector<Free> free;
  for (std::size_t actor = 1; actor < last.size(); ++actor) {
    if (last[actor].done >= last[actor].received) free.push_back({last[actor].done, kind_of_actor[actor]});
  }
  return free;
}

bool ends_a_run(RunEvent::Kind kind) {
  return kind == RunEvent::Kind::completed || kind == RunEvent::Kind::failed ||
         kind == RunEvent::Kind::report_refused || kind == RunEvent::Kind::report_in_doubt;
}

// The same for runners of several places each: of a claim that was given up, the place counts as free only when the
// runner took something afterwards, which tells a lost lease from the end of the trial.
std::vector<Free> left_over_places(std::span<RunEvent const> events, std::vector<std::uint32_t> const& kind_of_actor,
                                   std::size_t places) {
  struct Actor {
    std::unordered_map<std::uint64_t, TimePoint> open;  // by the token's counter: when it was received or given up
    std::vector<TimePoint> freed;
    TimePoint last_received = TimePoint::min();
  };
  std::vector<Actor> actors(kind_of_actor.size());
  std::vector<RunEvent const*> in_order;
  in_order.reserve(events.size());
  for (auto const& event : events) in_order.push_back(&event);
  std::stable_sort(in_order.begin(), in_order.end(), [](auto const* a, auto const* b) { return a->time < b->time; });
  for (auto const* event : in_order) {
    if (event->actor == 0) continue;
    Actor& actor = actors.at(event->actor);
    std::uint64_t const token = event->token.epoch << 40 ^ event->token.counter;
    if (event->kind == RunEvent::Kind::received) {
      actor.open[token] = never;
      actor.last_received = event->time;
    } else if (event->kind == RunEvent::Kind::abandoned || event->kind == RunEvent::Kind::died) {
      if (actor.open.contains(token)) actor.open[token] = event->time;
    } else if (ends_a_run(event->kind) && actor.open.erase(token) > 0) {
      actor.freed.push_back(event->time);
    }
  }
  std::vector<Free> free;
  for (std::size_t number = 1; number < actors.size(); ++number) {
    auto& actor = actors[number];
    auto const busy = static_cast<std::size_t>(std::count_if(
        actor.open.begin(), actor.open.end(), [&](auto const& each) { return each.second >= actor.last_received; }));
    for (std::size_t i = busy; i < places; ++i) {
      TimePoint const since = actor.freed.empty() ? TimePoint::min() : actor.freed.back();
      if (!actor.freed.empty()) actor.freed.pop_back();
      free.push_back({since, kind_of_actor[number]});
    }
  }
  return free;
}

// The coordinator that costs nothing.
class Replay {
 public:
  Replay(std::vector<RunClass> const& classes, std::vector<RunnerKind> const& kinds)
      : classes_{classes}, pending_(classes.size()), free_(kinds.size()) {
    for (auto const& kind : kinds) {
      TagSet const offered{kind.tags};
      auto& row = eligible_.emplace_back();
      for (auto const& run_class : classes) row.push_back(offered.includes(TagSet{run_class.tags}));
    }
  }

  void run_created(Life& life) {
    std::optional<std::uint32_t> longest_free;
    for (std::uint32_t kind = 0; kind < free_.size(); ++kind) {
      if (free_[kind].empty() || !eligible_[kind][life.run_class]) continue;
      if (!longest_free || free_[kind].front() < free_[*longest_free].front()) longest_free = kind;
    }
    if (!longest_free) {
      pending_[life.run_class].push_back(&life);
      return;
    }
    free_[*longest_free].pop_front();
    life.handed_out = life.created;
  }

  void runner_free(std::uint32_t kind, TimePoint since) {
    std::optional<std::uint32_t> best;
    for (std::uint32_t c = 0; c < pending_.size(); ++c) {
      if (pending_[c].empty() || !eligible_[kind][c]) continue;
      if (!best || classes_[c].priority > classes_[*best].priority ||
          (classes_[c].priority == classes_[*best].priority &&
           pending_[c].front()->created < pending_[*best].front()->created)) {
        best = c;
      }
    }
    if (!best) {
      free_[kind].push_back(since);
      return;
    }
    pending_[*best].front()->handed_out = since;
    pending_[*best].pop_front();
  }

 private:
  std::vector<RunClass> const& classes_;
  std::vector<std::vector<bool>> eligible_;  // [kind][class]
  std::vector<std::deque<Life*>> pending_;   // [class], by creation
  std::vector<std::deque<TimePoint>> free_;  // [kind], longest first
};

}  // namespace

std::vector<ClaimSplit> split_claims(std::span<RunEvent const> events, std::vector<RunClass> const& classes,
                                     std::vector<RunnerKind> const& kinds,
                                     std::vector<std::uint32_t> const& kind_of_actor, TimePoint end, int runs_at_once) {
  auto runs = lives(events, kind_of_actor);

  struct Step {
    TimePoint time;
    Life* created = nullptr;  // else a runner of this kind becomes free
    std::uint32_t kind = 0;
  };
  std::vector<Step> steps;
  steps.reserve(runs.size() * 2);
  for (auto& life : runs) {
    steps.push_back({.time = life.created, .created = &life});
    if (life.received != never) steps.push_back({.time = life.free_since, .kind = life.kind});
  }
  auto const places = static_cast<std::size_t>(runs_at_once);
  for (auto const& runner :
       places == 1 ? left_over(events, kind_of_actor) : left_over_places(events, kind_of_actor, places))
    steps.push_back({.time = runner.since, .kind = runner.kind});
  std::stable_sort(steps.begin(), steps.end(), [](Step const& a, Step const& b) { return a.time < b.time; });

  Replay replay{classes, kinds};
  for (auto const& step : steps) {
    if (step.created != nullptr) {
      replay.run_created(*step.created);
    } else {
      replay.runner_free(step.kind, step.time);
    }
  }

  std::vector<ClaimSplit> splits;
  splits.reserve(runs.size());
  for (auto const& life : runs) {
    bool const delivered = life.received != never;
    TimePoint const received = delivered ? life.received : std::max(end, life.created);
    // The runner that got it was free and eligible: the replay may pair others, but never proves a later moment than
    // this.
    TimePoint const own = delivered ? std::max(life.created, life.free_since) : received;
    TimePoint const possible = std::min({life.handed_out, own, received});
    splits.push_back({.run = life.run,
                      .run_class = life.run_class,
                      .created = life.created,
                      .claim = received - life.created,
                      .dispatch = received - possible,
                      .shortage = possible - life.created,
                      .poll_wait = std::clamp(life.asked - possible, Duration{}, received - possible),
                      .delivered = delivered});
  }
  return splits;
}

}  // namespace assay
