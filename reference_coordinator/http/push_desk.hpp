// The gateway of source 004: claims runs for the runners that are connected to it and pushes each to one of them. One
// coroutine claims while slots are free and runs may be ready; batches grow by themselves, as in the Matcher. The
// claims are the ClaimStore's, for whole groups of equal runners; which of them gets a run is the picker's choice, when
// the run is there. Connections (push_session.hpp) join, tell what ends, and leave.
//
// Easy to get wrong: a gateway may stand still between a claim and its dispatch. A fenced one looks at the claim's
// deadline before it gives the run out, and every report is held to its token; one that does neither gives runs out
// twice after a stop that outlasts the deadline. And a runner that disconnects in the middle of a run has failed it;
// but not when it is us who leave, then it takes its token elsewhere.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/claim_core/matcher.hpp"
#include "reference_coordinator/http/fair_turns.hpp"
#include "reference_coordinator/http/push_room.hpp"
#include "reference_coordinator/protocol/ledger.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace assay {

struct PushOptions {
  std::string picker = "random";
  bool fenced = true;
  bool fair_by_source = false;
  Duration claim_deadline = seconds{30};  // lease of a claim until the runner's first heartbeat
  std::uint32_t max_batch = 256;          // runs asked for at once
  std::uint64_t seed = 0;
  // A claim was failed because its runner went away; for ledger and submitters.
  std::function<void(ClaimRef const& claim, Result<Outcome> const& outcome, std::string const& cause)> on_broken;
  std::function<void(Error const&)> on_error;  // of claims and failures, for the log
};

// The other end of a connected runner, as the desk sees it.
class PushLine {
 public:
  virtual ~PushLine() = default;
  // Sends the run when it can, and gives it back when the runner is gone before. `times`: of the store, for the ledger.
  virtual void push(Claim claim, protocol::ClaimTimes times) = 0;
};

class PushDesk {
 public:
  // All must outlive the desk. `counts` is where what happens is counted. The picker's name must be known.
  PushDesk(Executor executor, Clock const& clock, ClaimStore& store, Matcher& matcher,
           protocol::CoordinatorStats& counts, PushOptions options);
  PushDesk(PushDesk const&) = delete;
  PushDesk& operator=(PushDesk const&) = delete;

  void start();
  // From now on nothing is claimed, and runners that leave have failed nothing.
  void begin_stop();
  // Returns when no call of ours to the store is out any more.
  Awaitable<void> end_stop();

  // Runs may be ready. True: a slot is free, so that nobody else has to be told.
  bool work_may_exist();

  // `line` must stay until leave().
  PushRunnerId join(PushLine& line, std::string name, TagSet tags, std::uint32_t slots, std::uint32_t busy);
  void leave(PushRunnerId runner);
  void drain(PushRunnerId runner);
  // The runner is done with this run, whatever became of it.
  void ended(PushRunnerId runner, RunId const& run);
  // A claim that push() could not send: the runner never had it.
  void not_sent(PushRunnerId runner, RunId const& run);

 private:
  // What was found to have nothing ready since the last event: an offer, or one source of it.
  using Found = std::pair<TagSet, std::string>;
  struct Asked {
    TagSet offer;
    std::string source;
    std::uint32_t count = 0, got = 0;
  };

  Awaitable<void> dispatch();
  Awaitable<bool> claim_once();
  Awaitable<void> fail(std::vector<ClaimRef> claims, std::string cause);
  void ask_for(TagSet const& offer, std::uint32_t slots, std::vector<Demand>& demands, std::vector<Asked>& asked);
  bool learn(std::vector<Asked> const& asked);
  void hand_out(std::vector<Claim> claims, TimePoint asked_at);
  void changed();
  void spawn(Awaitable<void> work);

  Executor executor_;
  Clock const& clock_;
  ClaimStore& store_;
  Matcher& matcher_;
  protocol::CoordinatorStats& counts_;
  PushOptions options_;
  std::unique_ptr<Picker> picker_;
  FairTurns turns_;
  PushRoom room_;
  std::unordered_map<PushRunnerId, PushLine*> lines_;
  std::set<Found> nothing_ready_;
  Signal changed_;  // wakes dispatch()
  Signal drained_;  // wakes end_stop()
  TimePoint changed_at_;
  Duration pause_{};
  std::size_t running_ = 0;
  bool dirty_ = false;
  bool stopping_ = false;
};

}  // namespace assay
