// The backend redis-list: one list of tasks, LPUSH and RPOP, as a task queue on Redis is usually written. What a
// coordinator has popped it holds in its memory only: no lease, no second place where the run would still be. A
// coordinator that dies, or a connection that breaks while runs are popped, loses them; its capabilities say so, and
// the ledger counts them. Easy to get wrong: complete() sends the reply, too (replies.hpp receives it).
#pragma once

#include "reference_coordinator/backends/redis/keys.hpp"
#include "reference_coordinator/backends/redis/link.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace assay::redis {

// What one coordinator counts about replies, shared by the side that sends and the side that receives.
struct ReplyCounts {
  std::uint64_t sent = 0;
  std::uint64_t unheard = 0;                // pubsub: published, and nobody was subscribed
  std::uint64_t heard = 0;                  // arrived here
  std::uint64_t unwanted = 0;               // … when nobody waited any more
  std::uint64_t reconnects = 0;             // of the connections that replies come over
  std::uint64_t cleanups = 0, cleaned = 0;  // passes of the clean-up job, keys it removed
  double cleanup_ms_max = 0;
};

class ListStore final : public ClaimStore {
 public:
  // `epoch`: of its tokens, and its coordinator's name in every task.
  ListStore(std::shared_ptr<Link> link, std::uint64_t epoch, ReplySettings replies, bool remove_at_close,
            std::shared_ptr<ReplyCounts> counts);
  ~ListStore() override;

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override;
  Awaitable<Result<std::vector<Outcome>>> fail(std::vector<FailedAttempt> failures) override;
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override;
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override;
  Awaitable<Result<Depth>> depth() override;
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override;

  StoreCounters counters() const override;
  std::vector<StoreFigure> figures() const override;
  std::size_t pending_writes() const override { return link_->pending(); }
  Awaitable<void> close() override;

 private:
  enum class End : std::uint8_t { completed, failed, released };

  Awaitable<std::optional<Error>> pop(TagSet offered, std::size_t wanted, std::vector<Task>& tasks);
  void tell_counts(Commands& commands);
  void counts_changed();
  Outcome outcome_of(ClaimRef const& claim, End wanted) const;
  void send_reply(Commands& commands, Task const& task, Reply reply);
  void end(ClaimToken token, RunId const& run, End how);

  std::shared_ptr<Link> link_;
  std::uint64_t epoch_;
  ReplySettings replies_;
  bool remove_at_close_;
  std::shared_ptr<ReplyCounts> counts_;
  std::set<TagSet> lists_;  // that are known to exist
  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, Task> held_;  // by the token's counter
  std::size_t ending_ = 0;                        // of held_: reports and releases on their way
  // Runs that this coordinator has finished, and those that are counted as if Redis had answered already.
  std::uint64_t completed_ = 0, completing_ = 0, dead_ = 0, dying_ = 0;
  bool counts_told_ = false;
  struct Ended {
    RunId run;
    End how;
  };
  std::unordered_map<std::uint64_t, Ended> ended_;  // the last ones, for reports that are repeated
  std::deque<std::uint64_t> ended_order_;
  StoreCounters counters_;
  double keys_ = 0, memory_ = 0;  // of the server, when it was last asked
};

}  // namespace assay::redis
