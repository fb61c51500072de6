#include "tests/golden/sample_assessment.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay {
namespace {

Estimate around(double value, double spread = 0.12) { return {value, value * (1 - spread), value * (1 + spread)}; }

LatencyFigures latency(std::uint64_t n, double p50, double p99) {
  LatencyFigures figures;
  figures.n = n;
  figures.min = p50 * 0.3;
  figures.mean = p50 * 1.2;
  figures.max = p99 * 2.4;
  figures.p50 = around(p50, 0.03);
  figures.p90 = around(p50 + (p99 - p50) * 0.4, 0.05);
  figures.p95 = around(p50 + (p99 - p50) * 0.6, 0.07);
  figures.p99 = around(p99, 0.15);
  figures.p999 = {p99 * 1.7, p99 * 1.3, n >= 2995 ? std::optional{p99 * 2.4} : std::nullopt};
  return figures;
}

StoreOperationFigures store_operation(std::string name, std::uint64_t calls, std::uint64_t items, double p50,
                                      double p99) {
  StoreOperationFigures figures;
  figures.operation = std::move(name);
  figures.calls = calls;
  figures.items = items;
  figures.latency = latency(calls, p50, p99);
  figures.outcomes["ok"] = items;
  return figures;
}

// `slow`: the backend that commits each claim by itself.
TrialResult trial(int runners, std::string const& backend, bool slow, std::uint64_t seed) {
  auto random = Random::stream(seed, "sample", static_cast<std::uint64_t>(runners));
  double const rate = runners * 2.0;  // per second, compressed 60-fold
  auto const n = static_cast<std::uint64_t>(rate * 40);
  double const cost = slow ? 2.6 : 1.0;

  TrialResult t;
  t.id = fmt::format("r{:04}-{}-1", runners, backend);
  t.runners = runners;
  t.backend = backend;
  t.seed = seed;
  t.measured_s = 40;
  t.offered_per_s = rate;
  t.accepted_per_s = rate * 0.9996;
  t.completed_per_s = rate * 0.998;
  t.busy_share = 0.4;
  double const dispatch_p50 = 1.3 * cost + runners * 0.002;
  double const dispatch_p99 = 4.1 * cost + runners * 0.012 * cost;
  t.dispatch_latency = latency(n, dispatch_p50, dispatch_p99);
  t.runner_shortage = latency(n, 0, runners == 10 ? 820 : runners == 50 ? 2.1 : 0);
  t.runner_shortage.p50 = {};
  t.claim_latency = latency(n, dispatch_p50 * 1.02, runners == 10 ? 824 : dispatch_p99 * 1.05);
  t.claim_latency_as_run = latency(n, dispatch_p50 * 1.02, runners == 10 ? 17 : dispatch_p99 * 1.04);
  t.shortage_share = runners == 10 ? 0.86 : runners == 50 ? 0.08 : 0.0;
  t.erlang_c_shortage_p99_ms = runners == 10 ? 790 : 0;
  t.submit_latency = latency(n, 1.1 * cost, 3.9 * cost);
  t.report_latency = latency(n, 1.2 * cost, 4.2 * cost);
  t.heartbeat_latency = latency(static_cast<std::uint64_t>(runners), 0.9 * cost, 2.8 * cost);
  t.schedule_lag = latency(n, 0.02, 0.11);
  t.dispatcher_wait = latency(n, 0.08, 0.9 * cost);
  t.claim_commit = latency(n, 0.9 * cost, 2.9 * cost);
  t.response_write = latency(n, 0.03, 0.12);
  t.failed_claims = {{"lost_race", 0}, {"stale_token", 0}, {"in_doubt", 0}};
  t.claims = n;
  t.claim_attempts = n + static_cast<std::uint64_t>(runners);
  t.empty_polls = static_cast<std::uint64_t>(runners);
  t.polls = n + t.empty_polls;

  auto const batches = [&](double items_per_call) {
    return static_cast<std::uint64_t>(static_cast<double>(n) / (slow ? 1 : items_per_call));
  };
  t.store.push_back(store_operation("submit", batches(3), n, 0.9 * cost, 3.1 * cost));
  t.store.push_back(store_operation("claim", batches(2.5), n, 0.8 * cost, 2.8 * cost));
  t.store.push_back(
      store_operation("renew", static_cast<std::uint64_t>(runners), static_cast<std::uint64_t>(runners), 0.7, 1.9));
  t.store.push_back(store_operation("complete", batches(3), n, 0.9 * cost, 3.3 * cost));
  t.store.push_back(store_operation("sweep", 40, 0, 0.4, 0.9));
  t.pending_writes_mean = 0.4 * cost + rate * 0.0008;
  t.pending_writes_max = 3 + std::floor(rate / 100);
  t.pending_writes_slope_per_s = {0.0004, -0.002, 0.003};
  t.backlog_slope_per_s = {0.001, -0.01, 0.012};

  t.coordinator = {true,       0.02 + rate * 0.00031 * cost, 0.03 + rate * 0.00042 * cost,
                   310 * cost, 38.0 + runners * 0.02,        40.0 + runners};
  t.database = {true, 0.03 + rate * 0.00044 * cost, 0.05 + rate * 0.0006 * cost, 440 * cost, 164, 96};
  t.generator = {true, 0.02 + rate * 0.0002, 0.03 + rate * 0.0003, 200, 52, 30.0 + runners};
  t.requests_per_minute = {
      {"poll", rate * 60 + runners * 2}, {"heartbeat", runners}, {"report", rate * 60}, {"submit", rate * 60}};
  t.requests_per_minute_modelled = {{"delivering poll", runners * 2.0},
                                    {"heartbeat", runners},
                                    {"re-poll", runners * 2.0},
                                    {"report", runners * 2.0},
                                    {"submit", runners * 2.0}};
  t.requests_per_minute_published = runners * 2.0;

  t.books = {n, n, 0, n, 0, 0, 0, true};
  t.ledger = {n, n, 0, 0, 0, 0, 0, 0, {}};
  t.guards = {{"achieved_rate", "achieved ÷ offered ≥ 0.99", Guard::State::passed, 0.9996, 0.99, ""},
              {"generator_cpu", "≤ 80 % of the cores the generator may use", Guard::State::passed, 0.11, 0.8, ""},
              {"schedule_lag", "p99 ≤ max(1 ms, 5 % of dispatch latency p99)", Guard::State::passed, 0.11, 1, ""},
              {"loop_stalls", "≤ 1 a minute over 10 ms", Guard::State::passed, 0, 1, ""},
              {"steal", "≤ 2 %", Guard::State::not_available, 0, 0.02, "this kernel reports no steal time"},
              {"halves_agree", "no trend between the halves of the measured phase", Guard::State::passed, 0.04, 1, ""}};
  t.objectives = {{"claim_latency: p99 < 5s", ObjectiveResult::State::met, t.claim_latency.p99, 5000, n, ""},
                  {"failed_claims: share < 0.01", ObjectiveResult::State::met, {0, 0, 0.0002}, 0.01, n, ""}};

  for (int second = 1; second <= 50; ++second) {
    TimelinePoint p;
    p.second = second;
    p.phase = second <= 5 ? "warm_up" : second <= 45 ? "measure" : "drain";
    double const noise = (random.uniform() - 0.5) * 2;
    bool const offering = second <= 45;
    p.offered_per_s = offering ? rate + noise * std::sqrt(rate) : 0;
    p.accepted_per_s = p.offered_per_s;
    p.received_per_s = offering ? p.offered_per_s + (random.uniform() - 0.5) * std::sqrt(rate) * 0.4 : 0;
    p.completed_per_s = offering ? p.received_per_s + (random.uniform() - 0.5) * std::sqrt(rate) * 0.4 : 0;
    p.working = offering ? runners * (0.4 + noise * 0.03) : 0;
    p.parked = runners - p.working;
    p.backlog = offering ? std::floor(random.uniform() * (2 + rate / 250) * cost) : 0;
    p.pending_writes = offering ? std::floor(random.uniform() * (2 + rate / 200) * cost) : 0;
    p.coordinator_cores = offering ? t.coordinator.cpu_cores_mean * (1 + noise * 0.08) : 0.01;
    p.database_cores = offering ? t.database.cpu_cores_mean * (1 + noise * 0.1) : 0.01;
    p.generator_cores = offering ? t.generator.cpu_cores_mean * (1 + noise * 0.06) : 0.01;
    p.claim_p50_ms = offering ? dispatch_p50 * (1 + noise * 0.1) : 0;
    p.claim_p99_ms = offering ? t.claim_latency_as_run.p99.value * (1 + noise * 0.3) : 0;
    t.timeline.push_back(p);
  }
  return t;
}

BackendFacts postgres(std::string name, std::string description) {
  return {std::move(name),
          std::move(description),
          "disk",
          {{"order", "priority, then first in first out"},
           {"tags", "yes"},
           {"fenced completion", "yes"},
           {"release keeps the attempt", "yes"},
           {"several coordinators", "yes"},
           {"wake-up", "notified"}},
          {{"server_version", "15.18"},
           {"fsync", "on"},
           {"synchronous_commit", "on"},
           {"full_page_writes", "on"},
           {"wal_sync_method", "fdatasync"}}};
}

}  // namespace

