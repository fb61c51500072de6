// A scenario, checked and with every default filled in: what to drive, how, for how long, and what would be good
// enough. Plain values; harness/scenario/parse.hpp makes them from YAML, simulated_runners and harness/experiment act
// on them. Adding an option touches the struct here, the parser, and (generated from the parser's table) the JSON
// Schema and the resolved form.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/scenario/dispatch_spec.hpp"
#include "harness/scenario/fault_spec.hpp"
#include "harness/scenario/orchestrator_spec.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace assay {

// How long a run keeps its runner busy. `mean` > 0 unless constant; uniform spans [0, 2·mean]; lognormal has
// coefficient of variation `cv`.
struct DurationDistribution {
  enum class Shape : std::uint8_t { constant, uniform, exponential, lognormal };
  Shape shape = Shape::exponential;
  Duration mean = std::chrono::seconds{12};
  double cv = 1.0;

  friend bool operator==(DurationDistribution const&, DurationDistribution const&) = default;
};

// The offered rate over the trial, as a factor on the level's base rate.
struct LoadProfileSpec {
  enum class Shape : std::uint8_t { steady, ramp, steps, burst };
  Shape shape = Shape::steady;
  double from = 1.0;           // ramp: factor at the start …
  double to = 1.0;             // … and at the end of the measured phase
  std::vector<double> levels;  // steps: factors, equally long, in order
  Duration every{};            // burst: a burst each `every` …
  Duration lasting{};          // … for `lasting` …
  double factor = 1.0;         // … at this factor; 1 in between

  friend bool operator==(LoadProfileSpec const&, LoadProfileSpec const&) = default;
};

// One kind of run. Weights are relative.
struct RunClass {
  std::vector<std::string> tags;
  int priority = 0;
  double weight = 1.0;

  friend bool operator==(RunClass const&, RunClass const&) = default;
};

struct LoadSpec {
  enum class Arrivals : std::uint8_t { even, poisson };
  // Exactly one of the four; rates before time compression.
  std::optional<double> runs_per_minute_per_runner;
  std::optional<double> runs_per_second;
  std::optional<int> concurrency;            // closed loop: callers, each with one run at a time
  Duration wait = std::chrono::seconds{30};  // of a caller, for its run's result; 10 ms … 30 s
  std::optional<int> backlog;                // runs that wait when the trial begins; none arrive afterwards
  Arrivals arrivals = Arrivals::poisson;
  LoadProfileSpec profile;
  std::size_t payload_bytes = 256;
  std::vector<RunClass> classes{RunClass{}};  // at least one
  RetrySpec retry;

  friend bool operator==(LoadSpec const&, LoadSpec const&) = default;
};

// One kind of runner. Shares are relative.
struct RunnerKind {
  std::vector<std::string> tags;
  double share = 1.0;

  friend bool operator==(RunnerKind const&, RunnerKind const&) = default;
};

struct FleetSpec {
  Duration hold = std::chrono::seconds{30};                // long poll; 1 ms … 30 s
  Duration heartbeat = std::chrono::seconds{60};           // per runner, phases spread evenly
  DurationDistribution run_length;                         // before time compression
  double failure_rate = 0.0;                               // share of runs reported as failed
  bool confirm_start = false;                              // send POST /runs/{id}/start before working
  int runs_per_poll = 1;                                   // max=n; the runner works them one after another
  Duration backoff_base = std::chrono::milliseconds{100};  // after an error: full jitter, doubling …
  Duration backoff_limit = std::chrono::seconds{10};       // … up to this
  std::vector<RunnerKind> kinds{RunnerKind{}};             // at least one
  int slots = 1;                                           // runs at once; more than 1 only when they are pushed
  double slowdown = 0;                           // each further run at once makes one that begins longer by this share
  std::optional<OrchestratorSpec> orchestrator;  // absent: plain runners, one long poll each

  int runs_at_once() const { return orchestrator ? orchestrator->max_concurrent : slots; }  // of one runner

  friend bool operator==(FleetSpec const&, FleetSpec const&) = default;
};

// How a run's result comes back to the coordinator where its submitter waits, for backends that have ways of their own
// (redis-list); its README says what each means.
struct RepliesSpec {
  enum class Path : std::uint8_t { backend, per_task, pubsub, shared_queue };
  enum class Ttl : std::uint8_t { expire, faulty, none, cleanup };
  enum class Fetch : std::uint8_t { pop, keep };
  enum class Cut : std::uint8_t { none, each_2s, each_5s };

  Path path = Path::backend;  // `backend`: as it does by itself; then nothing else here counts
  Ttl ttl = Ttl::expire;      // of per_task
  Fetch fetch = Fetch::pop;   // of per_task
  int seconds = 60;           // that a result nobody fetched stays: 60, 5 or 1
  Cut cut = Cut::none;        // the connections that replies come over break for 200 ms
  bool slow = false;          // one reply in a hundred takes its reader 20 ms

  friend bool operator==(RepliesSpec const&, RepliesSpec const&) = default;
};

struct CoordinatorSpec {
  Duration lease = std::chrono::seconds{120};
  Duration offer{};  // until the runner says that it has the run; 0: the whole lease at once
  Duration sweep_interval = std::chrono::seconds{1};
  int max_attempts = 3;
  int count = 1;              // processes over one backend
  int store_connections = 0;  // 0: the backend's default
  RepliesSpec replies;
  DispatchSpec dispatch;

