// BatchStore's submit: one statement puts the runs of all requests into `run` and `run_ready`. Those that a parked poll
// waits for go into `run_lease` instead, in a statement of their own (sync match), unless something older or more
// urgent is ready for that poll: then they become ready like the others, and the poll stays without.
#include "reference_coordinator/backends/postgres/batch_store.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace assay::postgres {

namespace {

struct RunColumns {
  Array ids{Element::uuid}, tag_sets{Element::int4}, priorities{Element::int2}, attempts{Element::int4};
  Array payloads{Element::bytea}, places{Element::int4};
  bool used = false;

  void add(RunSpec const& run, std::int32_t tag_set, std::int32_t place) {
    used = true;
    ids.add(run.id);
    tag_sets.add(tag_set);
    priorities.add(static_cast<std::int16_t>(run.priority));
    attempts.add(std::int32_t{run.max_attempts});
    payloads.add(run.payload);
    places.add(place);
  }
  std::vector<std::string> take() {
    return {ids.take(), tag_sets.take(), priorities.take(), attempts.take(), payloads.take(), places.take()};
  }
};

}  // namespace

// In memory, request by request: a demand gets the best run of its own request, unless an earlier request left a run
// over that it could take, which then is older. What was ready before this batch is looked for by the statement.
class BatchStore::SyncMatch {
 public:
  struct Pair {
    RunSpec* run;
    std::size_t request;
    std::uint32_t demand;
    std::int32_t offer;
    ClaimToken token;
  };

  explicit SyncMatch(TagSets& tag_sets) : tag_sets_{tag_sets} {}

  // `ready` are the request's runs that become ready now, in its order.
  void match(std::vector<RunSpec*> ready, std::vector<Demand> const& demands, std::size_t request) {
    for (std::uint32_t d = 0; d < demands.size() && !ready.empty(); ++d) {
      std::vector<std::int32_t> const& fitting = tag_sets_.fitting(demands[d].offered);
      auto const fits = [&](std::int32_t tag_set) {
        return std::binary_search(fitting.begin(), fitting.end(), tag_set);
      };
      if (std::any_of(left_over_.begin(), left_over_.end(), fits)) continue;
      std::int32_t const offer = number_of(demands[d].offered, fitting);
      for (std::uint32_t given = 0; given < demands[d].count; ++given) {
        auto best = ready.end();
        for (auto run = ready.begin(); run != ready.end(); ++run) {
          if (!fits(*tag_sets_.id_of((*run)->required))) continue;
          if (best == ready.end() || (*run)->priority > (*best)->priority) best = run;
        }
        if (best == ready.end()) break;
        pairs_.push_back({*best, request, d, offer, {}});
        pair_of_.emplace((*best)->id, pairs_.size() - 1);
        ready.erase(best);
      }
    }
    for (RunSpec const* run : ready) left_over_.insert(*tag_sets_.id_of(run->required));
  }

  std::vector<Pair>& pairs() { return pairs_; }
  Pair* pair_of(RunId const& run) {
    auto const found = pair_of_.find(run);
    return found == pair_of_.end() ? nullptr : &pairs_[found->second];
  }

  // Each offer that a pair has, with the tag sets that it fits.
  Array offers{Element::int4}, sets_of_offers{Element::int4};

 private:
  std::int32_t number_of(TagSet const& offered, std::vector<std::int32_t> const& fitting) {
    auto const [entry, is_new] = numbers_.try_emplace(offered, static_cast<std::int32_t>(numbers_.size()));
    if (is_new) {
      for (std::int32_t tag_set : fitting) {
        offers.add(entry->second);
        sets_of_offers.add(tag_set);
      }
    }
    return entry->second;
  }

  TagSets& tag_sets_;
  std::vector<Pair> pairs_;
  std::unordered_map<RunId, std::size_t> pair_of_;
  std::unordered_map<TagSet, std::int32_t> numbers_;
  std::set<std::int32_t> left_over_;  // tag sets of runs that nobody in this batch was given
};