Assessment sample_assessment() {
  Assessment a;
  a.scenario_name = "pr-007";
  a.title = "PR-007: runner load";
  a.question = "Do we need a message queue for run dispatch when scaling to many runners?";
  a.description = "Ten to five hundred runners poll one coordinator; each is given two runs a minute.";
  a.policy = "pr-007";
  a.started_utc = "2026-11-21T03:00:00Z";
  a.wall_s = 331;
  a.time_compression = 60;
  a.seed = 20261121;
  a.command = "assay run scenarios/pr-007.yaml --seed 20261121";
  a.conditions = {{"Runners", "10, 50, 100, 500"},
                  {"Arrivals", "Poisson, 2 runs a minute per runner"},
                  {"Time compression", "60-fold: arrivals and run lengths; not hold, heartbeat or any bound"},
                  {"Run length", "exponential, mean 12 s (200 ms compressed): runners are 40 % busy"},
                  {"Long poll", "held up to 30 s; reconnects at once"},
                  {"Heartbeat", "every 60 s, phases spread evenly"},
                  {"Lease", "120 s, swept every second"},
                  {"Phases", "5 s warm-up, 40 s measured, up to 15 s drain"},
                  {"Payload", "256 bytes"}};
  a.environment = {{"Machine", "2 cores, 24 GiB, Example CPU at 2.4 GHz"},
                   {"Kernel", "Linux 6.1.0-28-amd64"},
                   {"Build", "assay 0.1.0, g++ 12.2.0, Release"},
                   {"PostgreSQL", "15.18, private, /usr/lib/postgresql/15/bin"},
                   {"Open files", "1048576"}};
  a.backends = {postgres("postgres-batch", "Claims, submissions and completions in batches, pipelined"),
                postgres("postgres-skip-locked", "One transaction per claim with SKIP LOCKED: what most people write")};
  for (int runners : {10, 50, 100, 500}) a.trials.push_back(trial(runners, "postgres-batch", false, a.seed));
  a.trials.push_back(trial(500, "postgres-skip-locked", true, a.seed));

  a.published = {{"Two slow claims in a thousand at most",
                  "claim_latency: p99 < 5s",
                  {{"r0500-postgres-batch-1", a.trials[3].objectives[0]},
                   {"r0500-postgres-skip-locked-1", a.trials[4].objectives[0]}}}};

  auto const& largest = a.trials[3];
  auto& v = a.verdict;
  v.decision = Decision::not_needed;
  v.headline =
      "Up to 500 runners, one coordinator on PostgreSQL hands out runs hundreds of times faster than the limit; "
      "nothing "
      "that would call for a queue was found.";
  v.reasons = {{"claim-latency",
                "Run claim latency > 5 seconds consistently",
                Reason::Finding::refuted,
                "At every required level the dispatch latency p99 is far below 5 s.",
                {"r0500-postgres-batch-1"},
                largest.claims,
                largest.dispatch_latency.p99,
                5000,
                "ms"},
               {"write-queue",
                "Database write queue backing up",
                Reason::Finding::refuted,
                "The number of waiting writes does not grow at any level.",
                {"r0500-postgres-batch-1"},
                40,
                largest.pending_writes_slope_per_s,
                1,
                "writes/s"},
               {"horizontal-scaling",
                "Need for coordinator horizontal scaling (PR-004)",
                Reason::Finding::refuted,
                "One coordinator uses a third of its core at 500 runners.",
                {"r0500-postgres-batch-1"},
                40,
                Estimate{0.33, 0.31, 0.35},
                0.8,
                "cores"},
               {"many-runners",
                "500+ runners",
                Reason::Finding::note,
                "500 runners were measured; no queue backend was measured beside them that does better.",
                {},
                0,
                std::nullopt,
                0,
                ""}};
  v.what_would_change_it = {
      "Runs or runners that a single coordinator cannot serve: more than about 2 000 runs a second.",
      "Several coordinators that have to tell each other about new runs."};
  v.next_steps = {"Run `./assess` again after a change to the claim path or the database.",
                  "Run `assay run scenarios/pr-007-real-time.yaml` for the same load without compression."};
  v.acceptance = {{"Load testing performed at 50+ runners", true, "4 valid trials at 50, 100 and 500 runners"},
                  {"Metrics collected for assessment", true, "5 valid trials"},
                  {"Decision documented based on data", true, "this record"}};
  auto const& beside = a.trials[4];
  v.comparisons = {{{.series = beside.series(),
                     .runners = beside.runners,
                     .metric = "dispatch_latency",
                     .statistic = "p99",
                     .unit = "ms",
                     .theirs = beside.dispatch_latency.p99,
                     .ours = largest.dispatch_latency.p99,
                     .times = beside.dispatch_latency.p99.value / largest.dispatch_latency.p99.value,
                     .n = beside.dispatch_latency.n,
                     .why_not = "",
                     .durability = "",
                     .trials = {beside.id}}}};
  return a;
}

