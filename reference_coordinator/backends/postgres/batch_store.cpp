#include "reference_coordinator/backends/postgres/batch_store.hpp"

#include "reference_coordinator/backends/postgres/claim_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::postgres {

namespace {

// Of items, or of so many times 8 KiB. Larger batches gain nothing more and make those behind them wait.
constexpr std::size_t max_batch_weight = 1000;
constexpr std::size_t weight_unit_bytes = 8192;
constexpr std::size_t max_batches_in_flight = 2;    // one at work on the server, one in its socket
constexpr std::size_t max_items_per_call = 10'000;  // below the 65,536 places that a batch has

std::size_t weight_of(std::string const& bytes) { return 1 + bytes.size() / weight_unit_bytes; }

template <class Items>
std::optional<Error> too_many(Items const& items) {
  if (items.size() <= max_items_per_call) return std::nullopt;
  return Error{ErrorKind::rejected,
               fmt::format("{} items in one call, at most {} are allowed", items.size(), max_items_per_call)};
}

}  // namespace

BatchStore::BatchStore(Executor executor, RetryPolicy retry, std::uint64_t epoch)
    : retry_{retry},
      epoch_{epoch},
      submits_{executor,
               [](SubmitRequest const& request) {
                 std::size_t weight = 0;
                 for (RunSpec const& run : request.runs) weight += weight_of(run.payload);
                 return weight;
               },
               max_batch_weight, max_batches_in_flight,
               [this](auto requests) { return flush_submit(std::move(requests)); }},
      claims_{executor,
              [](ClaimRequest const& request) {
                std::size_t weight = 0;
                for (Demand const& demand : request.demands) weight += demand.count;
                return weight;
              },
              max_batch_weight, max_batches_in_flight,
              [this](auto requests) { return flush_claim(std::move(requests)); }},
      completions_{executor,
                   [](Reports const& reports) {
                     std::size_t weight = 0;
                     for (Report const& report : reports) weight += weight_of(report.said);
                     return weight;
                   },
                   max_batch_weight, max_batches_in_flight,
                   [this](auto requests) { return flush_reports(Verb::complete, std::move(requests)); }},
      failures_{executor, [](Reports const& reports) { return reports.size(); }, max_batch_weight,
                max_batches_in_flight,
                [this](auto requests) { return flush_reports(Verb::fail, std::move(requests)); }},
      renewals_{executor, [](Reports const& reports) { return reports.size(); }, max_batch_weight,
                max_batches_in_flight,
                [this](auto requests) { return flush_reports(Verb::renew, std::move(requests)); }},
      releases_{executor, [](Reports const& reports) { return reports.size(); }, max_batch_weight,
                max_batches_in_flight,
                [this](auto requests) { return flush_reports(Verb::release, std::move(requests)); }} {}

Awaitable<Result<OpenedStore>> BatchStore::open(Executor executor, StoreOptions options) {
  Result<OpenedSchema> opened = co_await open_schema(executor, options.url, batch_schema(), options.temporary);
  if (!opened) co_return opened.error();
  std::unique_ptr<BatchStore> store{new BatchStore{executor, options.retry, opened->epoch}};

  struct Wanted {
    Link** link;
    std::vector<Prepared> statements;
    std::vector<std::string> more;
  };
  std::vector<Wanted> wanted;
  wanted.push_back({&store->submit_link_, submit_statements(), {}});
  // A claim that the server forgets in a crash was a lease: the run is ready again, under no token that was ever given
  // out.
  wanted.push_back({&store->claim_link_, claim_statements(), {"SET synchronous_commit = off"}});
  wanted.push_back({&store->complete_link_, complete_statements(), {}});
  wanted.push_back({&store->tend_link_, tend_statements(), {}});
  wanted.push_back({&store->control_link_, control_statements(), {}});
  for (Wanted& link : wanted) {
    ConnectOptions connect;
    connect.url = options.url;
    connect.answer_patience = options.patience;
    connect.session = steady_plans();
    connect.session.insert(connect.session.end(), link.more.begin(), link.more.end());
    connect.statements = std::move(link.statements);
    Result<std::shared_ptr<Link>> made = co_await Link::open(executor, std::move(connect));
    if (!made) {
      Error error = made.error();
      error.detail = fmt::format("connection {} of {}: {}", store->links_.size() + 1, wanted.size(), error.detail);
      co_return error;
    }
    *link.link = &store->links_.add(*std::move(made));
  }

  Batch first;
  first.push_back({"new_tag_sets", {int4(0)}, ""});
  for (TallyOf who : {TallyOf::complete, TallyOf::fail, TallyOf::sweep}) {
    first.push_back({"",
                     {int8(static_cast<std::int64_t>(opened->epoch)), int4(static_cast<std::int32_t>(who))},
                     "INSERT INTO assay_batch.tally (epoch, who) VALUES ($1::int8, $2::int4)"});
  }
  Result<std::vector<Rows>> rows = co_await store->control_link_->run(std::move(first));
  if (!rows) co_return rows.error();
  store->learn(rows->front());

  Result<std::vector<Rows>> plan =
      co_await store->claim_link_->run(explain("claim_heads ('{1}', 100, 1000000, 1, 0, '{r}', '{100}')"));
  if (!plan) co_return plan.error();

  if (options.temporary) store->temporary_url_ = options.url;
  OpenedStore result;
  result.facts = std::move(opened->facts);
  result.facts.emplace_back("connections", std::to_string(store->links_.size()));
  result.facts.emplace_back("synchronous_commit of claims", "off");
  result.facts.emplace_back("plan of a claim", plan_in_a_line(plan->front()));
  result.store = std::move(store);
  co_return result;
}

