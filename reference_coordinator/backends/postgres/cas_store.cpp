#include "reference_coordinator/backends/postgres/cas_store.hpp"

#include <algorithm>

namespace assay::postgres {

namespace {

constexpr std::size_t candidates_per_look = 100;

void rethrow(std::exception_ptr bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

TableStrategy cas_strategy() {
  TableStrategy strategy;
  strategy.schema = "assay_cas";
  strategy.indexes = {"CREATE INDEX runs_ready ON {0}.runs (priority DESC, seq) WHERE state = 1"};
  strategy.claiming = {
      {"candidates",
       "SELECT id FROM {0}.runs WHERE state = 1 AND required <@ string_to_array($1::text, ',') ORDER BY priority DESC, "
       "seq LIMIT $2::int8"},
      {"swap", std::string{"UPDATE {0}.runs "} + take_run +
                   " WHERE id = $1::uuid AND state = 1 RETURNING id, attempts, array_to_string(required, ','), "
                   "priority, payload"}};
  strategy.explained = "candidates ('', 100)";
  return strategy;
}

struct CasStore::Round {
  Round(Executor executor, Rows rows) : candidates{std::move(rows)}, done{executor} {}
  Rows candidates;
  MergedDemands* demands = nullptr;
  std::vector<MergedDemands::Place*> places;  // one for each candidate
  Duration lease{};
  std::size_t next = 0;
  std::size_t working = 0;
  std::size_t lost = 0;
  std::optional<Error> error;
  Signal done;
};

CasStore::CasStore(Executor executor, StoreOptions const& options)
    : TableStore{executor, options, cas_strategy()},
      lookers_{executor, [](ClaimRequest const& request) { return request.demands.size(); }, max_items_per_call,
               1,  // one look at a time: a gateway does not race with itself
               [this](auto requests) { return claim_for(std::move(requests)); }} {}

Awaitable<Result<OpenedStore>> CasStore::open(Executor executor, StoreOptions options) {
  return TableStore::open(std::unique_ptr<TableStore>{new CasStore{executor, options}});
}

Awaitable<Result<std::vector<Claim>>> CasStore::claim(std::vector<Demand> demands, Duration lease) {
  if (std::optional<Error> error = too_many(demands.size())) co_return *std::move(error);
  if (demands.empty()) co_return std::vector<Claim>{};
  ClaimRequest request{std::move(demands), std::min(lease, claim_deadline)};
  Result<std::vector<Claim>> claims = co_await lookers_.ask(std::move(request));
  co_return claims;
}

Awaitable<Result<std::vector<Outcome>>> CasStore::renew(std::vector<ClaimRef> claims, Duration lease) {
  return TableStore::renew(std::move(claims), std::min(lease, claim_deadline));
}

Awaitable<Result<std::vector<std::vector<Claim>>>> CasStore::claim_for(std::vector<ClaimRequest> requests) {
  MergedDemands demands{requests};
  for (MergedDemands::Group& group : demands.groups()) {
    for (bool more = group.missing() > 0; more;) {
      std::vector<MergedDemands::Place*> places = group.next(candidates_per_look);
      std::size_t const asked = places.size();
      Batch look;
      look.push_back({"candidates", {group.offered.key(), int8(static_cast<std::int64_t>(asked))}, ""});
      Result<Rows> found = co_await read(std::move(look));
      if (!found) {
        if (!demands.gave_something()) co_return found.error();
        co_return demands.take_answers();  // what was won must be told
      }
      if (found->size() == 0) ++counters_.claim_attempts;
      auto const round = std::make_shared<Round>(executor_, *std::move(found));
      round->demands = &demands;
      round->places = std::move(places);
      round->lease = group.lease;
      round->working = std::min(round->candidates.size(), pool_.size());
      for (std::size_t i = round->working; i > 0; --i) asio::co_spawn(executor_, try_each(round), rethrow);
      while (round->working > 0) co_await round->done.wait_until();
      if (round->error) {
        if (!demands.gave_something()) co_return *std::move(round->error);
        co_return demands.take_answers();
      }
      // Fewer than asked for, and all of them won: nothing more was ready.
      bool const there_may_be_more = round->candidates.size() == asked || round->lost > 0;
      more = group.missing() > 0 && there_may_be_more;
    }
  }
  co_return demands.take_answers();
}

Awaitable<void> CasStore::try_each(std::shared_ptr<Round> round) {
  while (round->next < round->candidates.size() && !round->error) {
    std::size_t const index = round->next++;
    MergedDemands::Place& place = *round->places[index];
    ClaimToken const token = next_token();
    Command swap{"swap",
                 {uuid(round->candidates.run_id(index, 0)), int8(static_cast<std::int64_t>(token.epoch)),
                  int8(static_cast<std::int64_t>(token.counter)), int8(microseconds_of(round->lease)), *place.runner},
                 ""};
    ++counters_.claim_attempts;
    Result<Rows> rows = co_await pool_.run(std::move(swap));
    if (!rows) {
      round->error = rows.error();
    } else if (rows->size() == 0) {
      ++counters_.claim_conflicts;
      ++round->lost;
    } else {
      round->demands->give(place, claim_of(*rows, 0, 0, token));
    }
  }
  if (--round->working == 0) round->done.notify();
}

Awaitable<void> CasStore::close() {
  co_await lookers_.drained();
  co_await TableStore::close();
}

}  // namespace assay::postgres