Awaitable<Result<std::vector<Submitted>>> BatchStore::flush_submit(std::vector<SubmitRequest> requests) {
  // Each id once: who says it again in the same batch hears what the next batch would have told.
  std::unordered_set<RunId> ids;
  std::vector<RunSpec*> runs;
  std::vector<std::size_t> ends;  // of each request's share of them
  std::vector<std::string> unknown;
  for (SubmitRequest& request : requests) {
    for (RunSpec& run : request.runs) {
      if (!is_acceptable(run) || !ids.insert(run.id).second) continue;
      runs.push_back(&run);
      if (!tag_sets_.id_of(run.required)) unknown.push_back(run.required.key());
    }
    ends.push_back(runs.size());
  }
  if (!unknown.empty()) {
    std::sort(unknown.begin(), unknown.end());
    unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
    if (std::optional<Error> error = co_await intern(std::move(unknown))) {
      // Interning twice is harmless, and no run has been sent.
      if (error->kind == ErrorKind::in_doubt) error->kind = ErrorKind::unavailable;
      co_return *std::move(error);
    }
  }

  SyncMatch sync_match{tag_sets_};
  for (std::size_t r = 0, next = 0; r < requests.size(); ++r) {
    std::vector<RunSpec*> ready;
    for (; next < ends[r]; ++next) {
      if (runs[next]->delay <= Duration::zero()) ready.push_back(runs[next]);
    }
    sync_match.match(std::move(ready), requests[r].demands, r);
  }
  std::uint64_t const first_counter = next_counter_;
  for (SyncMatch::Pair& pair : sync_match.pairs()) pair.token = {epoch_, next_counter_++};

  RunColumns ready;
  RunColumns delayed;
  RunColumns matched;
  Array delays{Element::int8};
  Array offers{Element::int4}, counters{Element::int8}, leases{Element::int8}, runners{Element::text};
  std::vector<std::int32_t> order(runs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return runs[a]->id < runs[b]->id; });
  for (std::int32_t place : order) {
    RunSpec const& run = *runs[place];
    SyncMatch::Pair const* const pair = sync_match.pair_of(run.id);
    RunColumns& columns = pair != nullptr ? matched : run.delay > Duration::zero() ? delayed : ready;
    columns.add(run, *tag_sets_.id_of(run.required), place);
    if (pair == nullptr) continue;
    SubmitRequest const& request = requests[pair->request];
    offers.add(pair->offer);
    counters.add(pair->token.counter);
    leases.add(microseconds_of(request.lease));
    runners.add(request.demands[pair->demand].runner);
  }
  for (RunSpec const* run : runs) delays.add(microseconds_of(run->delay));
  Batch batch;
  batch.push_back({"place", {}, ""});
  if (matched.used) {  // first, so that it takes none of this batch's other runs for an older one
    batch.push_back({"submit_matched", matched.take(), ""});
    auto& parameters = batch.back().parameters;
    parameters.push_back(offers.take());
    parameters.push_back(counters.take());
    parameters.push_back(leases.take());
    parameters.push_back(runners.take());
    parameters.push_back(sync_match.offers.take());
    parameters.push_back(sync_match.sets_of_offers.take());
    parameters.push_back(int4(tag_sets_.newest()));
    parameters.push_back(int8(static_cast<std::int64_t>(epoch_)));
  }
  if (ready.used) batch.push_back({"submit", ready.take(), ""});
  if (delayed.used) {
    batch.push_back({"submit_delayed", delayed.take(), ""});
    batch.back().parameters.push_back(delays.take());
  }

  std::unordered_set<RunId> added;
  std::vector<Submitted> answers(requests.size());
  if (!runs.empty()) {
    Result<std::vector<Rows>> rows = co_await submit_link_->run(std::move(batch));
    if (!rows) {
      bool const in_doubt = rows.error().kind == ErrorKind::in_doubt;
      if (in_doubt && matched.used)
        doubtful_claims_.emplace_back(first_counter, first_counter + sync_match.pairs().size() - 1);
      co_return rows.error();
    }
    for (std::size_t i = 1; i < rows->size(); ++i) {
      Rows const& told = (*rows)[i];
      bool const are_matched = matched.used && i == 1;
      for (std::size_t row = 0; row < told.size(); ++row) {
        RunId const id = told.run_id(row, 0);
        added.insert(id);
        if (!are_matched || told.integer(row, 1) == 0) continue;
        SyncMatch::Pair const& pair = *sync_match.pair_of(id);
        Claim& claim = answers[pair.request].claims.emplace_back();
        claim.demand = pair.demand;
        claim.run = id;
        claim.token = pair.token;
        claim.required = pair.run->required;
        claim.priority = pair.run->priority;
        claim.payload = std::move(pair.run->payload);
        ++counters_.claim_attempts;
      }
    }
  }
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (RunSpec const& run : requests[r].runs) {
      Outcome const outcome = !is_acceptable(run)       ? Outcome::rejected
                              : added.erase(run.id) > 0 ? Outcome::ok
                                                        : Outcome::already_done;
      answers[r].outcomes.push_back(outcome);
    }
  }
  co_return answers;
}

}  // namespace assay::postgres