void BatchStore::learn(Rows const& tag_sets) {
  for (std::size_t row = 0; row < tag_sets.size(); ++row) {
    tag_sets_.learn(static_cast<std::int32_t>(tag_sets.integer(row, 0)), tag_sets.bytes(row, 1));
  }
}

Awaitable<std::optional<Error>> BatchStore::intern(std::vector<std::string> keys) {
  Array array{Element::text};
  for (std::string const& key : keys) array.add(key);
  Batch batch;
  batch.push_back({"intern_lock", {}, ""});
  batch.push_back({"intern", {array.take()}, ""});
  batch.push_back({"new_tag_sets", {int4(tag_sets_.newest())}, ""});
  Result<std::vector<Rows>> rows = co_await control_link_->run(std::move(batch));
  if (!rows) co_return rows.error();
  learn(rows->back());
  co_return std::nullopt;
}

Awaitable<Result<std::vector<Outcome>>> BatchStore::submit(std::vector<RunSpec> runs) {
  Result<Submitted> submitted = co_await submit_and_claim(std::move(runs), {}, Duration::zero());
  if (!submitted) co_return submitted.error();
  co_return std::move(submitted->outcomes);
}

Awaitable<Result<Submitted>> BatchStore::submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                          Duration lease) {
  if (std::optional<Error> error = too_many(runs)) co_return *std::move(error);
  if (std::optional<Error> error = too_many(demands)) co_return *std::move(error);
  if (runs.empty()) co_return Submitted{};
  SubmitRequest request{std::move(runs), std::move(demands), lease};
  Result<Submitted> submitted = co_await submits_.ask(std::move(request));
  co_return submitted;
}

Awaitable<Result<std::vector<Claim>>> BatchStore::claim(std::vector<Demand> demands, Duration lease) {
  if (std::optional<Error> error = too_many(demands)) co_return *std::move(error);
  if (demands.empty()) co_return std::vector<Claim>{};
  ClaimRequest request{std::move(demands), lease};
  Result<std::vector<Claim>> claims = co_await claims_.ask(std::move(request));
  co_return claims;
}

namespace {

template <class Items, class Reports>
void as_reports(Items& items, Reports& reports) {
  reports.reserve(items.size());
  for (auto& item : items) reports.push_back({item.run, item.token, {}, {}});
}

}  // namespace

