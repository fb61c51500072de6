// Every key of a scenario file, described once: name, member, range, meaning (of a policy's: describe_policy.hpp). From
// these functions come the parser (reader.hpp), the resolved YAML, the JSON Schema and docs/scenarios.md
// (reference.cpp). The default of a key is the value that its member has in a default-constructed struct. To add a key:
// a member in the struct, a line here, and run the tests with ASSAY_UPDATE_GOLDEN=1 to rewrite the schema and the page.
//
// A visitor is called as v(Key{…}, member), in the order in which the keys are written out.
#pragma once

#include "harness/scenario/scenario.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <array>
#include <limits>
#include <string_view>

namespace assay {

enum class TextRule : std::uint8_t {
  line,     // one line
  prose,    // any number of lines
  name,     // lower-case letters, digits, dashes
  tag,      // is_valid_tag
  backend,  // one of the backends the caller knows
  file      // a name or a path
};

struct Key {
  std::string_view name;
  std::string_view doc;
  // Of a number, a duration (in seconds), or each element of a list of those.
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  // min itself is not allowed
  bool required = false;
  std::string_view only = {};    // applies only when the map's `shape`, described before, is this; required then counts
  std::string_view one_of = {};  // exactly one of the keys of this group has to be given
  bool each = false;             // in a map of a list: may be a list, and every combination becomes an entry of its own
  std::size_t min_items = 0;     // of a list
  TextRule text = TextRule::line;
  bool omit_empty = false;  // an empty text or map is as good as none, and isn't written out
};

inline constexpr double a_day_s = 86'400;

constexpr std::array<std::string_view, 4> names_of(DurationDistribution::Shape) {
  return {"constant", "uniform", "exponential", "lognormal"};
}
constexpr std::array<std::string_view, 4> names_of(LoadProfileSpec::Shape) {
  return {"steady", "ramp", "steps", "burst"};
}
constexpr std::array<std::string_view, 2> names_of(LoadSpec::Arrivals) { return {"even", "poisson"}; }
constexpr std::array<std::string_view, 3> names_of(TransportKind) { return {"http", "direct", "embedded"}; }
constexpr std::string_view name_of(TransportKind transport) {
  return names_of(transport)[static_cast<std::size_t>(transport)];
}
constexpr std::array<std::string_view, 4> names_of(RepliesSpec::Path) {
  return {"backend", "per_task", "pubsub", "shared_queue"};
}
constexpr std::array<std::string_view, 4> names_of(RepliesSpec::Ttl) { return {"expire", "faulty", "none", "cleanup"}; }
constexpr std::array<std::string_view, 2> names_of(RepliesSpec::Fetch) { return {"pop", "keep"}; }
constexpr std::array<std::string_view, 3> names_of(RepliesSpec::Cut) { return {"never", "each_2s", "each_5s"}; }

constexpr std::array<std::string_view, 2> names_of(DispatchSpec::Mode) { return {"pull", "push"}; }
constexpr std::array<std::string_view, 4> names_of(DispatchSpec::Picker) {
  return {"random", "least_loaded", "two_choices", "capability_aware"};
}
constexpr std::array<std::string_view, 4> names_of(FaultSpec::What) { return {"restart", "stop", "kill", "drop"}; }
constexpr std::array<std::string_view, 3> names_of(FaultSpec::Whom) { return {"runners", "coordinators", "store"}; }

template <class V>
void describe(V& v, DurationDistribution& d) {
  v({.name = "shape", .doc = "How the lengths are distributed. `uniform` spans 0 to twice the mean."}, d.shape);
  v({.name = "mean", .doc = "Mean length, before time compression.", .min = 0, .max = a_day_s}, d.mean);
  v({.name = "cv",
     .doc = "Standard deviation divided by mean. Above 1: a few very long runs among many short ones.",
     .min = 0,
     .max = 20,
     .above_min = true,
     .only = "lognormal"},
    d.cv);
}

template <class V>
void describe(V& v, LoadProfileSpec& p) {
  static constexpr double highest = 1000;
  v({.name = "shape", .doc = "How the rate moves while it is measured. All factors multiply the level's rate."},
    p.shape);
  v({.name = "from", .doc = "Factor at the start.", .min = 0, .max = highest, .required = true, .only = "ramp"},
    p.from);
  v({.name = "to", .doc = "Factor at the end.", .min = 0, .max = highest, .required = true, .only = "ramp"}, p.to);
  v({.name = "levels",
     .doc = "Factors, each for an equal part of the time.",
     .min = 0,
     .max = highest,
     .required = true,
     .only = "steps",
     .min_items = 1},
    p.levels);
  v({.name = "every",
     .doc = "Time from the beginning of one burst to that of the next.",
     .min = 0.001,
     .max = a_day_s,
     .required = true,
     .only = "burst"},
    p.every);
  v({.name = "lasting",
     .doc = "Length of a burst; less than `every`.",
     .min = 0.001,
     .max = a_day_s,
     .required = true,
     .only = "burst"},
    p.lasting);
  v({.name = "factor",
     .doc = "Factor during a burst; it is 1 in between.",
     .min = 0,
     .max = highest,
     .required = true,
     .only = "burst"},
    p.factor);
}

template <class V>
void describe(V& v, RunClass& c) {
  v({.name = "tags", .doc = "What a runner must offer to be given such a run.", .text = TextRule::tag}, c.tags);
  v({.name = "priority", .doc = "Higher goes first.", .min = lowest_priority, .max = highest_priority}, c.priority);
  v({.name = "weight", .doc = "How often, relative to the other classes.", .min = 0, .max = 1e6, .above_min = true},
    c.weight);
}

template <class V>
void describe(V& v, RetrySpec& r) {
  v({.name = "tries",
     .doc = "How often a submission that got no answer, or one that says \"not now\", is sent at most, with the same "
            "run id and to the next coordinator each time. What still fails counts as failed.",
     .min = 1,
     .max = 100},
    r.tries);
  v({.name = "timeout",
     .doc = "How long each try may take; 0: as long as a submission that is not repeated.",
     .min = 0,
     .max = 3600},
    r.timeout);
  v({.name = "backoff",
     .doc = "Longest pause after the first try, doubling; the pause is drawn from 0 to this.",
     .min = 0,
     .max = 60},
    r.backoff);
}

template <class V>
void describe(V& v, LoadSpec& l) {
  v({.name = "runs_per_minute_per_runner",
     .doc = "Rate of new runs, growing with the fleet; before time compression.",
     .min = 0,
     .max = 6000,
     .above_min = true,
     .one_of = "rate"},
    l.runs_per_minute_per_runner);
  v({.name = "runs_per_second",
     .doc = "Rate of new runs, the same at every level; before time compression.",
     .min = 0,
     .max = 1e6,
     .above_min = true,
     .one_of = "rate"},
    l.runs_per_second);
  v({.name = "concurrency",
     .doc =
         "Closed loop: so many callers, each of which submits a run, waits for its result, and then submits its next "
         "one. The rate is what the system makes of it.",
     .min = 1,
     .max = 100'000,
     .one_of = "rate"},
    l.concurrency);
  v({.name = "wait", .doc = "With `concurrency`: how long a caller waits for a result.", .min = 0.01, .max = 30},
    l.wait);
  v({.name = "backlog",
     .doc =
         "So many runs wait when the trial begins, and none arrive afterwards. The measured phase ends when they are "
         "used up, or after `phases.measure`; rates are of its real length.",
     .min = 1,
     .max = 1'000'000,
     .one_of = "rate"},
    l.backlog);
  v({.name = "arrivals",
     .doc = "`poisson`: independent of each other, as real users are. `even`: like clockwork, which hides queueing."},
    l.arrivals);
  v({.name = "profile", .doc = "How the rate moves during a trial."}, l.profile);
  v({.name = "payload_bytes",
     .doc = "Size of what a run carries.",
     .min = 0,
     .max = static_cast<double>(max_payload_bytes)},
    l.payload_bytes);
  v({.name = "classes", .doc = "Kinds of runs.", .min_items = 1}, l.classes);
  v({.name = "retry", .doc = "What submitters do about failures."}, l.retry);
}

template <class V>
void describe(V& v, RunnerKind& k) {
  v({.name = "tags", .doc = "What these runners offer.", .text = TextRule::tag}, k.tags);
  v({.name = "share", .doc = "How many, relative to the other kinds.", .min = 0, .max = 1e6, .above_min = true},
    k.share);
}

template <class V>
void describe(V& v, ColdStartSpec& d) {
  v({.name = "from", .doc = "The shortest.", .min = 0, .max = a_day_s}, d.from);
  v({.name = "to", .doc = "The longest; not less than `from`.", .min = 0, .max = a_day_s}, d.to);
}

template <class V>
void describe(V& v, WarmPoolSpec& w) {
  v({.name = "size", .doc = "Containers kept ready, by each orchestrator; full at the start.", .min = 0, .max = 1000},
    w.size);
  v({.name = "refill",
     .doc = "While fewer are ready, one is made in this time, one after another.",
     .min = 0.001,
     .max = a_day_s},
    w.refill);
}

template <class V>
void describe(V& v, OrchestratorSpec& o) {
  v({.name = "poll_interval",
     .doc = "Each orchestrator looks for runs so often, by the clock.",
     .min = 0.001,
     .max = a_day_s},
    o.poll_interval);
  v({.name = "batch", .doc = "Most runs that one poll takes.", .min = 1, .max = 100}, o.batch);
  v({.name = "max_concurrent",
     .doc = "Runs that an orchestrator works at once. Holding as many, it skips its poll.",
     .min = 1,
     .max = 1000},
    o.max_concurrent);
  v({.name = "clamp",
     .doc = "`true`: a poll asks for no more runs than there is room for. `false`: it asks for a whole batch, and what "
            "has no room waits claimed in the orchestrator's hands."},
    o.clamp);
  v({.name = "cold_start", .doc = "Before each run that no warm container is there for; uniform."}, o.cold_start);
  v({.name = "warm_pool", .doc = "Containers that save the cold start."}, o.warm_pool);
}

template <class V>
void describe(V& v, FleetSpec& f) {
  v({.name = "hold", .doc = "How long a poll is held when there is no run.", .min = 0.001, .max = 30}, f.hold);
  v({.name = "heartbeat",
     .doc = "Each runner says so often that it is alive, which renews its leases. Less than `coordinator.lease`.",
     .min = 0.01,
     .max = 3600},
    f.heartbeat);
  v({.name = "run_length", .doc = "How long a run keeps its runner busy."}, f.run_length);
  v({.name = "failure_rate", .doc = "Share of runs reported as failed.", .min = 0, .max = 1}, f.failure_rate);
  v({.name = "confirm_start", .doc = "Runners say that they begin, in a request of its own."}, f.confirm_start);
  v({.name = "runs_per_poll", .doc = "Runs a runner takes at once and works one after another.", .min = 1, .max = 100},
    f.runs_per_poll);
  v({.name = "backoff_base",
     .doc = "Longest wait after a first error, doubled with every further one; the wait is drawn from 0 to this (full "
            "jitter).",
     .min = 0.001,
     .max = 60},
    f.backoff_base);
  v({.name = "backoff_limit", .doc = "What `backoff_base` grows to at most.", .min = 0.001, .max = 600},
    f.backoff_limit);
  v({.name = "kinds", .doc = "Kinds of runners.", .min_items = 1}, f.kinds);
  v({.name = "orchestrator",
     .doc = "Runners poll by the clock and work several runs at once; `hold` is not used. Its times are compressed as "
            "run lengths are. Absent: plain runners, one long poll each."},
    f.orchestrator);
  v({.name = "slots",
     .doc = "Runs that a runner works at once. More than 1 takes `coordinator.dispatch.mode: push`.",
     .min = 1,
     .max = 1000},
    f.slots);
  v({.name = "slowdown",
     .doc = "Each run that its runner works already makes one that begins longer by this share.",
     .min = 0,
     .max = 100},
    f.slowdown);
}

template <class V>
void describe(V& v, RepliesSpec& r) {
  v({.name = "path",
     .doc = "How results get back to who waits: a list per run, a channel or a list per coordinator; `backend`: as the "
            "backend does by itself. For `redis-list`."},
    r.path);
  v({.name = "ttl",
     .doc =
         "Of a run's list: `expire` LPUSH and EXPIRE in one MULTI, `faulty` LPUSH key result EX 60, `none`, `cleanup` "
         "none, and a job that removes."},
    r.ttl);
  v({.name = "fetch",
     .doc =
         "How a result leaves its run's list: `pop` BRPOP, and what was popped into a connection that broke is gone; "
         "`keep` BLMOVE onto itself, and removed when it has arrived."},
    r.fetch);
  v({.name = "seconds", .doc = "How long a result that nobody fetched stays: 60, 5 or 1.", .min = 1, .max = 60},
    r.seconds);
  v({.name = "cut", .doc = "Break the connections that replies come over so often, for 200 ms."}, r.cut);
  v({.name = "slow", .doc = "One reply in a hundred takes its reader 20 ms."}, r.slow);
}

template <class V>
void describe(V& v, DispatchSpec& d) {
  v({.name = "mode",
     .doc = "`pull`: runners hold long polls. `push`: each has a WebSocket to one coordinator, which sends it runs."},
    d.mode);
  v({.name = "picker", .doc = "Which runner with a free slot gets a pushed run."}, d.picker);
  v({.name = "fenced",
     .doc = "false: whoever reports a run's end is believed, and a claim is given out however late. For showing what "
            "tokens are for."},
    d.fenced);
  v({.name = "claim_deadline",
     .doc = "Lease of a claim that is pushed, until its runner's first heartbeat.",
     .min = 0.05,
     .max = a_day_s},
    d.claim_deadline);
  v({.name = "fair_by_source",
     .doc = "Push so that each source gets the same runner time. A run's source is its tag `source:…`, which its "
            "runners offer."},
    d.fair_by_source);
}

template <class V>
void describe(V& v, FaultSpec& f) {
  v({.name = "at",
     .doc = "Time since the trial's start, warm-up included.",
     .min = 0,
     .max = a_day_s,
     .required = true},
    f.at);
  v({.name = "what",
     .doc = "`restart`: they end what they do, go, and come back. `kill`: they are gone at once, with what they held. "
            "`stop`: they stand still (SIGSTOP; not runners). `drop`: their connections are cut, they go on (runners "
            "only).",
     .required = true},
    f.what);
  v({.name = "whom",
     .doc = "Who it happens to. `store`: the private PostgreSQL or Redis behind the coordinators.",
     .required = true},
    f.whom);
  v({.name = "lasting", .doc = "How long they are away or stand still.", .min = 0, .max = a_day_s}, f.lasting);
  v({.name = "every",
     .doc = "Time from one to the next. 0: runners all at once, coordinators one after the other.",
     .min = 0,
     .max = a_day_s},
    f.every);
  v({.name = "number", .doc = "How many, beginning with the first; 0: all.", .min = 0, .max = 100'000}, f.number);
}

template <class V>
void describe(V& v, CoordinatorSpec& c) {
  v({.name = "lease", .doc = "How long a claim is valid without news of its runner.", .min = 0.05, .max = a_day_s},
    c.lease);
  v({.name = "offer",
     .doc = "How long a claim is valid until its runner says that it has the run (a two-stage lease); a runner that "
            "polls again instead is given the same run again. 0: `lease` at once.",
     .min = 0,
     .max = 3600},
    c.offer);
  v({.name = "sweep_interval", .doc = "How often expired leases are looked for.", .min = 0.01, .max = 60},
    c.sweep_interval);
  v({.name = "max_attempts", .doc = "After so many failed attempts a run is a dead letter.", .min = 1, .max = 100},
    c.max_attempts);
  v({.name = "count",
     .doc = "Coordinator processes over one backend; runners and submissions are spread over them. More than one takes "
            "a backend with several coordinators.",
     .min = 1,
     .max = 32},
    c.count);
  v({.name = "store_connections",
     .doc = "Connections to the database or broker; 0: as many as the backend likes.",
     .min = 0,
     .max = 1000},
    c.store_connections);
  v({.name = "replies", .doc = "How results come back to who waits for them."}, c.replies);
  v({.name = "dispatch", .doc = "How runs get to the runners."}, c.dispatch);
}

template <class V>
void describe(V& v, Phases& p) {
  v({.name = "warm_up", .doc = "Load, but nothing is judged.", .min = 0, .max = 3600}, p.warm_up);
  v({.name = "measure", .doc = "What is judged.", .min = 1, .max = a_day_s}, p.measure);
  v({.name = "drain",
     .doc = "No more load; at most so long, until every run is reported. What is left then counts as abandoned.",
     .min = 0,
     .max = 3600},
    p.drain);
}

template <class V>
void describe(V& v, Level& l) {
  v({.name = "runners", .doc = "Size of the fleet.", .min = 1, .max = 100'000, .required = true, .each = true},
    l.runners);
  v({.name = "backend",
     .doc = "What the coordinator keeps its runs in: a name that `assay backends` lists.",
     .required = true,
     .each = true,
     .text = TextRule::backend},
    l.backend);
  v({.name = "variant",
     .doc = "Names these trials, where several of the same runners and backend differ in what `with` changes.",
     .text = TextRule::name,
     .omit_empty = true},
    l.variant);
  v({.name = "with",
     .doc =
         "Keys of the scenario that have other values in these trials, by their paths: `{load.payload_bytes: 4096}`. "
         "No value: back to the default. Takes a `variant`.",
     .omit_empty = true},
    l.with);
}

template <class V>
void describe(V& v, PublishedClaim& p) {
  v({.name = "says", .doc = "What the document says, in its own words.", .required = true}, p.says);
  v({.name = "claim",
     .doc = "The same as an objective, e.g. `throughput: mean >= 112`: whether it holds here is printed beside it.",
     .required = true},
    p.claim);
  v({.name = "runners", .doc = "At so many runners; 0: at any number.", .min = 0, .max = 100'000}, p.runners);
  v({.name = "backend", .doc = "With this backend; none: with any.", .text = TextRule::backend, .omit_empty = true},
    p.backend);
  v({.name = "variant", .doc = "In these trials; none: in any.", .text = TextRule::name, .omit_empty = true},
    p.variant);
}

template <class V>
void describe(V& v, Scenario& s) {
  v({.name = "name", .doc = "Names the results folder.", .required = true, .text = TextRule::name}, s.name);
  v({.name = "title", .doc = "Heads the report.", .required = true}, s.title);
  v({.name = "question", .doc = "What the measurement is to answer; one sentence.", .required = true}, s.question);
  v({.name = "description", .doc = "Whatever a reader of the report should know.", .text = TextRule::prose},
    s.description);
  v({.name = "policy",
     .doc =
         "The rules of the decision: a name in the folder `policies` beside the scenario, or a path ending in `.yaml`.",
     .text = TextRule::file},
    s.policy);
  v({.name = "needs",
     .doc = "What the system needs besides speed, by the names that the policy asks for, e.g. `several_coordinators: "
            "true`.",
     .text = TextRule::name},
    s.needs);
  v({.name = "time_compression",
     .doc =
         "Arrivals come so many times faster, and runs are so many times shorter, than in the system that is modelled. "
         "Hold, heartbeat, lease and every bound stay as they are.",
     .min = 1,
     .max = 10'000},
    s.time_compression);
  v(
      {
          .name = "transport",
          .doc = "`http`: runners long-poll a coordinator process. `direct`: no coordinator process; every runner is a "
                 "client of the store, in the process of the generator, and one more submits. `embedded`: no "
                 "coordinator process; `coordinator.count` coordinators live in the process of the generator, each on "
                 "a thread of its own, and runners and submitters ask them without HTTP.",
      },
      s.transport);
  v({.name = "load", .doc = "The runs that are created.", .required = true}, s.load);
  v({.name = "fleet", .doc = "The runners that execute them."}, s.fleet);
  v({.name = "coordinator", .doc = "Settings of the system under test."}, s.coordinator);
  v({.name = "phases", .doc = "The parts of a trial."}, s.phases);
  v({.name = "faults", .doc = "What is done to runners, coordinators and the store meanwhile."}, s.faults);
  v({.name = "trials",
     .doc = "What is measured, in this order. Lists of runners or backends stand for every combination.",
     .required = true,
     .min_items = 1},
    s.levels);
  v({.name = "repeat", .doc = "How often each trial is measured.", .min = 1, .max = 100}, s.repeat);
  v({.name = "retry_invalid",
     .doc = "How often a trial that turns out to be invalid, and in which nothing was lost or doubled, is measured "
            "again. The last one counts; the report says which were, and why.",
     .min = 0,
     .max = 5},
    s.retry_invalid);
  v({.name = "generator_threads",
     .doc = "Threads that share the simulated runners and submissions; 0: one for each four CPUs, at least one, at "
            "most 8. "
            "What arrives when does not depend on it.",
     .min = 0,
     .max = 16},
    s.generator_threads);
  v({.name = "seed", .doc = "Of every random draw; 0: a new one, which is printed and stored.", .min = 0}, s.seed);
  v({.name = "objectives", .doc = "What would be good enough, e.g. `claim_latency: p99 < 5s`. Missed: exit status 3."},
    s.objectives);
  v({.name = "published_requests_per_minute",
     .doc = "Requests per minute that the scenario's source states for a number of runners; printed beside the "
            "measured ones.",
     .min = 0,
     .max = 1e9},
    s.published_requests_per_minute);
  v({.name = "published",
     .doc = "What the scenario's source document states; the report prints each beside what was measured."},
    s.published);
}

}  // namespace assay
