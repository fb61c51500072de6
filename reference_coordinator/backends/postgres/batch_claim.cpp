// BatchStore's claim: demands that the same tag sets fit become one statement each, all in one batch.
#include "reference_coordinator/backends/postgres/batch_store.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

namespace assay::postgres {

struct BatchStore::DemandGroup {
  struct Member {
    std::size_t request;
    std::uint32_t demand;
    Demand const* asked;
    Duration lease;
    std::uint64_t missing;
    bool contended = false;  // lost a race in the last round
  };

  // By what fits, not by what is offered: a fleet in which each runner offers its own name asks in one command, too.
  // Neighbouring groups that one tag set each fits are one group of several lanes.
  static std::vector<DemandGroup> of(std::vector<Member*> const& asking, TagSets& tag_sets);
  void take_lane(DemandGroup const& group);

  struct Lane {           // of the one group in `fitting` at the same place
    std::int64_t before;  // how many runs the lanes before it may have
    std::int64_t wanted;
  };

  std::vector<std::int32_t> fitting;  // tag sets
  std::vector<Lane> lanes;            // none: every member may have runs of every set
  Duration lease{};
  bool contended = false;
  std::vector<Member*> members;  // longest waiting first, in each lane

  // Of the command in flight.
  std::uint64_t first_counter = 0;
  std::vector<std::int64_t> share_ends;  // by member
};

Command BatchStore::claim_command(DemandGroup& group) {
  Array sets{Element::int4};
  for (std::int32_t id : group.fitting) sets.add(id);
  Array befores{Element::int8};
  Array wanteds{Element::int8};
  for (DemandGroup::Lane const& lane : group.lanes) {
    befores.add(lane.before);
    wanteds.add(lane.wanted);
  }
  Array runners{Element::text};
  Array ends{Element::int8};
  std::int64_t total = 0;
  for (DemandGroup::Member const* member : group.members) {
    total += static_cast<std::int64_t>(member->missing);
    group.share_ends.push_back(total);
    runners.add(member->asked->runner);
    ends.add(total);
  }
  group.first_counter = next_counter_;
  next_counter_ += static_cast<std::uint64_t>(total);
  Command command;
  bool const in_lanes = !group.lanes.empty();
  bool const merged = !in_lanes && !group.contended && group.fitting.size() > 1;
  command.statement = in_lanes ? "claim_lanes" : merged ? "claim_merged" : "claim_heads";
  command.parameters = {sets.take(),
                        in_lanes ? befores.take() : int8(total),
                        int8(std::chrono::ceil<microseconds>(group.lease).count()),
                        int8(static_cast<std::int64_t>(epoch_)),
                        int8(static_cast<std::int64_t>(group.first_counter) - 1),
                        runners.take(),
                        ends.take()};
  if (in_lanes) command.parameters.push_back(wanteds.take());
  if (merged) {
    // Where runs spread evenly over the sets, hardly one has as many of the best.
    auto const sets_asked = static_cast<std::int64_t>(group.fitting.size());
    command.parameters.push_back(int8(std::min(total, 2 * total / sets_asked + 2)));
  }
  return command;
}

std::vector<BatchStore::DemandGroup> BatchStore::DemandGroup::of(std::vector<Member*> const& asking,
                                                                 TagSets& tag_sets) {
  std::vector<DemandGroup> groups;
  std::map<std::tuple<TagSet, Duration, bool>, std::size_t> of_offer;
  std::map<std::tuple<std::vector<std::int32_t>, Duration, bool>, std::size_t> of_fitting;
  for (Member* member : asking) {
    auto const [at, is_new] = of_offer.try_emplace({member->asked->offered, member->lease, member->contended}, 0);
    if (is_new) {
      std::vector<std::int32_t> const& fitting = tag_sets.fitting(member->asked->offered);
      auto const [same, first] = of_fitting.try_emplace({fitting, member->lease, member->contended}, groups.size());
      if (first) {
        DemandGroup& group = groups.emplace_back();
        group.fitting = fitting;
        group.lease = member->lease;
        group.contended = member->contended;
      }
      at->second = same->second;
    }
    groups[at->second].members.push_back(member);
  }
  // Only neighbours share a command: a group of several sets in between has waited longer than those after it.
  std::vector<DemandGroup> commands;
  for (DemandGroup& group : groups) {
    if (group.fitting.empty()) continue;
    bool const after_a_lane =
        !commands.empty() && (commands.back().fitting.size() == 1 || !commands.back().lanes.empty());
    if (group.fitting.size() == 1 && after_a_lane && commands.back().lease == group.lease) {
      commands.back().take_lane(group);
    } else {
      commands.push_back(std::move(group));
    }
  }
  return commands;
}

void BatchStore::DemandGroup::take_lane(DemandGroup const& group) {
  auto const wanted = [](DemandGroup const& of) {
    std::int64_t sum = 0;
    for (Member const* member : of.members) sum += static_cast<std::int64_t>(member->missing);
    return sum;
  };
  if (lanes.empty()) lanes.push_back({0, wanted(*this)});
  lanes.push_back({lanes.back().before + lanes.back().wanted, wanted(group)});
  fitting.push_back(group.fitting.front());
  members.insert(members.end(), group.members.begin(), group.members.end());
}

Awaitable<Result<std::vector<std::vector<Claim>>>> BatchStore::flush_claim(std::vector<ClaimRequest> requests) {
  std::deque<DemandGroup::Member> members;
  std::vector<DemandGroup::Member*> asking;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (std::uint32_t d = 0; d < requests[r].demands.size(); ++d) {
      Demand const& demand = requests[r].demands[d];
      if (demand.count == 0) continue;
      asking.push_back(&members.emplace_back(DemandGroup::Member{r, d, &demand, requests[r].lease, demand.count}));
    }
  }

