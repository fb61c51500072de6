#include "reports/tables.hpp"

#include "reports/evidence.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace assay {
namespace {

constexpr bool number = true;

template <class Make>
Table per_trial(Assessment const& assessment, std::string caption, std::vector<Column> columns, Make const& make) {
  Table table{std::move(caption), {{"Trial"}}, {}};
  table.columns.insert(table.columns.end(), columns.begin(), columns.end());
  for (auto const& trial : assessment.trials) {
    Row row{{name_of(assessment, trial)}, Mark::none};
    if (trial.partial)
      row.cells[0] += " (partial)";
    else if (!trial.valid())
      row.cells[0] += " (invalid)";
    for (auto& cell : make(trial)) row.cells.push_back(std::move(cell));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Mark mark_of(ObjectiveResult::State state) {
  return state == ObjectiveResult::State::met      ? Mark::good
         : state == ObjectiveResult::State::missed ? Mark::bad
                                                   : Mark::unsure;
}

Mark mark_of(Reason::Finding finding) {
  switch (finding) {
    case Reason::Finding::refuted: return Mark::good;
    case Reason::Finding::met: return Mark::bad;
    case Reason::Finding::undecided: return Mark::unsure;
    case Reason::Finding::note: break;
  }
  return Mark::none;
}

double sum(std::map<std::string, double> const& by_kind) {
  return std::accumulate(by_kind.begin(), by_kind.end(), 0.0,
                         [](double total, auto const& each) { return total + each.second; });
}

std::string cores(ProcessFigures const& figures, double ProcessFigures::*value) {
  return figures.available ? number_text(figures.*value) : "not available";
}

std::string coordinator_cores(TrialResult const& trial, double ProcessFigures::*value) {
  return trial.transport != "http" ? "no process" : cores(trial.coordinator, value);
}

}  // namespace

Table reasons_table(Assessment const& assessment) {
  Table table{
      "Evidence by criterion",
      {{"Criterion"}, {"Finding"}, {"Evidence"}, {"Figure [95 % interval]", number}, {"Bound", number}, {"n", number}},
      {}};
  for (auto const& reason : assessment.verdict.reasons)
    table.rows.push_back({{title_of(reason), word_of(reason.finding), reason.text,
                           reason.figure ? in_unit(*reason.figure, reason.unit) : "–",
                           reason.figure && reason.finding != Reason::Finding::note ? bound_of(reason) : "–",
                           reason.n > 0 ? count_text(reason.n) : "–"},
                          mark_of(reason.finding)});
  return table;
}

Table latency_table(Assessment const& assessment) {
  using L = LatencyFigures;
  bool const theory = std::any_of(assessment.trials.begin(), assessment.trials.end(),
                                  [](auto const& trial) { return trial.erlang_c_shortage_p99_ms.has_value(); });
  std::vector<Column> columns{{"Runs/s", number},       {"n", number},           {"Claim p50", number},
                              {"Claim p99", number},    {"Claim p99.9", number}, {"Dispatch p50", number},
                              {"Dispatch p99", number}, {"Shortage p99", number}};
  if (theory) columns.push_back({"Erlang C p99", number});
  columns.push_back({"Shortage, of mean", number});
  return per_trial(assessment, "Latency per trial, p99 with its 95 % interval", columns, [&](TrialResult const& t) {
    auto const plain = [&](L const& latency, Estimate L::*quantile) {
      if (latency.n == 0 || !t.stable) return latency_cell(t, latency, quantile);
      return duration_text((latency.*quantile).value);
    };
    std::vector<std::string> cells{number_text(t.completed_per_s),
                                   count_text(t.claim_latency.n),
                                   plain(t.claim_latency, &L::p50),
                                   latency_cell(t, t.claim_latency, &L::p99),
                                   plain(t.claim_latency, &L::p999),
                                   plain(t.dispatch_latency, &L::p50),
                                   latency_cell(t, t.dispatch_latency, &L::p99),
                                   plain(t.runner_shortage, &L::p99)};
    if (theory) cells.push_back(t.erlang_c_shortage_p99_ms ? duration_text(*t.erlang_c_shortage_p99_ms) : "–");
    cells.push_back(t.claim_latency.n > 0 && t.stable ? percent_text(t.shortage_share) : "–");
    return cells;
  });
}

Table response_table(Assessment const& assessment) {
  using L = LatencyFigures;
  auto const any = [&](L TrialResult::*latency) {
    return std::any_of(assessment.trials.begin(), assessment.trials.end(),
                       [&](auto const& trial) { return (trial.*latency).n > 0; });
  };
  bool const calls = any(&TrialResult::call_latency);
  bool const submissions = any(&TrialResult::submit_latency) || !calls;
  std::vector<Column> columns;
  if (submissions) columns.insert(columns.end(), {{"Submit p50", number}, {"Submit p99", number}});
  if (calls) {
    columns.insert(columns.end(),
                   {{"Results per second", number}, {"Submit → result p50", number}, {"Submit → result p99", number}});
  }
  columns.insert(columns.end(), {{"Report p99", number}, {"Heartbeat p99", number}, {"Schedule lag p99", number}});
  return per_trial(assessment, "Response times from the intended moment, and how late the generator was", columns,
                   [&](TrialResult const& t) {
                     std::vector<std::string> cells;
                     auto const add = [&](L const& latency, Estimate L::*quantile) {
                       cells.push_back(latency_cell(t, latency, quantile));
                     };
                     if (submissions) add(t.submit_latency, &L::p50);
                     if (submissions) add(t.submit_latency, &L::p99);
                     if (calls) cells.push_back(number_text(t.accepted_per_s));
                     if (calls) add(t.call_latency, &L::p50);
                     if (calls) add(t.call_latency, &L::p99);
                     add(t.report_latency, &L::p99);
                     add(t.heartbeat_latency, &L::p99);
                     add(t.schedule_lag, &L::p99);
                     return cells;
                   });
}

Table cpu_table(Assessment const& assessment) {
  using P = ProcessFigures;
  return per_trial(assessment, "Processor time and memory by process",
                   {{"Coordinator, cores", number},
                    {"most in a second", number},
                    {"µs per run", number},
                    {"memory, MiB", number},
                    {"Database, cores", number},
                    {"most in a second", number},
                    {"µs per run", number},
                    {"Generator, cores", number}},
                   [](TrialResult const& t) {
                     return std::vector<std::string>{
                         coordinator_cores(t, &P::cpu_cores_mean), coordinator_cores(t, &P::cpu_cores_max),
                         coordinator_cores(t, &P::cpu_us_per_run), coordinator_cores(t, &P::resident_mib_max),
                         cores(t.database, &P::cpu_cores_mean),    cores(t.database, &P::cpu_cores_max),
                         cores(t.database, &P::cpu_us_per_run),    cores(t.generator, &P::cpu_cores_mean)};
                   });
}

Table store_table(Assessment const& assessment) {
  Table table{"Store write latency per operation, seen from the coordinator",
              {{"Trial"},
               {"Operation"},
               {"Calls", number},
               {"Items", number},
               {"Errors", number},
               {"p50", number},
               {"p99 [95 % interval]", number},
               {"max", number},
               {"Outcomes"}},
              {}};
  for (auto const& trial : assessment.trials) {
    for (auto const& each : trial.store) {
      std::vector<std::string> outcomes;
      for (auto const& [outcome, n] : each.outcomes) outcomes.push_back(fmt::format("{} {}", outcome, count_text(n)));
      bool const any = each.latency.n > 0;
      table.rows.push_back({{name_of(assessment, trial), each.operation, count_text(each.calls), count_text(each.items),
                             count_text(each.errors), any ? duration_text(each.latency.p50.value) : "–",
                             any ? estimate_text(each.latency.p99) : "–", any ? duration_text(each.latency.max) : "–",
                             fmt::format("{}", fmt::join(outcomes, ", "))},
                            each.errors > 0 ? Mark::bad : Mark::none});
    }
  }
  return table;
}

std::optional<Table> store_figures_table(Assessment const& assessment) {
  std::set<std::string> names;
  for (auto const& trial : assessment.trials) {
    for (auto const& [name, value] : trial.store_figures) names.insert(name);
  }
  if (names.empty()) return std::nullopt;
  std::vector<Column> columns;
  for (auto const& name : names) {
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    columns.push_back({words, number});
  }
  return per_trial(assessment, "What the backend tells of itself, at the end of the trial", columns,
                   [&](TrialResult const& t) {
                     std::vector<std::string> cells;
                     for (auto const& name : names) {
                       auto const found = t.store_figures.find(name);
                       cells.push_back(found == t.store_figures.end() ? "–" : number_text(found->second));
                     }
                     return cells;
                   });
}

Table pending_table(Assessment const& assessment) {
  return per_trial(assessment, "Do writes or runs pile up?",
                   {{"Pending writes, mean", number},
                    {"most", number},
                    {"growth per second [95 % interval]", number},
                    {"Backlog growth per second [95 % interval]", number},
                    {"Stable"}},
                   [](TrialResult const& t) {
                     return std::vector<std::string>{
                         number_text(t.pending_writes_mean), number_text(t.pending_writes_max),
                         in_unit(t.pending_writes_slope_per_s, ""), in_unit(t.backlog_slope_per_s, ""),
                         t.stable ? "yes" : "no: unstable at this rate"};
                   });
}

static std::string per_claim(TrialResult const& trial, std::string const& cause) {
  auto const found = trial.failed_claims.find(cause);
  if (trial.claims == 0) return "–";
  double const count = found == trial.failed_claims.end() ? 0 : static_cast<double>(found->second);
  return fmt::format("{:.3f}", count / static_cast<double>(trial.claims));
}

Table claims_table(Assessment const& assessment) {
  std::set<std::string> causes;
  for (auto const& trial : assessment.trials)
    for (auto const& [cause, n] : trial.failed_claims) causes.insert(cause);
  std::vector<Column> columns{
      {"Claims", number},      {"Attempts", number}, {"Claims per attempt", number}, {"Conflicts per claim", number},
      {"Empty polls", number}, {"Failed", number}};
  for (auto const& cause : causes) columns.push_back({cause, number});
  return per_trial(assessment, "Claims and failed claims by cause", columns, [&](TrialResult const& t) {
    auto const failed = std::accumulate(t.failed_claims.begin(), t.failed_claims.end(), std::uint64_t{0},
                                        [](auto total, auto const& each) { return total + each.second; });
    auto const useful =
        t.claim_attempts == 0 ? 0 : static_cast<double>(t.claims) / static_cast<double>(t.claim_attempts);
    std::vector<std::string> cells{count_text(t.claims),      count_text(t.claim_attempts), number_text(useful),
                                   per_claim(t, "lost_race"), count_text(t.empty_polls),    count_text(failed)};
    for (auto const& cause : causes) {
      auto const found = t.failed_claims.find(cause);
      cells.push_back(count_text(found == t.failed_claims.end() ? 0 : found->second));
    }
    return cells;
  });
}

Table orchestrators_table(Assessment const& assessment) {
  Table table{"What orchestrators did, beside what their own rules allow",
              {{"Trial"},
               {"Polls", number},
               {"Skipped at capacity", number},
               {"Runs claimed", number},
               {"Without a place", number},
               {"Most held by one", number},
               {"Warm starts", number},
               {"Claim → work p50", number},
               {"p99", number},
               {"Runs/s: limit", number},
               {"with polls", number},
               {"measured", number},
               {"of the limit", number},
               {"of that with polls", number}},
              {}};
  for (auto const& trial : assessment.trials) {
    if (!trial.orchestrators) continue;
    auto const& o = *trial.orchestrators;
    auto const starts = static_cast<double>(o.cold_starts + o.warm_starts);
    auto const part = [&](double of) { return of > 0 ? percent_text(trial.completed_per_s / of) : std::string{"–"}; };
    auto const delay = [&](Estimate const& estimate) {
      return o.start_delay.n == 0 ? std::string{"–"} : duration_text(estimate.value);
    };
    table.rows.push_back(
        {{name_of(assessment, trial), count_text(o.polls), count_text(o.polls_skipped), count_text(o.received),
          count_text(o.without_place), count_text(o.most_held),
          starts > 0 ? percent_text(static_cast<double>(o.warm_starts) / starts) : "–", delay(o.start_delay.p50),
          delay(o.start_delay.p99), number_text(o.limit_per_s), number_text(o.with_polls_per_s),
          number_text(trial.completed_per_s), part(o.limit_per_s), part(o.with_polls_per_s)},
         Mark::none});
  }
  return table;
}

Table requests_table(Assessment const& assessment) {
  std::set<std::string> kinds;
  for (auto const& trial : assessment.trials)
    for (auto const& [kind, n] : trial.requests_per_minute) kinds.insert(kind);
  std::vector<Column> columns{{"Published", number}, {"By the formulas", number}, {"As run", number}};
  for (auto const& kind : kinds) columns.push_back({"of it " + kind, number});
  return per_trial(assessment, "Requests per minute", columns, [&](TrialResult const& t) {
    std::vector<std::string> cells{
        t.requests_per_minute_published ? fmt::format("~{}", number_text(*t.requests_per_minute_published)) : "–",
        is_backlog(t) ? "–" : number_text(sum(t.requests_per_minute_modelled)),
        number_text(sum(t.requests_per_minute))};
    for (auto const& kind : kinds) {
      auto const found = t.requests_per_minute.find(kind);
      cells.push_back(found == t.requests_per_minute.end() ? "–" : number_text(found->second));
    }
    return cells;
  });
}

Table backends_table(Assessment const& assessment) {
  Table table{"What each backend declares, and what its server said of itself", {{"Property"}}, {}};
  std::vector<std::string> keys{"durability"};
  for (auto const& backend : assessment.backends) {
    table.columns.push_back({backend.name});
    for (auto const* list : {&backend.capabilities, &backend.facts})
      for (auto const& [key, value] : *list)
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  for (auto const& key : keys) {
    Row row{{key}, Mark::none};
    for (auto const& backend : assessment.backends) {
      std::string cell = key == "durability" ? backend.durability : "–";
      for (auto const* list : {&backend.capabilities, &backend.facts})
        for (auto const& [name, value] : *list)
          if (name == key) cell = value.empty() ? "–" : value;
      row.cells.push_back(cell);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table objectives_table(Assessment const& assessment) {
  Table table{"Objectives and gates",
              {{"Objective"}, {"Trial"}, {"State"}, {"Measured [95 % interval]", number}, {"n", number}, {"Remark"}},
              {}};
  for (auto const& trial : assessment.trials)
    for (auto const& each : trial.objectives)
      table.rows.push_back({{each.text, name_of(assessment, trial), word_of(each.state), objective_cell(trial, each),
                             count_text(each.n), each.reason},
                            mark_of(each.state)});
  return table;
}

Table published_table(Assessment const& assessment) {
  Table table{"What the document says, and what was measured",
              {{"The document"}, {"In figures"}, {"Trial"}, {"Measured [95 % interval]", number}, {"Holds here"}},
              {}};
  for (auto const& published : assessment.published) {
    for (auto const& [id, result] : published.checks) {
      auto const trial = std::ranges::find(assessment.trials, id, &TrialResult::id);
      if (trial == assessment.trials.end()) continue;
      auto const holds = result.state == ObjectiveResult::State::met      ? "yes"
                         : result.state == ObjectiveResult::State::missed ? "no"
                                                                          : "undecided";
      table.rows.push_back(
          {{published.says, published.claim, name_of(assessment, *trial), objective_cell(*trial, result), holds},
           mark_of(result.state)});
    }
  }
  return table;
}

Table guards_table(Assessment const& assessment) {
  Table table{"Validity guards",
              {{"Guard"}, {"Rule"}, {"Trial"}, {"State"}, {"Measured", number}, {"Bound", number}, {"What it means"}},
              {}};
  for (auto const& trial : assessment.trials)
    for (auto const& guard : trial.guards)
      table.rows.push_back({{guard.name, guard.rule, name_of(assessment, trial), word_of(guard.state),
                             guard.state == Guard::State::not_available ? "–" : number_text(guard.measured),
                             number_text(guard.bound), guard.detail},
                            guard.state == Guard::State::failed ? Mark::bad : Mark::none});
  return table;
}

Table books_table(Assessment const& assessment) {
  std::set<std::string> disturbances;  // what faults led to: part of the same books
  for (auto const& trial : assessment.trials)
    for (auto const& [what, n] : trial.books.disturbances) disturbances.insert(what);
  std::vector<Column> columns{{"Offered", number}, {"Started", number},   {"Shed", number},      {"Succeeded", number},
                              {"Failed", number},  {"Abandoned", number}, {"In flight", number}, {"Balance"}};
  for (auto const& what : disturbances) columns.push_back({what, number});
  auto table = per_trial(
      assessment,
      "Books of the submissions: offered = started + shed, started = succeeded + failed + abandoned + in flight",
      columns, [&](TrialResult const& t) {
        auto const& b = t.books;
        std::vector<std::string> cells{count_text(b.offered),   count_text(b.started),   count_text(b.shed),
                                       count_text(b.succeeded), count_text(b.failed),    count_text(b.abandoned),
                                       count_text(b.in_flight), b.balance ? "yes" : "NO"};
        for (auto const& what : disturbances) {
          auto const found = t.books.disturbances.find(what);
          cells.push_back(count_text(found == t.books.disturbances.end() ? 0 : found->second));
        }
        return cells;
      });
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    if (!assessment.trials[i].books.balance) table.rows[i].mark = Mark::bad;
  return table;
}

Table ledger_table(Assessment const& assessment) {
  auto table = per_trial(assessment, "Ledger: what became of every accepted run",
                         {{"Accepted", number},
                          {"Completed", number},
                          {"Dead letters", number},
                          {"Still queued", number},
                          {"In doubt", number},
                          {"Executed again", number},
                          {"Twice at once", number},
                          {"Lost", number},
                          {"Doubled", number}},
                         [](TrialResult const& t) {
                           auto const& l = t.ledger;
                           return std::vector<std::string>{
                               count_text(l.accepted),    count_text(l.completed), count_text(l.dead),
                               count_text(l.queued),      count_text(l.in_doubt),  count_text(l.reexecuted),
                               count_text(l.overlapping), count_text(l.lost),      count_text(l.doubled)};
                         });
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    if (assessment.trials[i].ledger.lost + assessment.trials[i].ledger.doubled > 0) table.rows[i].mark = Mark::bad;
  return table;
}

Table breaches_table(Assessment const& assessment) {
  Table table{"Broken invariants", {{"Invariant"}, {"Trial"}, {"What happened"}}, {}};
  for (auto const& trial : assessment.trials)
    for (auto const& breach : trial.ledger.breaches)
      table.rows.push_back({{breach.invariant, name_of(assessment, trial), breach.what}, Mark::bad});
  return table;
}

Table pairs_table(std::string caption, std::vector<std::pair<std::string, std::string>> const& pairs) {
  Table table{std::move(caption), {{"What"}, {"Value"}}, {}};
  for (auto const& [name, value] : pairs) table.rows.push_back({{name, value}, Mark::none});
  return table;
}

}  // namespace assay
