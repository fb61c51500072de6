// The coroutine around a RunnerMachine: does over its channel what the machine says, and tells it and the Recorder how
// it went. One per runner, thousands per process, so it is small: one channel, one timer, one request text, two
// coroutine frames.
#pragma once

#include "simulated_runners/fleet_member.hpp"
#include "simulated_runners/identity.hpp"
#include "simulated_runners/requests.hpp"
#include "simulated_runners/runner_machine.hpp"
#include "simulated_runners/transport.hpp"

#include <array>
#include <optional>

namespace assay {

// What the runners of a fleet share. Outlives them.
struct RunnerCommons {
  RunnerCommons(Transport& to_coordinator, RequestWriter const& request_writer, RunnerRules runner_rules,
                RunJournal& run_journal, Recorder& observations)
      : transport{to_coordinator},
        writer{request_writer},
        rules{std::move(runner_rules)},
        journal{run_journal},
        recorder{observations},
        opened{to_coordinator.executor} {}

  enum Presence : std::uint8_t { absent, parked, working, backing_off };

  Transport& transport;
  RequestWriter const& writer;
  RunnerRules rules;
  RunJournal& journal;
  Recorder& recorder;
  int runs_per_poll = 1;
  Duration answer_timeout{};
  bool stopping = false;
  std::array<std::size_t, 4> present{};  // runners by Presence; of orchestrators, the places for runs

  // Connecting: notified of every connection that stands or failed.
  Signal opened;
  TimePoint open_by;
  std::size_t opening = 0, connected = 0;
  boost::system::error_code open_error;  // of the first that failed
};

// What the answer to a poll says; fills `runs`. A poll that is parked when the trial ends has done nothing wrong: it
// ended without a run, but its fate is `abandoned` here.
Fate read_poll(Exchange const& exchange, std::vector<protocol::AssignedRun>& runs);

// What the answer to a start or a report says.
Fate read_outcome(Exchange const& exchange);

class Runner final : public FleetMember {
 public:
  // `number` ≥ 1. The identity must outlive the runner.
  Runner(RunnerCommons& commons, RunnerIdentity const& identity, std::uint32_t number, Random random,
         Duration first_hold);

  Awaitable<void> run() override;
  void stop() override;
  void disturb(FaultSpec::What what, TimePoint back_at) override;

  bool holds_runs() const { return machine_.holds_runs(); }
  void work_beside(std::function<std::size_t()> others) { machine_.work_beside(std::move(others)); }
  std::vector<ClaimRef> claims() const override { return machine_.claims(); }
  std::string const& token() const override { return identity_.token; }
  void lease_lost(ClaimRef const& claim) override;

 private:
  using Step = RunnerMachine::Step;

  Duration prepare(Step const& step);  // writes the request; how long its answer may take
  void settle(Step const& step, Exchange const& exchange);
  Fate settle_poll(Exchange const& exchange);
  void enter(RunnerCommons::Presence presence);

  RunnerCommons& commons_;
  RunnerIdentity const& identity_;
  RunnerMachine machine_;
  std::unique_ptr<Channel> channel_;
  Timer timer_;
  std::string request_;
  RunnerCommons::Presence presence_ = RunnerCommons::absent;
  TimePoint back_at_ = TimePoint::min();  // away until then, once nothing is held
  bool killed_ = false;                   // since it was looked at last
};

}  // namespace assay
