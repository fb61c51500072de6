// Combinations that can't work are refused before anything starts.
#include "harness/scenario/parse.hpp"
#include "harness/scenario/parse_policy.hpp"
#include "tests/unit/scenario/support.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::HasSubstr;

std::string messages(std::string const& more) {
  auto const scenario = parse_scenario(smallest_scenario + more, "f.yaml", {}, backends);
  return scenario ? "accepted" : to_string(scenario.error());
}

TEST(rules, the_heartbeat_is_shorter_than_the_lease) {
  EXPECT_THAT(messages("fleet: {heartbeat: 2m}\n"), HasSubstr("the heartbeat must be less than the lease"));
  EXPECT_THAT(messages("coordinator: {lease: 60s}\n"), HasSubstr("the heartbeat must be less than the lease"));
  EXPECT_EQ(messages("coordinator: {lease: 61s}\n"), "accepted");
}

TEST(rules, an_offer_is_made_to_who_polls_and_is_heard_of_in_time) {
  auto const with = [](std::string const& coordinator, std::string const& fleet) {
    return messages("coordinator: {" + coordinator + "}\nfleet: {" + fleet + "}\n");
  };
  EXPECT_EQ(with("offer: 5s", "confirm_start: true"), "accepted");
  EXPECT_EQ(with("offer: 5s", "heartbeat: 4s"), "accepted");
  EXPECT_THAT(with("offer: 5s", "heartbeat: 5s"), HasSubstr("no runner says within that time that it has its run"));
  EXPECT_THAT(with("offer: 2m", "confirm_start: true"), HasSubstr("the offer must be less than the lease"));
  EXPECT_THAT(with("offer: 5s, dispatch: {mode: push}", "confirm_start: true"),
              HasSubstr("an offer is made to who polls"));
  EXPECT_THAT(with("offer: 5s", "heartbeat: 1s, orchestrator: {}"),
              HasSubstr("an orchestrator polls again while it works"));
}

