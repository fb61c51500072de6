// Who waits here for the result of which run: submitters whose request is held until their run is finished. Whoever
// hears of an end (a report, a sweep, another coordinator) tells the desk; it wakes every Wait for that run. Easy to
// get wrong: make the Wait before the run is handed to the store, or its result may come before anybody waits for it.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace assay {

// How a run ended: `completed` with the runner's result, or `dead` with the cause.
struct Reply {
  RunState state = RunState::completed;
  std::string result;
};

class ReplyDesk {
 public:
  explicit ReplyDesk(Executor executor) : executor_{executor} {}
  ReplyDesk(ReplyDesk const&) = delete;
  ReplyDesk& operator=(ReplyDesk const&) = delete;

  // One submitter's. Must not outlive the desk.
  class Wait {
   public:
    Wait(ReplyDesk& desk, RunId const& run);
    ~Wait();
    Wait(Wait const&) = delete;
    Wait& operator=(Wait const&) = delete;

    enum class End : std::uint8_t {
      replied,  // reply() has it
      broken,   // its runner went away in the middle; cause() says so. The run may come again
      look,     // something happened to the run: the store knows what
      time,     // `deadline` came
      over      // cancel(), or the coordinator stops
    };
    // May be called again after `look` and `time`.
    Awaitable<End> until(TimePoint deadline);
    Reply const& reply() const { return *reply_; }
    std::string const& cause() const { return *cause_; }
    bool over() const { return over_ || desk_.stopped_; }

    // Nobody is there any more to be answered.
    void cancel();

   private:
    friend class ReplyDesk;

    ReplyDesk& desk_;
    RunId run_;
    Signal changed_;
    std::optional<Reply> reply_;
    std::optional<std::string> cause_;
    bool look_ = false;
    bool over_ = false;
  };

  bool awaited(RunId const& run) const { return waits_.contains(run); }
  void tell(RunId const& run, Reply const& reply);
  // The attempt under way failed because its runner went away.
  void tell_broken(RunId const& run, std::string const& cause);
  // The run may be finished; only the store knows.
  void look(RunId const& run);

  // All waits end, and so do later ones at once.
  void stop();

  std::size_t waiting() const { return waits_.size(); }

 private:
  Executor executor_;
  std::unordered_multimap<RunId, Wait*> waits_;  // a submission may be repeated while the first one still waits
  bool stopped_ = false;
};

}  // namespace assay
