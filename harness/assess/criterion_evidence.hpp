// What the trials say about one criterion of a policy: at one level, in all its repeats, on one backend. Used by decide
// only.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/figure.hpp"
#include "harness/assess/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay {

using Trials = std::vector<TrialResult const*>;

// Why a trial proves nothing about latencies or loads, in a few words; empty if it may be used. Stricter than
// why_not_judged(): an instrument that was not checked is not trusted either.
std::string why_not_usable(TrialResult const& trial);

// "I2 broken: …", or how many were lost or doubled; empty if the ledger is clean.
std::string ledger_problem(TrialResult const& trial);

struct LevelEvidence {
  int runners = 0;
  Trials trials;  // usable ones
  // met: above the bound with confidence in every repeat ("consistently"); refuted: not above it with confidence in
  // every repeat. From three repeats on, their spread must leave no doubt either.
  Reason::Finding finding = Reason::Finding::undecided;
  TrialResult const* worst = nullptr;  // the repeat with the largest figure
  std::optional<Figure> figure;        // its figure
  std::optional<Figure> across;        // mean over the repeats, bounds from their spread; of three or more
  std::string problem;                 // why it is undecided
};

// `trials`: usable repeats of one level on one backend.
LevelEvidence examine(Criterion const& criterion, int runners, Trials trials);

struct CriterionEvidence {
  Criterion const* criterion = nullptr;
  std::vector<LevelEvidence> levels;
  Reason::Finding finding = Reason::Finding::undecided;  // met at one level is met; refuted at every level is refuted
  LevelEvidence const* worst() const;                    // the level that decides it; nullptr if nothing was measured
};

CriterionEvidence combine(Criterion const& criterion, std::vector<LevelEvidence> levels);

std::string name_of(Criterion const& criterion);  // "dispatch latency p99"

// Where the time or the load of this trial goes: "the store's claim takes 62 % of dispatch latency (mean 3.1 ms)", "the
// coordinator keeps 0.95 cores busy". Empty when that was not measured.
std::string what_dominates(TrialResult const& trial, Criterion const& criterion);

}  // namespace assay
