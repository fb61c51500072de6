// The coroutines around an OrchestratorMachine: one polls, and one for each place works and reports a run. Each has a
// channel of its own, all towards the same coordinator, so that a slow report delays no poll.
#pragma once

#include "simulated_runners/orchestrator_machine.hpp"
#include "simulated_runners/runner.hpp"
#include "simulated_runners/task_group.hpp"

#include <deque>

namespace assay {

class Orchestrator final : public FleetMember {
 public:
  // As Runner. `rules` and the identity must outlive it.
  Orchestrator(RunnerCommons& commons, OrchestratorRules const& rules, RunnerIdentity const& identity,
               std::uint32_t number, Random random);

  Awaitable<void> run() override;
  void stop() override;
  void disturb(FaultSpec::What what, TimePoint back_at) override;

  std::vector<ClaimRef> claims() const override { return machine_.claims(); }
  std::string const& token() const override { return identity_.token; }
  void lease_lost(ClaimRef const& claim) override;

 private:
  struct Place {
    Place(Transport& transport, std::size_t coordinator)
        : channel{transport.make_channel(coordinator)}, timer{transport.executor} {}

    std::unique_ptr<Channel> channel;
    Timer timer;
    std::string request;
    bool asking = false;  // of a place for runs: its report is on its way
  };

  Awaitable<void> poll();
  Awaitable<void> work(std::size_t number);
  void settle_poll(TimePoint intended, Exchange const& exchange);
  void settle_report(std::size_t number, TimePoint intended, Exchange const& exchange);
  void die();
  void count_places();

  RunnerCommons& commons_;
  RunnerIdentity const& identity_;
  OrchestratorMachine machine_;
  Place poller_;
  std::deque<Place> places_;  // a deque: coroutines refer to them
  TaskGroup tasks_;
  TimePoint back_at_ = TimePoint::min();  // polls nothing until then
  std::uint64_t deaths_ = 0;
  std::size_t counted_busy_ = 0;
  RunnerCommons::Presence counted_idle_ = RunnerCommons::parked;
};

}  // namespace assay
