// The postgres-batch store: every verb collects requests into batches that grow with the load (Batcher), each verb on a
// pipelined connection of its own, so that a claim never waits behind a commit of somebody's completion. batch_sql.hpp
// has the tables, README.md the reasons. Easy to get wrong: rows are always locked in the order of run ids (reports) or
// skipped when locked (claim, sweep), and nothing else; that is why no two batches can wait for each other.
#pragma once

#include "reference_coordinator/backends/postgres/batch_sql.hpp"
#include "reference_coordinator/backends/postgres/batcher.hpp"
#include "reference_coordinator/backends/postgres/link.hpp"
#include "reference_coordinator/claim_core/tag_sets.hpp"

#include <utility>
#include <vector>

namespace assay::postgres {

class BatchStore final : public ClaimStore {
 public:
  static Awaitable<Result<OpenedStore>> open(Executor executor, StoreOptions options);

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
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override;

  StoreCounters counters() const override;
  std::size_t pending_writes() const override;
  Awaitable<void> close() override;

 private:
  enum class Verb : std::uint8_t { complete, fail, renew, release };

  struct Report {
    RunId run;
    ClaimToken token;
    std::string said;  // result or cause
    Duration lease{};  // of a renewal
  };

  struct SubmitRequest {
    std::vector<RunSpec> runs;
    std::vector<Demand> demands;  // of polls that wait for such runs
    Duration lease;
  };

  struct ClaimRequest {
    std::vector<Demand> demands;
    Duration lease;
  };

  struct DemandGroup;  // demands that the same tag sets fit (batch_claim.cpp)
  class SyncMatch;     // which submitted run goes to which waiting poll (batch_submit.cpp)

  using Outcomes = std::vector<Outcome>;
  using Reports = std::vector<Report>;
  template <class Answer>
  using Flushed = Awaitable<Result<std::vector<Answer>>>;

  BatchStore(Executor executor, RetryPolicy retry, std::uint64_t epoch);

  Flushed<Submitted> flush_submit(std::vector<SubmitRequest> requests);
  Flushed<std::vector<Claim>> flush_claim(std::vector<ClaimRequest> requests);
  Flushed<Outcomes> flush_reports(Verb verb, std::vector<Reports> requests);

  Awaitable<std::optional<Error>> intern(std::vector<std::string> keys);
  Command claim_command(DemandGroup& group);
  Command report_command(Verb verb, std::vector<Report const*> const& reports) const;
  Awaitable<Result<std::vector<Rows>>> read(Batch batch);
  void learn(Rows const& tag_sets);

  RetryPolicy retry_;
  std::optional<std::string> temporary_url_;  // the schema goes when we do
  std::uint64_t epoch_;
  std::uint64_t next_counter_ = 1;                                        // of the next token
  std::vector<std::pair<std::uint64_t, std::uint64_t>> doubtful_claims_;  // first and last counter of lost answers
  TagSets tag_sets_;
  StoreCounters counters_;
  std::size_t control_in_flight_ = 0;

  Links links_;
  Link* submit_link_ = nullptr;
  Link* claim_link_ = nullptr;
  Link* complete_link_ = nullptr;
  Link* tend_link_ = nullptr;
  Link* control_link_ = nullptr;

  Batcher<SubmitRequest, Submitted> submits_;
  Batcher<ClaimRequest, std::vector<Claim>> claims_;
  Batcher<Reports, Outcomes> completions_, failures_, renewals_, releases_;
};

}  // namespace assay::postgres
