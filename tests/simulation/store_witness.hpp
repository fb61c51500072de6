// Stands at the store's door and holds every answer against the contract (docs/contract.md), with a model of its own:
// what each run's state must be by what was answered so far. Finds what the ledger of a trial can't see, because time
// and order are exact here: who was next in line, what a lease's end was, what a smaller answer left behind.
#pragma once

#include "tests/simulation/store_layers.hpp"

#include <map>
#include <set>
#include <string>

namespace assay::simulation {

class StoreWitness final : public StoreLayer {
 public:
  StoreWitness(ClaimStore& below, Clock const& clock, RetryPolicy retry)
      : StoreLayer{below}, clock_{clock}, retry_{retry} {}

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override;
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override;
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override;
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override;
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override;
  Awaitable<Result<Depth>> depth() override;

  // One line each, with the invariant's number.
  std::vector<std::string> const& breaches() const { return breaches_; }

 private:
  enum class Report : std::uint8_t { none, completed, failed };

  struct Run {
    RunState state = RunState::ready;
    TagSet required;
    int priority = 0;
    int max_attempts = 1;
    int attempts = 0;
    std::uint64_t place = 0;
    ClaimToken token;
    Report last_report = Report::none;
    TimePoint when;  // claimed: the lease's end · delayed: its end
  };

  void see_submission(std::vector<RunSpec> const& runs, std::vector<Outcome> const& outcomes);
  void see_claim(Claim const& claim, std::vector<Demand> const& demands, Duration lease);
  void see_what_is_left(std::vector<Demand> const& demands, std::vector<Claim> const& claims);
  // What the answer to a renewal, report or release must be.
  Outcome expected(RunId const& id, ClaimToken token, Report report) const;
  bool agrees(char const* verb, RunId const& id, ClaimToken token, Outcome expected, Outcome answered);
  void breach(std::string what);

  Clock const& clock_;
  RetryPolicy retry_;
  std::map<RunId, Run> runs_;
  std::set<ClaimToken> tokens_;
  std::uint64_t next_place_ = 0;
  std::vector<std::string> breaches_;
};

}  // namespace assay::simulation
