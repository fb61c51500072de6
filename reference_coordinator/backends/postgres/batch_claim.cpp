// BatchStore's claim: demands of equal offer and lease become one statement each, all in one batch.
#include "reference_coordinator/backends/postgres/batch_store.hpp"

#include <algorithm>
#include <map>

namespace assay::postgres {

struct BatchStore::DemandGroup {
  struct Member {
    std::size_t request;
    std::uint32_t demand;
    Demand const* asked;
    std::uint64_t missing;
  };

  TagSet const* offered = nullptr;
  Duration lease{};
  std::vector<Member> members;  // longest waiting first
  bool contended = false;       // lost a race in the last round

  // Of the command in flight.
  std::uint64_t first_counter = 0, last_counter = 0;
  std::vector<Member*> sharing;
  std::vector<std::int64_t> share_ends;

  std::uint64_t missing() const {
    std::uint64_t sum = 0;
    for (Member const& member : members) sum += member.missing;
    return sum;
  }
};

Command BatchStore::claim_command(DemandGroup& group, bool contended) {
  std::vector<std::int32_t> const& fitting = tag_sets_.fitting(*group.offered);
  Array sets{Element::int4};
  for (std::int32_t id : fitting) sets.add(id);
  Array runners{Element::text};
  Array ends{Element::int8};
  group.sharing.clear();
  group.share_ends.clear();
  std::int64_t total = 0;
  for (DemandGroup::Member& member : group.members) {
    if (member.missing == 0) continue;
    total += static_cast<std::int64_t>(member.missing);
    group.sharing.push_back(&member);
    group.share_ends.push_back(total);
    runners.add(member.asked->runner);
    ends.add(total);
  }
  group.first_counter = next_counter_;
  next_counter_ += static_cast<std::uint64_t>(total);
  group.last_counter = next_counter_ - 1;
  Command command;
  command.statement = contended || fitting.size() == 1 ? "claim_heads" : "claim_merged";
  command.parameters = {sets.take(),
                        int8(total),
                        int8(std::chrono::ceil<microseconds>(group.lease).count()),
                        int8(static_cast<std::int64_t>(epoch_)),
                        int8(static_cast<std::int64_t>(group.first_counter) - 1),
                        runners.take(),
                        ends.take()};
  return command;
}

Awaitable<Result<std::vector<std::vector<Claim>>>> BatchStore::flush_claim(std::vector<ClaimRequest> requests) {
  std::vector<DemandGroup> groups;
  std::map<std::pair<TagSet, Duration>, std::size_t> group_of;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (std::uint32_t d = 0; d < requests[r].demands.size(); ++d) {
      Demand const& demand = requests[r].demands[d];
      auto const [at, is_new] = group_of.try_emplace({demand.offered, requests[r].lease}, groups.size());
      if (is_new) {
        groups.emplace_back();
        groups.back().offered = &demand.offered;
        groups.back().lease = requests[r].lease;
      }
      groups[at->second].members.push_back({r, d, &demand, demand.count});
    }
  }

  std::vector<std::vector<Claim>> answers(requests.size());
  std::vector<DemandGroup*> asking;
  for (DemandGroup& group : groups) asking.push_back(&group);
  for (bool first = true; !asking.empty(); first = false) {
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
    std::vector<DemandGroup*> sent;
    for (DemandGroup* group : asking) {
      if (group->missing() == 0 || tag_sets_.fitting(*group->offered).empty()) continue;
      batch.push_back(claim_command(*group, group->contended));
      sent.push_back(group);
    }
    if (sent.empty() && !first && undone.empty()) break;
    std::uint64_t const first_counter = sent.empty() ? 0 : sent.front()->first_counter;
    std::uint64_t const last_counter = sent.empty() ? 0 : sent.back()->last_counter;
    Result<std::vector<Rows>> rows = co_await claim_link_->run(std::move(batch));
    if (!rows) {
      bool const in_doubt = rows.error().kind == ErrorKind::in_doubt;
      if (in_doubt && !sent.empty()) doubtful_claims_.emplace_back(first_counter, last_counter);
      // What earlier rounds brought is claimed and must be told; the rest was not answered, so it is not missing for
      // sure.
      bool const something = std::any_of(answers.begin(), answers.end(), [](auto const& a) { return !a.empty(); });
      if (!something) co_return rows.error();
      break;
    }
    std::erase_if(doubtful_claims_,
                  [&](auto const& range) { return std::find(undone.begin(), undone.end(), range) != undone.end(); });
    learn((*rows)[header - 1]);

    for (std::size_t g = 0; g < sent.size(); ++g) {
      DemandGroup& group = *sent[g];
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
        DemandGroup::Member& member = *group.sharing[static_cast<std::size_t>(share - group.share_ends.begin())];
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
      group.contended = seen > got;
      counters_.claim_attempts += static_cast<std::uint64_t>(std::max<std::int64_t>({1, seen, got}));
      if (group.contended) counters_.claim_conflicts += static_cast<std::uint64_t>(seen - got);
    }
    // Another round for those who lost a race, and for those who had not known of a tag set that fits them.
    bool const more_sets = tag_sets_.newest() > known;
    std::erase_if(asking,
                  [&](DemandGroup* group) { return group->missing() == 0 || !(group->contended || more_sets); });
  }
  co_return answers;
}

}  // namespace assay::postgres