Awaitable<Result<std::vector<Outcome>>> BatchStore::renew(std::vector<ClaimRef> claims, Duration lease) {
  if (std::optional<Error> error = too_many(claims)) co_return *std::move(error);
  if (claims.empty()) co_return Outcomes{};
  Reports reports;
  as_reports(claims, reports);
  for (Report& report : reports) report.lease = lease;
  Result<Outcomes> outcomes = co_await renewals_.ask(std::move(reports));
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> BatchStore::complete(std::vector<Completion> completions) {
  if (std::optional<Error> error = too_many(completions)) co_return *std::move(error);
  if (completions.empty()) co_return Outcomes{};
  Reports reports;
  as_reports(completions, reports);
  for (std::size_t i = 0; i < reports.size(); ++i) reports[i].said = std::move(completions[i].result);
  Result<Outcomes> outcomes = co_await completions_.ask(std::move(reports));
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> BatchStore::fail(std::vector<FailedAttempt> failures) {
  if (std::optional<Error> error = too_many(failures)) co_return *std::move(error);
  if (failures.empty()) co_return Outcomes{};
  Reports reports;
  as_reports(failures, reports);
  for (std::size_t i = 0; i < reports.size(); ++i) reports[i].said = std::move(failures[i].cause);
  Result<Outcomes> outcomes = co_await failures_.ask(std::move(reports));
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> BatchStore::release(std::vector<ClaimRef> claims) {
  if (std::optional<Error> error = too_many(claims)) co_return *std::move(error);
  if (claims.empty()) co_return Outcomes{};
  Reports reports;
  as_reports(claims, reports);
  Result<Outcomes> outcomes = co_await releases_.ask(std::move(reports));
  co_return outcomes;
}

Command BatchStore::report_command(Verb verb, std::vector<Report const*> const& reports) const {
  Array runs{Element::uuid}, epochs{Element::int8}, counters{Element::int8};
  Array said{Element::bytea}, leases{Element::int8};
  for (Report const* report : reports) {
    runs.add(report->run);
    epochs.add(report->token.epoch);
    counters.add(report->token.counter);
    said.add(report->said);
    leases.add(microseconds_of(report->lease));
  }
  Command command;
  command.parameters = {runs.take(), epochs.take(), counters.take(), verb == Verb::renew ? leases.take() : said.take()};
  auto const tally = [&](TallyOf who) {
    command.parameters.push_back(int8(static_cast<std::int64_t>(epoch_)));
    command.parameters.push_back(int4(static_cast<std::int32_t>(who)));
  };
  switch (verb) {
    case Verb::complete:
      command.statement = "complete";
      tally(TallyOf::complete);
      break;
    case Verb::fail:
      command.statement = "fail";
      tally(TallyOf::fail);
      command.parameters.push_back(int8(microseconds_of(retry_.base)));
      command.parameters.push_back(int8(microseconds_of(retry_.limit)));
      break;
    case Verb::renew: command.statement = "renew"; break;
    case Verb::release: command.statement = "release"; break;
  }
  return command;
}

Awaitable<Result<std::vector<BatchStore::Outcomes>>> BatchStore::flush_reports(Verb verb,
                                                                               std::vector<Reports> requests) {
  struct Item {
    Report const* report;
    Outcome outcome;
  };
  std::vector<Item> items;  // as they came
  for (Reports const& request : requests) {
    for (Report const& report : request) {
      bool const fits = report.said.size() <= max_payload_bytes;
      items.push_back({&report, fits ? Outcome::unavailable : Outcome::rejected});
    }
  }
  std::vector<std::size_t> order;  // of run ids: everybody locks leases in this order
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].outcome != Outcome::rejected) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return items[a].report->run < items[b].report->run; });
  // Who says the same token's word again in the same batch hears what the next batch would have told.
  auto const repeats = [&](std::size_t k) {
    if (k == 0) return false;
    Report const& before = *items[order[k - 1]].report;
    Report const& report = *items[order[k]].report;
    return before.run == report.run && before.token == report.token;
  };
  std::vector<std::size_t> sent;
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (!repeats(k)) sent.push_back(order[k]);
  }

  std::vector<std::size_t> losers;  // whose token holds nothing, and why is to be told
  if (!sent.empty()) {
    std::vector<Report const*> reports;
    for (std::size_t i : sent) reports.push_back(items[i].report);
    Command command = report_command(verb, reports);
    Link& link = verb == Verb::complete ? *complete_link_ : *tend_link_;
    Result<std::vector<Rows>> rows = co_await link.run(std::move(command));
    if (!rows) co_return rows.error();
    Rows const& accepted = rows->front();
    for (std::size_t row = 0; row < accepted.size(); ++row) {
      items[sent[static_cast<std::size_t>(accepted.integer(row, 0)) - 1]].outcome = Outcome::ok;
    }
    for (std::size_t k = 0; k < order.size(); ++k) {
      Item& item = items[order[k]];
      if (verb == Verb::renew && repeats(k)) item.outcome = items[order[k - 1]].outcome;
      if (item.outcome != Outcome::ok) losers.push_back(order[k]);
    }
  }
  if (!losers.empty()) {
    // In a statement of its own, which sees what the lost races' winners committed.
    Array runs{Element::uuid};
    for (std::size_t i : losers) runs.add(items[i].report->run);
    Batch look;
    look.push_back({"look", {runs.take()}, ""});
    Result<std::vector<Rows>> rows = co_await read(std::move(look));
    if (rows) {
      for (std::size_t i : losers) items[i].outcome = Outcome::unknown_run;
      Rows const& found = rows->front();
      for (std::size_t row = 0; row < found.size(); ++row) {
        Item& item = items[losers[static_cast<std::size_t>(found.integer(row, 0)) - 1]];
        ClaimToken const reported{static_cast<std::uint64_t>(found.integer(row, 1)),
                                  static_cast<std::uint64_t>(found.integer(row, 2))};
        std::int64_t const said = found.integer(row, 3);  // 1 completed, 2 failed
        bool const claimed_again = found.integer(row, 4) != 0;
        item.outcome = Outcome::stale_token;
        if (item.report->token == reported && said != 0 && !claimed_again &&
            (verb == Verb::complete || verb == Verb::fail)) {
          item.outcome = (said == 1) == (verb == Verb::complete) ? Outcome::already_done : Outcome::rejected;
        }
      }
    }
    // Otherwise they stay `unavailable`: their report changed nothing, and why can't be told now.
  }

  std::vector<Outcomes> answers;
  auto next = items.begin();
  for (Reports const& request : requests) {
    Outcomes& outcomes = answers.emplace_back();
    for (std::size_t i = 0; i < request.size(); ++i) outcomes.push_back((next++)->outcome);
  }
  co_return answers;
}