Assessment assessment_with_variants() {
  auto a = sample_assessment();
  a.trials.erase(a.trials.begin(), a.trials.begin() + 3);  // two backends at 500 runners are left
  a.trials.push_back(trial(500, "postgres-batch", false, a.seed + 1));
  a.trials.back().variant = "large-payload";
  a.trials.back().id = "r0500-postgres-batch-large-payload-1";
  a.trials.back().completed_per_s /= 50;
  a.conditions.emplace_back("Variant large-payload", "load.payload_bytes: 65536");
  return a;
}

Assessment troubled_assessment() {
  auto a = sample_assessment();
  a.scenario_name = "troubled";
  a.title = "</script><script>alert('title')</script>";
  a.question = "Does <b>\"this\"</b> & 'that' break out? ]]> --> | `x` *y*";
  a.description = "";
  a.partial = true;
  a.time_compression = 1;
  a.conditions.emplace_back("<img src=x onerror=alert(1)>", "line one\nline two | pipe");
  a.trials[1].backend = "</script><svg onload=alert(2)>";
  a.trials[1].id = "r0050-</script>-1";

  auto& unstable = a.trials[3];
  unstable.stable = false;
  unstable.backlog_slope_per_s = {41, 38, 44};
  unstable.pending_writes_slope_per_s = {3.1, 2.2, 4.0};
  unstable.database = {};
  unstable.failed_claims = {{"lost_race", 812}, {"stale_token", 3}};
  unstable.guards[0] = {"achieved_rate",
                        "achieved ÷ offered ≥ 0.99",
                        Guard::State::failed,
                        0.87,
                        0.99,
                        "The generator could not keep its schedule, so the load was not what the scenario asked for."};
  unstable.objectives[0].state = ObjectiveResult::State::undecided;
  unstable.objectives[0].reason = "the backlog grew throughout";
  unstable.ledger.lost = 2;
  unstable.ledger.doubled = 1;
  unstable.ledger.breaches = {{"I1", "run 17 was accepted and is nowhere"},
                              {"I2", "run 23 has two accepted completions <&>"}};
  unstable.books.balance = false;
  unstable.books.in_flight = 4;

  auto& partial = a.trials[4];
  partial.partial = true;
  partial.failure = "the database went away: connection refused";
  partial.claim_latency = {};
  partial.dispatch_latency = {};
  partial.objectives.clear();
  partial.timeline.clear();
  a.trials[2].objectives[0] = {"claim_latency: p99 < 5s",
                               ObjectiveResult::State::missed,
                               {7300, 6900, 7800},
                               5000,
                               8000,
                               "runner shortage dominates: 97 % of the mean"};

  a.verdict.decision = Decision::inconclusive;
  a.verdict.headline =
      "The largest level could not be judged: the generator did not keep its schedule & the ledger is broken.";
  a.verdict.reasons[0].finding = Reason::Finding::undecided;
  a.verdict.reasons[1].finding = Reason::Finding::met;
  a.verdict.reasons.push_back({"validity",
                               "",
                               Reason::Finding::undecided,
                               "One required trial is invalid <script>.",
                               {"r0500-postgres-batch-1"},
                               0,
                               std::nullopt,
                               0,
                               ""});
  auto& comparison = a.verdict.comparisons->front();
  comparison.theirs = comparison.ours = std::nullopt;
  comparison.times = std::nullopt;
  comparison.why_not = "the trial failed: <b>connection</b> refused | `gone`";
  comparison.durability = "durability \"none\" instead of \"disk\"";
  a.verdict.acceptance[2].ticked = false;
  a.verdict.acceptance[2].evidence = "the verdict is inconclusive";
  return a;
}

}  // namespace assay