  std::vector<std::vector<Claim>> answers(requests.size());
  for (bool first = true; first || !asking.empty(); first = false) {
    Batch batch;
    auto const undone = doubtful_claims_;
    for (auto const& [from, to] : undone) {
      batch.push_back({"undo_claims",
                       {int8(static_cast<std::int64_t>(epoch_)), int8(static_cast<std::int64_t>(from)),
                        int8(static_cast<std::int64_t>(to))},
                       ""});
    }
    std::int32_t const known = tag_sets_.newest();
    batch.push_back({"new_tag_sets", {int4(known)}, ""});
    std::size_t const header = batch.size();
    std::uint64_t const first_counter = next_counter_;
    std::vector<DemandGroup> groups = DemandGroup::of(asking, tag_sets_);
    for (DemandGroup& group : groups) batch.push_back(claim_command(group));
    if (groups.empty() && !first && undone.empty()) break;
    std::uint64_t const last_counter = next_counter_ - 1;
    Result<std::vector<Rows>> rows = co_await claim_link_->run(std::move(batch));
    if (!rows) {
      bool const in_doubt = rows.error().kind == ErrorKind::in_doubt;
      if (in_doubt && !groups.empty()) doubtful_claims_.emplace_back(first_counter, last_counter);
      // What earlier rounds brought is claimed and must be told; the rest was not answered, so it is not missing for
      // sure.
      bool const something = std::any_of(answers.begin(), answers.end(), [](auto const& a) { return !a.empty(); });
      if (!something) co_return rows.error();
      break;
    }
    std::erase_if(doubtful_claims_,
                  [&](auto const& range) { return std::find(undone.begin(), undone.end(), range) != undone.end(); });
    learn((*rows)[header - 1]);

    for (std::size_t g = 0; g < groups.size(); ++g) {
      DemandGroup& group = groups[g];
      Rows const& taken = (*rows)[header + g];
      std::int64_t seen = -1;  // what claim_merged had seen before it locked
      std::int64_t got = 0;
      for (std::size_t row = 0; row < taken.size(); ++row) {
        std::int64_t const n = taken.integer(row, 0);
        if (n == 0) {
          seen = taken.integer(row, 2);
          continue;
        }
        ++got;
        auto const share = std::upper_bound(group.share_ends.begin(), group.share_ends.end(), n - 1);
        DemandGroup::Member& member = *group.members[static_cast<std::size_t>(share - group.share_ends.begin())];
        --member.missing;
        Claim claim;
        claim.demand = member.demand;
        claim.run = taken.run_id(row, 1);
        claim.attempt = static_cast<int>(taken.integer(row, 4));
        claim.token = {epoch_, group.first_counter + static_cast<std::uint64_t>(n) - 1};
        claim.required = tag_sets_.of(static_cast<std::int32_t>(taken.integer(row, 2)));
        claim.priority = static_cast<int>(taken.integer(row, 3));
        claim.payload = taken.bytes(row, 5);
        answers[member.request].push_back(std::move(claim));
      }
      bool const lost_a_race = seen > got;
      for (DemandGroup::Member* member : group.members) member->contended = lost_a_race;
      counters_.claim_attempts += static_cast<std::uint64_t>(std::max<std::int64_t>({1, seen, got}));
      if (lost_a_race) counters_.claim_conflicts += static_cast<std::uint64_t>(seen - got);
    }
    // Another round for those who lost a race, and for those who had not known of a tag set that fits them.
    bool const more_sets = tag_sets_.newest() > known;
    std::erase_if(asking, [&](DemandGroup::Member const* member) {
      return member->missing == 0 || !(member->contended || more_sets);
    });
  }
  co_return answers;
}

}  // namespace assay::postgres