Awaitable<Result<std::vector<Rows>>> BatchStore::read(Batch batch) {
  ++control_in_flight_;
  Result<std::vector<Rows>> rows = co_await control_link_->run(std::move(batch));
  --control_in_flight_;
  if (!rows && rows.error().kind == ErrorKind::in_doubt) {  // about a question there is no doubt
    Error error{ErrorKind::unavailable, rows.error().detail};
    co_return error;
  }
  co_return rows;
}

Awaitable<Result<SweepResult>> BatchStore::sweep(std::size_t max) {
  std::int64_t const limit = static_cast<std::int64_t>(std::min<std::size_t>(max, max_items_per_call));
  Batch batch;
  batch.push_back({"sweep",
                   {int8(limit), int8(static_cast<std::int64_t>(epoch_)),
                    int4(static_cast<std::int32_t>(TallyOf::sweep)), "lease expired"},
                   ""});
  batch.push_back({"release_due", {int8(limit)}, ""});
  ++control_in_flight_;
  Result<std::vector<Rows>> rows = co_await control_link_->run(std::move(batch));
  --control_in_flight_;
  if (!rows) co_return rows.error();
  SweepResult result;
  Rows const& expired = (*rows)[0];
  for (std::size_t row = 0; row < expired.size(); ++row) {
    (expired.integer(row, 1) == 0 ? result.requeued : result.dead).push_back(expired.run_id(row, 0));
  }
  result.released = static_cast<std::size_t>((*rows)[1].integer(0, 0));
  co_return result;
}

Awaitable<Result<Depth>> BatchStore::depth() {
  Batch batch;
  batch.push_back({"", {}, "SELECT set_config('enable_seqscan', 'on', true)"});  // it does count everything
  batch.push_back({"depth", {}, ""});
  Result<std::vector<Rows>> rows = co_await read(std::move(batch));
  if (!rows) co_return rows.error();
  Rows const& row = rows->back();
  auto const count = [&](int column) { return static_cast<std::uint64_t>(row.integer(0, column)); };
  Depth depth;
  depth.delayed = count(0);
  depth.ready = count(1);
  depth.claimed = count(2);
  depth.completed = count(3);
  depth.dead = count(4);
  depth.oldest_ready_age = microseconds{row.integer(0, 5)};
  co_return depth;
}

Awaitable<Result<std::optional<RunView>>> BatchStore::find(RunId id) {
  Batch batch;
  batch.push_back({"find", {uuid(id)}, ""});
  Result<std::vector<Rows>> rows = co_await read(std::move(batch));
  if (!rows) co_return rows.error();
  Rows const& row = rows->front();
  if (row.size() == 0) co_return std::optional<RunView>{};
  RunView view;
  view.id = id;
  std::int64_t const state = row.integer(0, 0);
  view.required = TagSet::from_key(row.bytes(0, 1));
  view.priority = static_cast<int>(row.integer(0, 2));
  bool const claimed = row.integer(0, 3) != 0;
  bool const delayed = row.integer(0, 4) != 0;
  view.state = state == 1   ? RunState::completed
               : state == 2 ? RunState::dead
               : claimed    ? RunState::claimed
               : delayed    ? RunState::delayed
                            : RunState::ready;
  view.attempts = static_cast<int>(row.integer(0, 5));
  view.runner = row.bytes(0, 6);
  if (state != 0) view.result = row.bytes(0, 7);
  co_return std::optional<RunView>{std::move(view)};
}

StoreCounters BatchStore::counters() const {
  StoreCounters counters = counters_;
  counters.reconnects = links_.reconnects();
  return counters;
}

std::size_t BatchStore::pending_writes() const {
  return submits_.pending() + claims_.pending() + completions_.pending() + failures_.pending() + renewals_.pending() +
         releases_.pending() + control_in_flight_;
}

Awaitable<void> BatchStore::close() {
  co_await submits_.drained();
  co_await claims_.drained();
  co_await completions_.drained();
  co_await failures_.drained();
  co_await renewals_.drained();
  co_await releases_.drained();
  links_.close();
  if (temporary_url_) {
    Executor const executor = co_await asio::this_coro::executor;
    co_await drop_schema(executor, *temporary_url_, batch_schema().name);
  }
}

}  // namespace assay::postgres
