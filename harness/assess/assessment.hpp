// Everything that one `assay run` found out, as plain values: what summary.json holds, what `decide` judges and what
// every report is rendered from. Nothing in a report may come from anywhere else. Units are in the names; durations are
// milliseconds as double, rates are per second unless they say otherwise, CPU is in cores (1.0 = one core busy).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay {

// A figure and how far the truth may lie from it: `low` and `high` are one-sided bounds, each with 95 % confidence
// (intervals.hpp), so that "p99 < L at 95 %" is high < L. No bound where n is too small for one or where none makes
// sense (a count, a maximum).
struct Estimate {
  double value = 0;
  std::optional<double> low, high;
};

struct LatencyFigures {  // ms
  std::uint64_t n = 0;   // 0: nothing was measured and no other member means anything
  double min = 0, mean = 0, max = 0;
  Estimate p50, p90, p95, p99, p999;  // nearest rank; `high` absent: n too small to bound it from above
};

// One check of the instrument itself (docs/method.md, "The instrument is a suspect").
struct Guard {
  std::string name;  // "generator_cpu"
  std::string rule;  // "≤ 80 % of the cores the generator may use"
  enum class State : std::uint8_t { passed, failed, not_available } state = State::passed;
  double measured = 0, bound = 0;
  std::string detail;  // what it means when it failed, one sentence
};

struct ProcessFigures {
  bool available = false;
  double cpu_cores_mean = 0;  // CPU seconds ÷ wall seconds over the measured phase
  double cpu_cores_max = 0;   // of the one-second samples
  double cpu_us_per_run = 0;
  double resident_mib_max = 0;
  double descriptors_max = 0;
};

struct StoreOperationFigures {
  std::string operation;  // submit, claim, renew, complete, fail, release, sweep
  std::uint64_t calls = 0, items = 0, errors = 0;
  LatencyFigures latency;                         // per call, seen from the coordinator
  std::map<std::string, std::uint64_t> outcomes;  // per item: ok, stale_token, …
};

// One of those that runs are for, where they name one (a tag `source:…`).
struct SourceFigures {
  std::string source;            // "source:team-a"
  std::uint64_t submitted = 0;   // its runs that were created in the measured phase
  std::uint64_t claimed = 0;     // its runs that a runner received first in the measured phase
  LatencyFigures claim_latency;  // of those created; as TrialResult's
};

struct BooksFigures {
  std::uint64_t offered = 0, started = 0, shed = 0, succeeded = 0, failed = 0, abandoned = 0, in_flight = 0;
  bool balance = false;
  // What faults led to, in words: "submissions tried again" → 12. Empty when nothing was disturbed.
  std::map<std::string, std::uint64_t> disturbances;
  std::vector<SourceFigures> sources;  // by name; empty where runs name none
};

struct LedgerFigures {
  std::uint64_t accepted = 0;              // submissions acknowledged by the coordinator
  std::uint64_t completed = 0;             // runs with one accepted completion
  std::uint64_t dead = 0;                  // dead letters
  std::uint64_t queued = 0;                // still in the store at the end: delayed, ready or claimed
  std::uint64_t in_doubt = 0;              // submissions or reports cut off after sending
  std::uint64_t lost = 0;                  // accepted, and in none of the above
  std::uint64_t doubled = 0;               // claims or accepted completions that break I2–I4
  std::uint64_t reexecuted = 0;            // runs given out again after a lost lease: allowed, reported
  std::uint64_t overlapping = 0;           // … of them that two runners worked on at once (I11): allowed, reported
  std::uint64_t orphaned = 0;              // runs whose runner was killed while it held them
  std::uint64_t recovered = 0;             // … of them completed in the end, by somebody else
  std::uint64_t stranded = 0;              // … of them still claimed by the dead when the trial ended
  std::vector<std::string> stranded_runs;  // these, a line each; at most 20
  struct Breach {
    std::string invariant;  // "I2"
    std::string what;       // one line with run id and tokens
  };
  std::vector<Breach> breaches;        // at most 20 kept; lost and doubled count all
  std::vector<std::string> unchecked;  // "I6: the backend declares no first in, first out"
};

struct ObjectiveResult {
  std::string text;  // "claim_latency: p99 < 5s"
  enum class State : std::uint8_t { met, missed, undecided } state = State::undecided;
  Estimate measured;
  double bound = 0;
  std::uint64_t n = 0;
  std::string reason;  // one sentence, e.g. why it is undecided or what dominates when missed
};