  friend bool operator==(CoordinatorSpec const&, CoordinatorSpec const&) = default;
};

struct Phases {
  Duration warm_up = std::chrono::seconds{5};
  Duration measure = std::chrono::seconds{40};
  Duration drain = std::chrono::seconds{15};  // at most; ends early when every run is reported

  friend bool operator==(Phases const&, Phases const&) = default;
};

// One line of the plan: this many runners against this backend, with this and that different from the scenario.
struct Level {
  int runners = 0;
  std::string backend;
  std::string variant;         // what the trials with these changes are called; empty: none
  boost::json::object with{};  // the changes: "load.payload_bytes" → value, null for the default

  friend bool operator==(Level const&, Level const&) = default;
};

// "claim_latency: p99 < 5s". The metric's name and statistic as docs/method.md lists them; `text` is what the user
// wrote.
struct Objective {
  enum class Comparison : std::uint8_t { less, less_equal, greater, greater_equal };
  std::string metric;     // claim_latency, dispatch_latency, submit_latency, store_write_latency, failed_claims, …
  std::string statistic;  // p50, p90, p95, p99, p99.9, max, mean, count, rate, share
  Comparison comparison = Comparison::less;
  double bound = 0;  // milliseconds for durations, otherwise the plain number or share
  std::string text;

  friend bool operator==(Objective const&, Objective const&) = default;
};

// A figure that the scenario's source document states, in the form of an objective; judged where it was measured, and
// printed beside the measured one.
struct PublishedClaim {
  std::string says;     // in the document's own words
  Objective claim;      // what that means here
  int runners = 0;      // at so many; 0: at any number
  std::string backend;  // with this one; empty: any
  std::string variant;  // empty: any

  friend bool operator==(PublishedClaim const&, PublishedClaim const&) = default;
};
// How runners and submitters reach the system under test: through coordinator processes over HTTP; as clients of the
// store, each with a coordinator of its own within the generator's process; or through coordinators that are embedded
// in the generator's process, one on each of its threads, and that all of a thread's runners and submitters share.
enum class TransportKind : std::uint8_t { http, direct, embedded };

constexpr bool in_process(TransportKind transport) { return transport != TransportKind::http; }

struct Scenario {
  std::string name;  // [a-z0-9-]+, the results folder's name
  std::string title;
  std::string question;
  std::string description;
  std::string policy =
      "pr-007";  // name of a file in the folder policies/ beside the scenario, or a path ending in .yaml

  // What the system in question needs besides speed, for policies that ask ("several_coordinators"). Not named: not
  // needed.
  std::map<std::string, bool> needs;

  // Arrivals are this many times faster and runs this many times shorter than in the system that is modelled; hold,
  // heartbeat and every bound stay as they are. Reports scale runner shortage back (docs/method.md, "Time
  // compression").
  double time_compression = 1.0;

  TransportKind transport = TransportKind::http;
  LoadSpec load;
  FleetSpec fleet;
  CoordinatorSpec coordinator;
  Phases phases;
  std::vector<FaultSpec> faults;
  std::vector<Level> levels;  // in the order to run; at least one
  int repeat = 1;
  int retry_invalid = 0;      // how often a trial that its guards reject is measured again
  int generator_threads = 0;  // 0: as many as the machine has to spare
  std::uint64_t seed = 0;     // resolved: never 0 after parsing
  std::vector<Objective> objectives;

  // What the source document of the scenario publishes, printed beside what was measured: runners → requests per
  // minute.
  std::map<int, double> published_requests_per_minute;
  std::vector<PublishedClaim> published;

  std::string file;  // where it came from, for messages and provenance; no key of the file

  friend bool operator==(Scenario const&, Scenario const&) = default;
};

bool is_about(PublishedClaim const& published, Level const& level);

// The most runners that may be clients of a store themselves: each has connections of its own.
inline constexpr int most_direct_runners = 64;

// Runs per second offered (0 in a closed loop, whose rate is the system's, and with a backlog) at `runners` runners,
// time compression included; the profile's factor is 1.
double offered_rate(Scenario const& scenario, int runners);

// Mean of the profile's factor over the measured phase.
double mean_factor(LoadProfileSpec const& profile);

// Runs the measured phase of one trial is expected to create, or to find waiting.
double expected_runs(Scenario const& scenario, int runners);

// Busy share of the fleet that the load asks for: rate × mean run length ÷ runs the fleet can work at once. Above 1 the
// backlog grows for certain.
double offered_busy_share(Scenario const& scenario, int runners);

// The kind (index into FleetSpec::kinds) of each runner, dealt by share and evenly mixed: of any number of runners that
// come first, each kind has its share to within one (smooth weighted round robin: the kind that is owed most comes
// next).
std::vector<std::size_t> deal_kinds(FleetSpec const& fleet, int runners);

// Of everything, repeats included. The drain is estimated as the expected longest of the runs in flight when the load
// stops (mean × harmonic number), at most phases.drain; a fixed allowance per trial covers the start and stop of
// processes.
Duration estimated_duration(Scenario const& scenario);

}  // namespace assay
