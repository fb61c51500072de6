#include "reference_coordinator/backends/postgres/table_store.hpp"

#include "reference_coordinator/backends/postgres/claim_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace assay::postgres {

namespace {

constexpr int default_connections = 8;
constexpr int most_connections = 100;

void rethrow(std::exception_ptr bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

std::optional<Error> too_many(std::size_t items) {
  if (items <= max_items_per_call) return std::nullopt;
  return Error{ErrorKind::rejected,
               fmt::format("{} items in one call, at most {} are allowed", items, max_items_per_call)};
}

struct TableStore::Reporting {
  Reporting(Executor executor, std::vector<Report> r) : reports{std::move(r)}, done{executor} {}
  std::vector<Report> reports;
  std::vector<std::size_t> turn;  // those that are being sent, of different runs
  std::size_t next = 0;           // of the turn
  std::size_t working = 0;
  std::optional<Error> error;  // one of them, when there was any
  Signal done;
};

TableStore::TableStore(Executor executor, StoreOptions const& options, TableStrategy strategy)
    : executor_{executor}, pool_{executor}, options_{options}, strategy_{std::move(strategy)} {}

Awaitable<Result<OpenedStore>> TableStore::open(std::unique_ptr<TableStore> store) {
  StoreOptions const& options = store->options_;
  int const connections = options.connections == 0 ? default_connections : options.connections;
  if (connections < 1 || connections > most_connections) {
    Error error{ErrorKind::misconfigured,
                fmt::format("{} connections: 1 to {} are allowed", connections, most_connections)};
    co_return error;
  }
  Schema schema = table_schema(store->strategy_);
  Result<OpenedSchema> opened =
      co_await open_schema(store->executor_, options.url, std::move(schema), options.temporary);
  if (!opened) co_return opened.error();
  store->epoch_ = opened->epoch;
  for (int i = 1; i <= connections; ++i) {
    ConnectOptions connect;
    connect.url = options.url;
    connect.answer_patience = options.patience;
    connect.session = table_session();
    connect.statements = table_statements(store->strategy_);
    Result<std::shared_ptr<Link>> link = co_await Link::open(store->executor_, std::move(connect));
    if (!link) {
      Error error = link.error();
      error.detail = fmt::format("connection {} of {}: {}", i, connections, error.detail);
      co_return error;
    }
    store->pool_.add(*std::move(link));
  }
  Result<Rows> plan = co_await store->pool_.run(explain(store->strategy_.explained));
  if (!plan) co_return plan.error();
  OpenedStore result;
  result.facts = std::move(opened->facts);
  result.facts.emplace_back("connections", std::to_string(connections));
  result.facts.emplace_back("plan of a claim", plan_in_a_line(*plan));
  result.store = std::move(store);
  co_return result;
}

Awaitable<Result<std::vector<Outcome>>> TableStore::submit(std::vector<RunSpec> runs) {
  if (std::optional<Error> error = too_many(runs.size())) co_return *std::move(error);
  Array ids{Element::uuid}, priorities{Element::int2}, required{Element::text}, attempts{Element::int4};
  Array delays{Element::int8}, payloads{Element::bytea};
  bool any = false;
  for (RunSpec const& run : runs) {
    if (!is_acceptable(run)) continue;
    any = true;
    ids.add(run.id);
    priorities.add(static_cast<std::int16_t>(run.priority));
    required.add(run.required.key());
    attempts.add(std::int32_t{run.max_attempts});
    delays.add(microseconds_of(run.delay));
    payloads.add(run.payload);
  }
  std::unordered_set<RunId> added;
  if (any) {
    Command command;
    command.statement = "submit";
    command.parameters = {ids.take(),      priorities.take(), required.take(),
                          attempts.take(), delays.take(),     payloads.take()};
    Result<Rows> rows = co_await pool_.run(std::move(command));
    if (!rows) co_return rows.error();
    for (std::size_t row = 0; row < rows->size(); ++row) added.insert(rows->run_id(row, 0));
  }
  std::vector<Outcome> outcomes;
  for (RunSpec const& run : runs) {
    if (!is_acceptable(run)) {
      outcomes.push_back(Outcome::rejected);
    } else {
      outcomes.push_back(added.erase(run.id) > 0 ? Outcome::ok : Outcome::already_done);
    }
  }
  co_return outcomes;
}

Claim TableStore::claim_of(Rows const& rows, std::size_t row, int first, ClaimToken token) {
  Claim claim;
  claim.run = rows.run_id(row, first);
  claim.attempt = static_cast<int>(rows.integer(row, first + 1));
  claim.token = token;
  claim.required = TagSet::from_key(rows.bytes(row, first + 2));
  claim.priority = static_cast<int>(rows.integer(row, first + 3));
  claim.payload = rows.bytes(row, first + 4);
  return claim;
}

TableStore::Report TableStore::report(ClaimRef const& claim, char const* statement, int says,
                                      std::vector<std::string> more) const {
  Report report{claim.run, {}, says, {}};
  report.command.statement = statement;
  report.command.parameters = {uuid(claim.run), int8(static_cast<std::int64_t>(claim.token.epoch)),
                               int8(static_cast<std::int64_t>(claim.token.counter))};
  for (std::string& parameter : more) {
    if (says != 0 && parameter.size() > max_payload_bytes) report.outcome = Outcome::rejected;
    report.command.parameters.push_back(std::move(parameter));
  }
  return report;
}

Awaitable<Result<std::vector<Outcome>>> TableStore::renew(std::vector<ClaimRef> claims, Duration lease) {
  std::vector<Report> reports;
  for (ClaimRef const& claim : claims) reports.push_back(report(claim, "renew", 0, {int8(microseconds_of(lease))}));
  return report_all(std::move(reports));
}

Awaitable<Result<std::vector<Outcome>>> TableStore::complete(std::vector<Completion> completions) {
  std::vector<Report> reports;
  for (Completion& c : completions) reports.push_back(report({c.run, c.token}, "complete", 1, {std::move(c.result)}));
  return report_all(std::move(reports));
}

Awaitable<Result<std::vector<Outcome>>> TableStore::fail(std::vector<FailedAttempt> failures) {
  std::vector<Report> reports;
  for (FailedAttempt& f : failures) {
    reports.push_back(report(
        {f.run, f.token}, "fail", 2,
        {std::move(f.cause), int8(microseconds_of(options_.retry.base)), int8(microseconds_of(options_.retry.limit))}));
  }
  return report_all(std::move(reports));
}

Awaitable<Result<std::vector<Outcome>>> TableStore::release(std::vector<ClaimRef> claims) {
  std::vector<Report> reports;
  for (ClaimRef const& claim : claims) reports.push_back(report(claim, "release", 0, {}));
  return report_all(std::move(reports));
}

Awaitable<Result<std::vector<Outcome>>> TableStore::report_all(std::vector<Report> reports) {
  if (std::optional<Error> error = too_many(reports.size())) co_return *std::move(error);
  auto const call = std::make_shared<Reporting>(executor_, std::move(reports));
  // Reports on different runs go out side by side, those on one run one after the other.
  std::vector<std::size_t> later(call->reports.size());
  for (std::size_t i = 0; i < later.size(); ++i) later[i] = i;
  while (!later.empty()) {
    std::unordered_set<RunId> runs;
    call->turn = std::exchange(later, {});
    std::erase_if(call->turn, [&](std::size_t i) {
      bool const again = !runs.insert(call->reports[i].run).second;
      if (again) later.push_back(i);
      return again;
    });
    call->next = 0;
    call->working = std::min(call->turn.size(), pool_.size());
    for (std::size_t i = call->working; i > 0; --i) asio::co_spawn(executor_, report_each(call), rethrow);
    while (call->working > 0) co_await call->done.wait_until();
  }
  std::vector<Outcome> outcomes;
  bool all_unavailable = true;
  for (Report const& report : call->reports) {
    outcomes.push_back(*report.outcome);
    all_unavailable = all_unavailable && *report.outcome == Outcome::unavailable;
  }
  if (call->error && all_unavailable) co_return *std::move(call->error);
  co_return outcomes;
}

Awaitable<void> TableStore::report_each(std::shared_ptr<Reporting> call) {
  while (call->next < call->turn.size()) {
    Report& report = call->reports[call->turn[call->next++]];
    if (report.outcome) continue;
    Result<Outcome> outcome = co_await report_one(std::move(report.command), report.run, report.says);
    if (outcome) {
      report.outcome = *outcome;
    } else {
      bool const in_doubt = outcome.error().kind == ErrorKind::in_doubt;
      report.outcome = in_doubt ? Outcome::in_doubt : Outcome::unavailable;
      call->error = outcome.error();
    }
  }
  if (--call->working == 0) call->done.notify();
}

Awaitable<Result<Outcome>> TableStore::report_one(Command command, RunId run, int says) {
  std::string const epoch = command.parameters[1];
  std::string const counter = command.parameters[2];
  Result<Rows> updated = co_await pool_.run(std::move(command));
  if (!updated) co_return updated.error();
  if (updated->size() > 0) co_return Outcome::ok;
  Batch look;
  look.push_back({"look", {uuid(run)}, ""});
  Result<Rows> row = co_await read(std::move(look));
  if (!row) co_return row.error();
  if (row->size() == 0) co_return Outcome::unknown_run;
  auto const said = static_cast<int>(row->integer(0, 2));
  bool const same_token = row->bytes(0, 0) == epoch && row->bytes(0, 1) == counter;
  if (!same_token || said == 0 || says == 0) co_return Outcome::stale_token;
  co_return said == says ? Outcome::already_done : Outcome::rejected;
}

Awaitable<Result<Rows>> TableStore::read(Batch question) {
  Result<Rows> rows = co_await pool_.run(std::move(question));
  if (!rows && rows.error().kind == ErrorKind::in_doubt) {  // about a question there is no doubt
    Error error{ErrorKind::unavailable, rows.error().detail};
    co_return error;
  }
  co_return rows;
}

Awaitable<Result<SweepResult>> TableStore::sweep(std::size_t max) {
  std::string const limit = int8(static_cast<std::int64_t>(std::min<std::size_t>(max, max_items_per_call)));
  SweepResult result;
  Command expire{"sweep", {limit}, ""};
  Result<Rows> expired = co_await pool_.run(std::move(expire));
  if (!expired) co_return expired.error();
  for (std::size_t row = 0; row < expired->size(); ++row) {
    bool const dead = expired->integer(row, 1) == static_cast<std::int64_t>(RunState::dead);
    (dead ? result.dead : result.requeued).push_back(expired->run_id(row, 0));
  }
  Command release{"release_due", {limit}, ""};
  Result<Rows> released = co_await pool_.run(std::move(release));
  if (released) result.released = released->size();
  // When only the second statement failed, the first one's news must still be told; the next sweep tries the rest
  // again.
  if (!released && expired->size() == 0) co_return released.error();
  co_return result;
}

Awaitable<Result<Depth>> TableStore::depth() {
  Batch batch;
  batch.push_back({"", {}, "SELECT set_config('enable_seqscan', 'on', true)"});  // it does read everything
  batch.push_back({"depth", {}, ""});
  Result<Rows> rows = co_await read(std::move(batch));
  if (!rows) co_return rows.error();
  Depth depth;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto const count = static_cast<std::uint64_t>(rows->integer(row, 1));
    switch (static_cast<RunState>(rows->integer(row, 0))) {
      case RunState::delayed: depth.delayed = count; break;
      case RunState::ready:
        depth.ready = count;
        depth.oldest_ready_age = microseconds{rows->integer(row, 2)};
        break;
      case RunState::claimed: depth.claimed = count; break;
      case RunState::completed: depth.completed = count; break;
      case RunState::dead: depth.dead = count; break;
    }
  }
  co_return depth;
}

Awaitable<Result<std::optional<RunView>>> TableStore::find(RunId id) {
  Batch batch;
  batch.push_back({"find", {uuid(id)}, ""});
  Result<Rows> rows = co_await read(std::move(batch));
  if (!rows) co_return rows.error();
  if (rows->size() == 0) co_return std::optional<RunView>{};
  RunView view;
  view.id = id;
  view.state = static_cast<RunState>(rows->integer(0, 0));
  view.required = TagSet::from_key(rows->bytes(0, 1));
  view.priority = static_cast<int>(rows->integer(0, 2));
  view.attempts = static_cast<int>(rows->integer(0, 3));
  view.runner = rows->bytes(0, 4);
  if (view.state == RunState::completed || view.state == RunState::dead) view.result = rows->bytes(0, 5);
  co_return std::optional<RunView>{std::move(view)};
}

StoreCounters TableStore::counters() const {
  StoreCounters counters = counters_;
  counters.reconnects = pool_.reconnects();
  return counters;
}

Awaitable<void> TableStore::close() {
  co_await pool_.drained();
  pool_.close();
  if (options_.temporary) co_await drop_schema(executor_, options_.url, strategy_.schema);
}

}  // namespace assay::postgres