struct TimelinePoint {
  double second = 0;  // since the trial's start; the sample covers the second that ends here
  double offered_per_s = 0, accepted_per_s = 0, received_per_s = 0, completed_per_s = 0;
  double parked = 0, working = 0, backlog = 0, pending_writes = 0;
  double coordinator_cores = 0, database_cores = 0, generator_cores = 0;
  double claim_p50_ms = 0, claim_p99_ms = 0;
  std::string phase;  // warm_up, measure, drain
  std::string fault;  // what the scenario did to runners or coordinators meanwhile; mostly empty
};

// What trials of growing fleets have in common, and a line of a chart stands for: "postgres-batch", and with a variant
// of the scenario "file-scan · queued-2000".
std::string series_of(std::string const& backend, std::string const& variant);
std::string backend_of(std::string const& series);

// Of runners that poll by the clock and work several runs at once. Counts are of the measured phase.
struct OrchestratorFigures {
  std::uint64_t polls = 0, polls_skipped = 0;  // made · skipped at capacity
  std::uint64_t received = 0;                  // runs claimed …
  std::uint64_t without_place = 0;             // … of these while every place was taken
  std::uint64_t most_held = 0;                 // by one orchestrator at any moment
  std::uint64_t cold_starts = 0, warm_starts = 0;
  LatencyFigures start_delay;  // from being claimed until being worked, cold start included; modelled scale
  // Runs per second, as run (orchestrator_figures.hpp): that their own rules allow at most, and what is left of it when
  // a place that becomes free waits for its orchestrator's next poll.
  double limit_per_s = 0, with_polls_per_s = 0;
};

struct TrialResult {
  std::string id;  // "r0500-postgres-batch-1": unique in the assessment, names its files
  int runners = 0;
  std::string backend;
  std::string variant;  // of the scenario, as its trials name it; empty: none
  std::string transport = "http";  // or direct, embedded: no coordinator process, the generator's CPU has it all
  int repeat = 1;
  std::uint64_t seed = 0;
  bool partial = false;   // interrupted: what was measured is here, nothing is judged by it
  std::string failure;    // why the trial ended early, one line; empty otherwise
  double measured_s = 0;  // length of the measured phase

  double offered_per_s = 0;   // by the schedule
  double accepted_per_s = 0;  // acknowledged submissions
  double completed_per_s = 0;
  double busy_share = 0;  // runners' busy time ÷ (runners × time)

  // claim = dispatch + shortage, run by run. With time compression K the shortage part is given back at the modelled
  // system's scale (× K) in claim_latency and runner_shortage; claim_latency_as_run is the sum as it happened on this
  // machine.
  LatencyFigures claim_latency, dispatch_latency, runner_shortage, claim_latency_as_run;
  double shortage_share = 0;  // of the mean claim latency
  std::optional<double>
      erlang_c_shortage_p99_ms;  // what queueing alone predicts with a coordinator that costs nothing (modelled scale)
  LatencyFigures submit_latency, report_latency, heartbeat_latency;  // response times, from the intended moment
  LatencyFigures call_latency;  // submit → result received, of callers that wait for results
  LatencyFigures schedule_lag;  // of submissions: started − intended
  LatencyFigures dispatcher_wait, claim_commit,
      response_write;  // inside dispatch latency, the coordinator's own timings

  std::map<std::string, std::uint64_t>
      failed_claims;  // by cause: lost_race, stale_token, unavailable, timed_out, in_doubt, peer_gone …
  // What only this backend tells: keys, bytes, replies; at the end of the trial, and where it is a server's, the most.
  std::map<std::string, double> store_figures;
  std::uint64_t claims = 0, claim_attempts = 0, empty_polls = 0, polls = 0;

  std::vector<StoreOperationFigures> store;
  LatencyFigures store_write_latency;  // of all calls in `store` together, merged from their histograms
  double pending_writes_mean = 0, pending_writes_max = 0;
  Estimate pending_writes_slope_per_s, backlog_slope_per_s;  // least squares over the measured phase
  bool stable = true;  // false: the backlog grew throughout ("unstable at this rate"), percentiles must not be shown