TEST(rules, every_class_has_a_kind_that_can_run_it) {
  EXPECT_EQ(messages("fleet: {kinds: [{tags: [gpu]}, {tags: [arm]}]}\n"),
            "accepted");  // a run without tags fits anybody

  std::string const gpu_runs =
      "name: x\ntitle: X\nquestion: Is it?\nload:\n  runs_per_second: 10\n  classes: [{tags: [gpu]}, {}]\n"
      "trials: [{runners: [2, 50], backend: memory}]\nfleet:\n";
  auto const with_kinds = [&](std::string const& kinds) {
    auto const scenario = parse_scenario(gpu_runs + "  kinds: " + kinds + "\n", "f.yaml", {}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  EXPECT_THAT(with_kinds("[{tags: [arm]}]"),
              HasSubstr("no kind of runner offers [gpu]: such a run could never be claimed"));
  EXPECT_EQ(with_kinds("[{}, {tags: [gpu]}]"), "accepted");
  // A kind with 1 in 20 runners exists in a fleet of 50, but not in one of 2.
  EXPECT_THAT(with_kinds("[{share: 19}, {tags: [gpu], share: 1}]"),
              HasSubstr("with 2 runners and these shares none offers [gpu]"));
}

TEST(rules, every_kind_can_run_some_class) {
  auto const text = parse_scenario(
      "name: x\ntitle: X\nquestion: Is it?\nload: {runs_per_second: 10, classes: [{tags: [gpu]}]}\n"
      "trials: [{runners: 50, backend: memory}]\nfleet: {kinds: [{tags: [gpu]}, {tags: [arm]}]}\n",
      "f.yaml", {}, backends);
  ASSERT_FALSE(text);
  EXPECT_THAT(to_string(text.error()), HasSubstr("runners that offer [arm] can run no class"));
}

TEST(rules, a_trial_is_listed_once_and_creates_runs) {
  EXPECT_THAT(parse_scenario(smallest_scenario + "  - {runners: 5, backend: memory}\n", "f.yaml", {}, backends)
                  .error()
                  .list.at(0)
                  .message,
              HasSubstr("5 runners on memory is trial 1 already"));
  auto const idle = parse_scenario(smallest_scenario, "f.yaml", {.set = {"load.runs_per_second=0.001"}}, backends);
  ASSERT_FALSE(idle);
  EXPECT_THAT(to_string(idle.error()), HasSubstr("there would be nothing to measure"));
}

TEST(rules, a_closed_loop_has_no_rate_to_shape) {
  auto const with = [](std::vector<std::string> set) {
    auto const scenario = parse_scenario(smallest_scenario, "f.yaml", {.set = std::move(set)}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  EXPECT_EQ(with({"load.runs_per_second=", "load.concurrency=10", "load.wait=1s"}), "accepted");
  EXPECT_THAT(with({"load.concurrency=10"}), HasSubstr("needs only one of"));
  EXPECT_THAT(with({"load.runs_per_second=", "load.concurrency=10", "time_compression=2"}),
              HasSubstr("can't be compressed"));
  EXPECT_THAT(with({"load.runs_per_second=", "load.concurrency=10", "load.profile={shape: ramp, from: 1, to: 2}"}),
              HasSubstr("no rate that a profile could move"));
  EXPECT_THAT(with({"load.wait=1s"}), HasSubstr("set `load.concurrency`, too"));
}

TEST(rules, a_backlog_has_no_rate_to_shape_and_direct_clients_are_few) {
  auto const with = [](std::vector<std::string> set) {
    auto const scenario = parse_scenario(smallest_scenario, "f.yaml", {.set = std::move(set)}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  EXPECT_EQ(with({"load.runs_per_second=", "load.backlog=10"}), "accepted");
  EXPECT_THAT(with({"load.backlog=10"}), HasSubstr("needs only one of"));
  EXPECT_THAT(with({"load.runs_per_second=", "load.backlog=10", "load.profile={shape: ramp, from: 1, to: 2}"}),
              HasSubstr("nothing arrives, and no rate can move"));
  EXPECT_EQ(with({"transport=direct"}), "accepted");
  EXPECT_THAT(with({"transport=direct", "coordinator.count=2"}), HasSubstr("there is no coordinator process"));
  EXPECT_THAT(with({"transport=direct", "trials=[{runners: 65, backend: memory}]"}),
              HasSubstr("65 are too many, at most 64"));
}

TEST(rules, bursts_fit_and_end) {
  auto const burst = [](std::string const& profile) {
    auto const scenario = parse_scenario(smallest_scenario, "f.yaml", {.set = {"load.profile=" + profile}}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  EXPECT_EQ(burst("{shape: burst, every: 10s, lasting: 1s, factor: 5}"), "accepted");
  EXPECT_THAT(burst("{shape: burst, every: 10s, lasting: 10s, factor: 5}"), HasSubstr("never ends"));
  EXPECT_THAT(burst("{shape: burst, every: 50s, lasting: 1s, factor: 5}"),
              HasSubstr("doesn't fit into `phases.measure`"));
  EXPECT_THAT(burst("{shape: steps, levels: [0, 0]}"), HasSubstr("no run is ever created"));
}

TEST(rules, back_off_grows_and_runs_take_time) {
  EXPECT_THAT(messages("fleet: {backoff_base: 20s}\n"), HasSubstr("above `fleet.backoff_limit`, 10s"));
  EXPECT_THAT(messages("fleet: {run_length: {mean: 0s}}\n"), HasSubstr("a mean of 0 fits shape `constant` only"));
  EXPECT_EQ(messages("fleet: {run_length: {shape: constant, mean: 0s}}\n"), "accepted");
}

TEST(rules, orchestrators_say_by_themselves_how_many_runs_they_take) {
  EXPECT_EQ(messages("fleet: {orchestrator: {}}\n"), "accepted");
  EXPECT_THAT(messages("fleet: {orchestrator: {cold_start: {from: 3s}}}\n"),
              HasSubstr("`fleet.orchestrator.cold_start` is from 3s to 2s; `from` must not be more than `to`"));
  EXPECT_THAT(messages("fleet: {runs_per_poll: 2, orchestrator: {}}\n"), HasSubstr("leave `fleet.runs_per_poll` out"));
  EXPECT_THAT(messages("fleet: {confirm_start: true, orchestrator: {}}\n"),
              HasSubstr("leave `fleet.confirm_start` out"));
  EXPECT_THAT(messages("fleet: {orchestrator: {batchs: 3}}\n"), HasSubstr("did you mean `batch`?"));
}

TEST(rules, an_objective_is_listed_once) {
  EXPECT_THAT(messages("objectives: ['claim_latency: p99 < 5s', 'claim_latency: p99<5000ms']\n"),
              HasSubstr("listed twice"));
}

TEST(rules, one_slip_is_one_message) {
  // An unreadable lease says nothing about the heartbeat.
  auto const scenario = parse_scenario(smallest_scenario + "coordinator: {lease: 1}\n", "f.yaml", {}, backends);
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().list.size(), 1U) << to_string(scenario.error());
}

TEST(deal_kinds, gives_every_stretch_of_runners_each_kind_to_within_one) {
  FleetSpec fleet;
  fleet.kinds = {{.tags = {}, .share = 3}, {.tags = {"gpu"}, .share = 1}, {.tags = {"arm"}, .share = 1}};
  auto const dealt = deal_kinds(fleet, 1000);
  std::vector<double> seen(3);
  for (std::size_t i = 0; i < dealt.size(); ++i) {
    ++seen[dealt[i]];
    double const n = static_cast<double>(i + 1);
    EXPECT_LE(std::abs(seen[0] - n * 3 / 5), 1);
    EXPECT_LE(std::abs(seen[1] - n / 5), 1);
    EXPECT_LE(std::abs(seen[2] - n / 5), 1);
  }
}

TEST(policy_rules, triggers_point_upwards_and_ids_are_unique) {
  std::string const head = "name: p\nquestion: Is it?\nrequired_runners: [50]\ntriggers:\n";
  auto const text = [&](std::string const& more) {
    auto const policy = parse_policy(head + more, "p.yaml");
    return policy ? "accepted" : to_string(policy.error());
  };
  EXPECT_EQ(text("  - {id: a, text: A, when: 'claim_latency: p99 > 5s'}\n"), "accepted");
  EXPECT_THAT(text("  - {id: a, text: A, when: 'claim_latency: p99 < 5s'}\n"),
              HasSubstr("p.yaml:5:28: a trigger is met above its bound"));
  EXPECT_THAT(
      text("  - {id: a, text: A, when: 'claim_latency: p99 > 5s'}\n  - {id: a, text: B, when: 'backlog: slope > 1'}\n"),
      HasSubstr("id `a` is used twice"));
  EXPECT_THAT(text("  - {id: a, text: A, when: 'backlog: slope > 1'}\nconsiderations:\n  - {id: b, text: B}\n"),
              HasSubstr("`considerations.0` needs one of `runners_at_least` or `need`"));
  EXPECT_THAT(text("  - {id: a, text: A, wenn: 'backlog: slope > 1'}\n"), HasSubstr("did you mean `when`?"));
}

TEST(rules, pushing_takes_what_polling_does_not_have) {
  std::string const push =
      "fleet: {heartbeat: 10s, slots: 4}\ncoordinator: {dispatch: {mode: push, picker: two_choices}}\n";
  EXPECT_EQ(messages(push), "accepted");
  EXPECT_THAT(messages("fleet: {slots: 4}\n"), HasSubstr("several slots take `coordinator.dispatch.mode: push`"));
  EXPECT_THAT(messages("coordinator: {dispatch: {fair_by_source: true}}\n"), HasSubstr("takes `mode: push`"));
  EXPECT_THAT(messages("coordinator: {dispatch: {mode: push}}\n"), HasSubstr("not less than the claim deadline, 30s"));
  EXPECT_THAT(messages("fleet: {heartbeat: 10s, runs_per_poll: 2}\ncoordinator: {dispatch: {mode: push}}\n"),
              HasSubstr("set `fleet.slots` instead"));
}

TEST(rules, embedded_coordinators_have_a_thread_and_a_runner_each) {
  std::string const two = "transport: embedded\ncoordinator: {count: 2}\n";
  EXPECT_EQ(messages(two), "accepted");
  EXPECT_EQ(messages(two + "generator_threads: 2\n"), "accepted");
  EXPECT_THAT(messages(two + "generator_threads: 3\n"), HasSubstr("`coordinator.count`, 2) has a thread"));
  EXPECT_THAT(messages("transport: embedded\ncoordinator: {count: 11}\n"),
              HasSubstr("each of the 11 coordinators needs a runner"));
  EXPECT_THAT(messages("transport: embedded\ncoordinator: {dispatch: {mode: push}}\nfleet: {heartbeat: 10s}\n"),
              HasSubstr("that takes `transport: http`"));
  EXPECT_THAT(messages(two + "faults: [{at: 1s, what: kill, whom: coordinators}]\n"),
              HasSubstr("no coordinator process"));
  EXPECT_THAT(messages("transport: direct\ncoordinator: {count: 2}\n"),
              HasSubstr("every runner has a coordinator of its own"));
}

TEST(rules, a_fault_can_be_done_to_whom_it_names_while_the_trial_runs) {
  EXPECT_EQ(messages("faults: [{at: 1s, what: kill, whom: runners, lasting: 1s, every: 10ms, number: 3}]\n"),
            "accepted");
  EXPECT_THAT(messages("faults: [{at: 1s, what: stop, whom: runners}]\n"), HasSubstr("cannot be stopped one by one"));
  EXPECT_THAT(messages("faults: [{at: 1s, what: drop, whom: store}]\n"), HasSubstr("`drop` is for runners"));
  EXPECT_THAT(messages("faults: [{at: 1s, what: kill, whom: store, number: 1}]\n"), HasSubstr("there is one store"));
  EXPECT_THAT(messages("faults: [{at: 1s, what: drop, whom: coordinators}]\n"), HasSubstr("`drop` is for runners"));
  EXPECT_EQ(messages("fleet: {orchestrator: {}}\nfaults: [{at: 1s, what: kill, whom: runners}]\n"), "accepted");
  EXPECT_THAT(messages("transport: direct\nfaults: [{at: 1s, what: drop, whom: runners}]\n"),
              HasSubstr("no connections of their own that could be cut"));
  EXPECT_THAT(messages("faults: [{at: 1h, what: kill, whom: runners}]\n"),
              HasSubstr("after the end of the measured phase"));
  EXPECT_THAT(messages("faults: [{at: 1s, what: kill, whom: coordinators, number: 2}]\n"),
              HasSubstr("the scenario has 1 of them"));
}

}  // namespace
}  // namespace assay
