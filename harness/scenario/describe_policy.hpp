// Every key of a policy file, described once, as describe.hpp describes those of a scenario.
#pragma once

#include "harness/assess/policy.hpp"
#include "harness/scenario/describe.hpp"

namespace assay {

template <class V>
void describe(V& v, Consideration& c) {
  v({.name = "id", .doc = "Names the condition in reports.", .required = true, .text = TextRule::name}, c.id);
  v({.name = "text", .doc = "In the words of the policy's source.", .required = true}, c.text);
  v({.name = "runners_at_least",
     .doc = "Holds when so many runners were asked about.",
     .min = 1,
     .max = 100'000,
     .one_of = "condition"},
    c.runners_at_least);
  v({.name = "need",
     .doc = "Holds when the scenario declares this under `needs`.",
     .one_of = "condition",
     .text = TextRule::name},
    c.need);
}

template <class V>
void describe(V& v, Criterion& c) {
  v({.name = "id", .doc = "Names the trigger in reports.", .required = true, .text = TextRule::name}, c.id);
  v({.name = "text", .doc = "In the words of the policy's source.", .required = true}, c.text);
  // Written as an objective is, kept as its parts: a trigger is always "above" (parse_policy refuses the rest).
  Objective when{
      .metric = c.metric, .statistic = c.statistic, .comparison = Objective::Comparison::greater, .bound = c.above};
  v({.name = "when",
     .doc = "Met when this holds with confidence, e.g. `dispatch_latency: p99 > 5s`.",
     .required = true},
    when);
  c.metric = when.metric;
  c.statistic = when.statistic;
  c.above = when.bound;
  v({.name = "why", .doc = "What the bound means and where it comes from.", .text = TextRule::prose}, c.why);
  v({.name = "what_would_help", .doc = "Said in the verdict when the trigger is met.", .text = TextRule::prose},
    c.what_would_help);
}

template <class V>
void describe(V& v, Policy::Acceptance& a) {
  v({.name = "text", .doc = "In the words of the policy's source.", .required = true}, a.text);
  v({.name = "runners_at_least",
     .doc = "Ticked when a valid trial with so many runners exists; 0: any valid trial.",
     .min = 0,
     .max = 100'000},
    a.runners_at_least);
  v({.name = "decided", .doc = "Ticked only when there is a verdict that is not `inconclusive`."}, a.decided);
  v({.name = "invariants",
     .doc =
         "Ticked only when, by the ledger of every trial, no run was lost or doubled and no other invariant broken."},
    a.invariants);
}

template <class V>
void describe(V& v, Policy& p) {
  v({.name = "name", .doc = "The policy's name.", .required = true, .text = TextRule::name}, p.name);
  v({.name = "question", .doc = "What is decided.", .required = true}, p.question);
  v({.name = "remedy",
     .doc = "What the question is about, as the verdict names it after \"a\" or \"no\": e.g. \"different reply path\"."},
    p.remedy);
  v({.name = "source", .doc = "The document the rules come from."}, p.source);
  v({.name = "confidence", .doc = "Of every statement a verdict rests on.", .min = 0.5, .max = 0.9999}, p.confidence);
  v({.name = "required_runners",
     .doc = "Levels that must be measured, and valid, before anything is said.",
     .min = 1,
     .max = 100'000,
     .required = true,
     .min_items = 1},
    p.required_runners);
  v({.name = "triggers",
     .doc = "Any of them met: a queue is needed, if one is measured to remove it.",
     .required = true,
     .min_items = 1},
    p.triggers);
  v({.name = "considerations", .doc = "Conditions under which a queue is worth considering though nothing is broken."},
    p.considerations);
  v({.name = "queue_backends", .doc = "Which backends count as a message queue.", .text = TextRule::name},
    p.queue_backends);
  v({.name = "better_by_at_least",
     .doc = "A queue is better when its dispatch latency p99 is at most this share of the assessed backend's.",
     .min = 0,
     .max = 1,
     .above_min = true},
    p.better_by_at_least);
  v({.name = "acceptance", .doc = "The source's acceptance boxes, ticked by data."}, p.acceptance);
}

}  // namespace assay
