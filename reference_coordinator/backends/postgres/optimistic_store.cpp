#include "reference_coordinator/backends/postgres/optimistic_store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::postgres {

namespace {

constexpr std::size_t poll_batch_size = 10;  // PollBatchSize of the system it models

}  // namespace

// Its indexes, whose columns its ORDER BY does not follow: every poll sorts all runs that are ready.
TableStrategy optimistic_strategy() {
  TableStrategy strategy;
  strategy.schema = "assay_optimistic";
  strategy.indexes = {"CREATE INDEX runs_scheduled ON {0}.runs (state, ready_at)",
                      "CREATE INDEX runs_priority ON {0}.runs (state, priority DESC, ready_at)",
                      "CREATE INDEX runs_queued ON {0}.runs (ready_at) WHERE state = 1"};
  // $6 at most so many. The last row (n = 0) says how many had been seen.
  strategy.claiming = {
      {"poll",
       "WITH candidates AS MATERIALIZED (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM {0}.runs WHERE "
       "state "
       "= 1 AND orchestrator IS NULL AND required <@ string_to_array($1::text, ',') ORDER BY priority DESC, "
       "created_at, "
       "seq LIMIT $6::int8) AS first), won AS (UPDATE {0}.runs r SET state = 2, said = 0, attempts = attempts + 1, "
       "orchestrator = $2::int8, epoch = $2::int8, counter = $3::int8 + c.n, lease_until = now() + $4::int8 * interval "
       "'1 microsecond', runner = coalesce(($5::text[])[c.n], '') FROM candidates c WHERE r.id = c.id AND r.state = 1 "
       "AND r.orchestrator IS NULL RETURNING c.n, r.id, r.attempts, array_to_string(r.required, ','), r.priority, "
       "r.payload) SELECT * FROM won UNION ALL SELECT 0, NULL, (SELECT count(*) FROM candidates)::int4, NULL, NULL, "
       "NULL"}};
  strategy.explained = "poll ('', 1, 1, 1000000, '{r}', 10)";
  return strategy;
}

OptimisticStore::OptimisticStore(Executor executor, StoreOptions const& options)
    : TableStore{executor, options, optimistic_strategy()},
      polls_{executor, [](ClaimRequest const& request) { return request.demands.size(); }, max_items_per_call,
             1,  // one poll at a time: an orchestrator does not race with itself
             [this](auto requests) { return poll_for(std::move(requests)); }} {}

Awaitable<Result<OpenedStore>> OptimisticStore::open(Executor executor, StoreOptions options) {
  return TableStore::open(std::unique_ptr<TableStore>{new OptimisticStore{executor, options}});
}

Awaitable<Result<std::vector<Claim>>> OptimisticStore::claim(std::vector<Demand> demands, Duration lease) {
  if (std::optional<Error> error = too_many(demands.size())) co_return *std::move(error);
  if (demands.empty()) co_return std::vector<Claim>{};
  ClaimRequest request{std::move(demands), lease};
  Result<std::vector<Claim>> claims = co_await polls_.ask(std::move(request));
  co_return claims;
}

Awaitable<Result<std::vector<std::vector<Claim>>>> OptimisticStore::poll_for(std::vector<ClaimRequest> requests) {
  MergedDemands demands{requests};
  for (MergedDemands::Group& group : demands.groups()) {
    for (bool more = group.missing() > 0; more;) {
      std::vector<MergedDemands::Place*> const places = group.next(poll_batch_size);
      std::vector<std::string> runners;
      for (MergedDemands::Place const* place : places) runners.push_back(*place->runner);
      std::size_t const asked = runners.size();
      Result<Poll> polled = co_await poll(group.offered, group.lease, std::move(runners));
      if (!polled) {
        if (!demands.gave_something()) co_return polled.error();
        co_return demands.take_answers();  // what was won must be told
      }
      std::size_t const won = polled->won.size();
      for (auto& [n, claim] : polled->won) demands.give(*places[n], std::move(claim));
      // Fewer than asked for, and all of them won: nothing more was ready.
      bool const there_may_be_more = polled->seen == asked || polled->seen > won;
      more = group.missing() > 0 && there_may_be_more;
    }
  }
  co_return demands.take_answers();
}

Awaitable<Result<OptimisticStore::Poll>> OptimisticStore::poll(TagSet offered, Duration lease,
                                                               std::vector<std::string> runners) {
  ClaimToken const before = next_token();  // nobody's: the tokens of this poll count on from it
  std::vector<ClaimToken> tokens;
  Array names{Element::text};
  for (std::string const& runner : runners) {
    names.add(runner);
    tokens.push_back(next_token());
  }
  Command command{
      "poll",
      {offered.key(), int8(static_cast<std::int64_t>(before.epoch)), int8(static_cast<std::int64_t>(before.counter)),
       int8(microseconds_of(lease)), names.take(), int8(static_cast<std::int64_t>(runners.size()))},
      ""};
  Result<Rows> rows = co_await pool_.run(std::move(command));
  if (!rows) {
    ++counters_.claim_attempts;
    co_return rows.error();
  }
  Poll poll;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    std::int64_t const n = rows->integer(row, 0);
    if (n == 0) {
      poll.seen = static_cast<std::uint64_t>(rows->integer(row, 2));
    } else {
      auto const place = static_cast<std::size_t>(n) - 1;
      poll.won.emplace_back(place, claim_of(*rows, row, 1, tokens[place]));
    }
  }
  counters_.claim_attempts += std::max<std::uint64_t>(1, poll.seen);
  counters_.claim_conflicts += poll.seen - poll.won.size();
  co_return poll;
}

}  // namespace assay::postgres