  ProcessFigures coordinator, database, generator;
  std::map<std::string, double> requests_per_minute;  // by kind: poll, heartbeat, report, start, submit; as run
  // What PR-007's formulas give at the modelled scale: re-polls (runners / hold) and heartbeats (runners / interval)
  // plus one submission, one report and one delivering poll per run; and what the source's own table says for this
  // level.
  std::map<std::string, double> requests_per_minute_modelled;
  std::optional<double> requests_per_minute_published;

  std::optional<OrchestratorFigures> orchestrators;  // none: plain runners
  BooksFigures books;
  LedgerFigures ledger;
  std::vector<Guard> guards;
  std::vector<ObjectiveResult> objectives;
  std::vector<TimelinePoint> timeline;  // timeline.csv, not summary.json

  std::string series() const { return series_of(backend, variant); }
  bool valid() const;  // complete, books balance, no guard failed
};

// What the scenario's source document states, beside what was measured.
struct PublishedFigure {
  std::string says;   // in the document's words
  std::string claim;  // "throughput: mean >= 112"
  struct Check {
    std::string trial;  // its id
    ObjectiveResult result;
  };
  std::vector<Check> checks;  // one per trial that it is about
};

enum class Decision : std::uint8_t { not_needed, consider, needed, inconclusive };
std::string to_string(Decision decision);

struct Reason {
  std::string criterion;    // the policy's id of it; "validity" or "ledger" for what is not in a policy
  std::string source_text;  // the policy's own words
  enum class Finding : std::uint8_t { refuted, met, undecided, note } finding = Finding::note;
  std::string text;                 // one sentence with the figures in it
  std::vector<std::string> trials;  // the evidence
  std::uint64_t n = 0;
  std::optional<Estimate> figure;  // the worst one, in the criterion's unit
  double bound = 0;
  std::string unit;  // "ms", "cores", "1/s", ""
};

// Another series beside the assessed one, with as many runners. Decides nothing by itself. Of several repeats the worst
// speaks; a figure is there when every repeat may be judged, and only then.
struct SeriesComparison {
  std::string series;  // "redis-list · pubsub"
  int runners = 0;
  std::string metric, statistic, unit;   // as figure.hpp names them: "call_latency", "p99", "ms"
  std::optional<Estimate> theirs, ours;  // `ours`: the assessed series'
  std::optional<double> times;           // theirs ÷ ours; none where one of them is missing or ours is 0
  std::uint64_t n = 0;                   // samples behind `theirs`
  std::string why_not;                   // why `theirs` or `ours` is missing, one sentence without its stop
  std::string durability;                // where it differs: `durability "none" instead of "disk"`
  std::vector<std::string> trials;
};

struct Verdict {
  Decision decision = Decision::inconclusive;
  std::string headline;  // one sentence a manager understands
  std::vector<Reason> reasons;
  std::vector<std::string> what_would_change_it;
  std::vector<std::string> next_steps;  // what to run next when inconclusive, else how to re-check
  struct Box {
    std::string text;
    bool ticked = false;
    std::string evidence;
  };
  std::vector<Box> acceptance;
  // By series as they first ran, then by runners. None: read from a folder whose comparisons are still among the
  // reasons.
  std::optional<std::vector<SeriesComparison>> comparisons;
};

struct BackendFacts {
  std::string name, description, durability;  // durability as declared: none, process, disk, replicated
  std::vector<std::pair<std::string, std::string>> capabilities;  // "fenced completion" → "yes"
  std::vector<std::pair<std::string, std::string>> facts;         // read back from the server
};

struct Assessment {
  static constexpr int schema_version = 1;

  std::string scenario_name, title, question, description, policy;
  std::string started_utc;  // 2026-11-21T03:00:00Z
  double wall_s = 0;
  double time_compression = 1;
  std::uint64_t seed = 0;
  bool partial = false;                                          // interrupted: 130 or 143
  std::string command;                                           // how to run it again
  std::vector<std::pair<std::string, std::string>> conditions;   // load and fleet in words, in order of importance
  std::vector<std::pair<std::string, std::string>> environment;  // machine, kernel, build, versions, limits
  std::map<std::string, bool> needs;                             // declared by the scenario
  std::vector<BackendFacts> backends;
  std::vector<TrialResult> trials;  // in the order they ran
  std::vector<PublishedFigure> published;
  Verdict verdict;
};

// The trials of a level and series (all repeats).
std::vector<TrialResult const*> trials_of(Assessment const& assessment, int runners, std::string const& series);
// The series the question is about: that of the first trial. Every other one is a comparison.
std::string assessed_series(Assessment const& assessment);

}  // namespace assay
