// A decision policy: the rules that turn measured evidence into a verdict, as data (scenarios/policies/*.yaml, parsed by
// harness/scenario). Users write their own. `decide` (decide.hpp) is the only code that reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

// One quantity against one bound. Latencies in milliseconds, shares and cores as plain numbers. Metric and statistic name a
// figure of TrialResult as figure.hpp lists them: "dispatch_latency" "p99", "pending_writes" "slope", "coordinator_cpu" "mean".
struct Criterion {
  std::string id;    // "claim-latency"
  std::string text;  // in the words of the policy's source
  std::string metric;
  std::string statistic;
  double above = 0;           // the trigger is met when the figure is above this with confidence
  std::string why;            // what the bound means and where it comes from
  std::string what_would_help;  // said in the verdict when the trigger is met
};

// A condition under which a queue is worth considering, even when nothing is broken.
struct Consideration {
  std::string id;
  std::string text;
  // Either a level of the load ("at least this many runners were asked about") …
  int runners_at_least = 0;
  // … or a need that a scenario declares under `needs:` ("several_coordinators").
  std::string need;
};

struct Policy {
  std::string name;
  std::string question;
  std::string remedy = "message queue";  // what is or isn't needed: "A <remedy> is needed", "No <remedy> is needed"
  std::string source;  // which document the rules come from
  double confidence = 0.95;
  std::vector<int> required_runners;  // levels that must be measured, and valid, before anything is said
  std::vector<Criterion> triggers;
  std::vector<Consideration> considerations;
  std::vector<std::string> queue_backends;  // which backends count as "a message queue"
  // "Better by a stated, significant amount": the queue's dispatch latency p99 is at most this share of the assessed backend's.
  double better_by_at_least = 0.5;
  // The source's acceptance boxes; each is ticked by data in the decision record.
  struct Acceptance {
    std::string text;
    int runners_at_least = 0;  // ticked when a valid trial at this level or above exists; 0: when any valid trial exists
    bool decided = false;      // ticked only when the verdict is not `inconclusive`
    bool invariants = false;   // ticked only when every trial's ledger holds
  };
  std::vector<Acceptance> acceptance;
};

}  // namespace assay
