// The series (assessment.hpp) beside the one that is assessed: which of them are queues, whether one removes a trigger,
// whether one is better by the policy's amount. A comparison is made with all repeats of a level or not at all, never
// with those that happen to be good. Used by decide only.
#pragma once

#include "harness/assess/assessment.hpp"
#include "harness/assess/criterion_evidence.hpp"
#include "harness/assess/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay {

// A queue's dispatch latency p99, bounded from above, against the assessed series', bounded from below.
struct BetterQueue {
  std::string series;
  int runners = 0;
  double at_most_ms = 0, instead_of_ms = 0;
  Trials trials;
};

class Comparisons {
 public:
  Comparisons(Assessment const& assessment, Policy const& policy);

  std::string const& assessed() const { return assessed_; }
  std::vector<std::string> const& others() const { return others_; }
  std::vector<std::string> const& queues() const { return queues_; }  // measured ones, but for the assessed one
  bool is_queue(std::string const& backend) const;

  int largest_level() const;  // of the assessed series; 0 without trials
  // Trials that prove something, of a series that keeps its promises.
  Trials usable(int runners, std::string const& series) const;
  Trials all_usable(int runners, std::string const& series) const;  // every repeat of the level, or none

  // The last of the levels at which the trigger is met and this series refutes it; nothing unless it does at each of
  // them.
  std::optional<LevelEvidence> removed_by(CriterionEvidence const& met, std::string const& series) const;
  // The best queue that is better by the policy's amount at the largest level, with confidence and in every repeat.
  std::optional<BetterQueue> better_queue() const;
  // " (but its durability is …)" where it differs: said in the same place as the number, or the comparison isn't fair.
  std::string durability_words(std::string const& series) const;
  // One per other series and level: by call latency where callers wait for results, else by dispatch latency, else (of
  // a backlog, of which nothing was due while it was measured) by throughput; by what both have, if there is any.
  std::vector<SeriesComparison> list() const;

 private:
  std::string durability_of(std::string const& series) const;
  std::string differing_durability(std::string const& series) const;
  SeriesComparison with(int runners, std::string const& series) const;
  std::string why_ours_missing(int runners) const;

  Assessment const& assessment_;
  Policy const& policy_;
  std::string assessed_;
  std::vector<std::string> others_, queues_;
};

}  // namespace assay
