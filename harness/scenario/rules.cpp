#include "harness/scenario/rules.hpp"

#include "harness/base/text.hpp"
#include "harness/scenario/objective.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>

namespace assay {

namespace {

class Rules {
 public:
  Rules(Node const& root, Mistakes& mistakes) : root_{root}, mistakes_{mistakes}, before_{mistakes} {}

  // A rule that `broken` breaks, about these keys, of which the first is the one to point at.
  void rule(std::initializer_list<std::string> keys, bool broken, std::string message) {
    if (!broken || std::ranges::any_of(keys, [&](std::string const& key) { return before_.touch(key); })) return;
    std::string const& path = *keys.begin();
    Node const& node = root_.nearest_at(path);
    mistakes_.add(&node == &root_ ? Place{} : node.place, path, std::move(message));
  }

 private:
  Node const& root_;
  Mistakes& mistakes_;
  Mistakes const before_;  // only those of single keys make a rule pointless
};

std::string tags_in_words(std::vector<std::string> const& tags) {
  return tags.empty() ? "no tags" : fmt::format("[{}]", fmt::join(tags, ", "));
}

bool can_run(RunnerKind const& kind, RunClass const& run_class) {
  return TagSet{kind.tags}.includes(TagSet{run_class.tags});
}

void check_matching(Scenario const& s, Rules& rules) {
  auto const& classes = s.load.classes;
  auto const& kinds = s.fleet.kinds;
  bool runnable = true;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    bool const nobody = std::ranges::none_of(kinds, [&](auto const& kind) { return can_run(kind, classes[c]); });
    rules.rule(
        {fmt::format("load.classes.{}.tags", c), "fleet.kinds"}, nobody,
        fmt::format("no kind of runner offers {}: such a run could never be claimed; add them to one of `fleet.kinds`",
                    tags_in_words(classes[c].tags)));
    runnable = runnable && !nobody;
  }
  // A class without a kind often is a kind without a class: one slip, one message.
  if (!runnable) return;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    bool const nothing =
        std::ranges::none_of(classes, [&](auto const& run_class) { return can_run(kinds[k], run_class); });
    rules.rule(
        {fmt::format("fleet.kinds.{}.tags", k), "load.classes"}, nothing,
        fmt::format("runners that offer {} can run no class of `load.classes`: they would never be given anything",
                    tags_in_words(kinds[k].tags)));
  }
  // Some kind could, but a small fleet may have no runner of it.
  if (kinds.size() == 1) return;
  std::set<int> checked;
  for (std::size_t l = 0; l < s.levels.size(); ++l) {
    if (!s.levels[l].with.empty() || !checked.insert(s.levels[l].runners).second) continue;
    auto const dealt = deal_kinds(s.fleet, s.levels[l].runners);
    std::set<std::size_t> const present{dealt.begin(), dealt.end()};
    for (std::size_t c = 0; c < classes.size(); ++c) {
      bool const absent = std::ranges::none_of(present, [&](std::size_t k) { return can_run(kinds[k], classes[c]); });
      rules.rule({fmt::format("trials.{}.runners", l), "fleet.kinds", fmt::format("load.classes.{}", c)}, absent,
                 fmt::format("with {} runners and these shares none offers {}: such a run could never be claimed",
                             s.levels[l].runners, tags_in_words(classes[c].tags)));
    }
  }
}

void check_profile(Scenario const& s, Rules& rules) {
  using Shape = LoadProfileSpec::Shape;
  auto const& p = s.load.profile;
  std::string const at = "load.profile";
  if (p.shape == Shape::burst) {
    rules.rule({at + ".lasting", at + ".every"}, p.lasting >= p.every,
               fmt::format("a burst of {} each {} never ends; `lasting` must be less than `every`",
                           format_duration(p.lasting), format_duration(p.every)));
    rules.rule({at + ".every", "phases.measure"}, p.every > s.phases.measure,
               fmt::format("a burst each {} doesn't fit into `phases.measure`, {}", format_duration(p.every),
                           format_duration(s.phases.measure)));
  }
  rules.rule({at, "phases.measure"}, mean_factor(p) <= 0, "the profile is 0 all the time: no run is ever created");
}

// Trials are told apart by these three.
std::size_t first_like(Scenario const& s, Level const& level) {
  auto const same = [&](Level const& other) {
    return other.runners == level.runners && other.backend == level.backend && other.variant == level.variant;
  };
  return static_cast<std::size_t>(std::ranges::find_if(s.levels, same) - s.levels.begin());
}

void check_variants(Scenario const& s, Rules& rules) {
  // What a report says once, for all trials.
  static std::set<std::string_view> const of_all{"name",          "title", "question",         "description",
                                                 "policy",        "needs", "trials",           "repeat",
                                                 "retry_invalid", "seed",  "time_compression", "published"};
  for (std::size_t l = 0; l < s.levels.size(); ++l) {
    auto const& level = s.levels[l];
    auto const first = first_like(s, level);
    rules.rule({fmt::format("trials.{}", l)}, first != l,
               fmt::format("{} runners on {} is trial {} already; to measure it several times, set `repeat`",
                           level.runners, level.backend, first + 1));
    rules.rule({fmt::format("trials.{}.with", l)}, !level.with.empty() && level.variant.empty(),
               "trials with changes need a name: add `variant`");
    for (auto const& change : level.with) {
      auto const key = std::string_view{change.key()}.substr(0, change.key().find('.'));
      rules.rule({fmt::format("trials.{}.with", l)}, of_all.contains(key),
                 fmt::format("`{}` is the same for all trials of a scenario", key));
    }
    auto const namesake = std::ranges::find(s.levels, level.variant, &Level::variant);
    rules.rule({fmt::format("trials.{}.with", l)}, namesake->with != level.with,
               fmt::format("the variant `{}` has other changes in trial {}; give this one another name", level.variant,
                           namesake - s.levels.begin() + 1));
  }
}

void check_transport(Scenario const& s, Rules& rules) {
  if (s.transport == TransportKind::embedded) {
    rules.rule(
        {"generator_threads", "transport", "coordinator.count"},
        s.generator_threads != 0 && s.generator_threads != s.coordinator.count,
        fmt::format("with `transport: embedded` each of the coordinators (`coordinator.count`, {}) has a thread of "
                    "the generator; leave `generator_threads` out",
                    s.coordinator.count));
    for (std::size_t l = 0; l < s.levels.size(); ++l) {
      rules.rule({fmt::format("trials.{}.runners", l), "transport", "coordinator.count"},
                 s.levels[l].runners < s.coordinator.count,
                 fmt::format("with `transport: embedded` each of the {} coordinators needs a runner on its thread",
                             s.coordinator.count));
    }
  }
  if (s.transport != TransportKind::direct) return;
  rules.rule({"coordinator.count", "transport"}, s.coordinator.count > 1,
             "with `transport: direct` there is no coordinator process: every runner has a coordinator of its own");
  for (std::size_t l = 0; l < s.levels.size(); ++l) {
    rules.rule(
        {fmt::format("trials.{}.runners", l), "transport"}, s.levels[l].runners > most_direct_runners,
        fmt::format("with `transport: direct` every runner is a client of the store, with connections of its own: "
                    "{} are too many, at most {} are allowed",
                    s.levels[l].runners, most_direct_runners));
  }
}

void check_orchestrator(Scenario const& s, Rules& rules) {
  if (!s.fleet.orchestrator) return;
  auto const& o = *s.fleet.orchestrator;
  std::string const at = "fleet.orchestrator";
  rules.rule({at + ".cold_start.from", at + ".cold_start.to"}, o.cold_start.from > o.cold_start.to,
             fmt::format("`{0}.cold_start` is from {1} to {2}; `from` must not be more than `to`", at,
                         format_duration(o.cold_start.from), format_duration(o.cold_start.to)));
  rules.rule({"fleet.runs_per_poll", at}, s.fleet.runs_per_poll != 1,
             "an orchestrator takes up to `fleet.orchestrator.batch` runs in a poll; leave `fleet.runs_per_poll` out");
  rules.rule({"fleet.confirm_start", at}, s.fleet.confirm_start,
             "an orchestrator starts what it has claimed without asking; leave `fleet.confirm_start` out");
  rules.rule({"coordinator.dispatch.mode", at}, s.coordinator.dispatch.mode == DispatchSpec::Mode::push,
             "an orchestrator polls; leave `coordinator.dispatch.mode` at `pull`");
}

void check_dispatch(Scenario const& s, Rules& rules) {
  auto const& dispatch = s.coordinator.dispatch;
  bool const push = dispatch.mode == DispatchSpec::Mode::push;
  std::string const at = "coordinator.dispatch";
  rules.rule({"fleet.slots", at + ".mode"}, s.fleet.slots > 1 && !push,
             "a runner that polls works one run after another; several slots take `coordinator.dispatch.mode: push`");
  rules.rule({"fleet.runs_per_poll", at + ".mode"}, s.fleet.runs_per_poll > 1 && push,
             "runs are pushed one by one, as slots are free; set `fleet.slots` instead");
  rules.rule({at + ".fair_by_source", at + ".mode"}, dispatch.fair_by_source && !push,
             "a coordinator that is polled gives runs to who asks; fairness by source takes `mode: push`");
  rules.rule({at + ".claim_deadline", "fleet.heartbeat"}, push && s.fleet.heartbeat >= dispatch.claim_deadline,
             fmt::format("`fleet.heartbeat` is {}, not less than the claim deadline, {}: every longer run would be "
                         "taken from its runner before its first heartbeat",
                         format_duration(s.fleet.heartbeat), format_duration(dispatch.claim_deadline)));
  rules.rule({at + ".mode", "transport"}, push && in_process(s.transport),
             "a gateway pushes over WebSockets: that takes `transport: http`");
  if (!dispatch.fair_by_source) return;
  for (std::size_t c = 0; c < s.load.classes.size(); ++c) {
    auto const& tags = s.load.classes[c].tags;
    auto const sources = std::ranges::count_if(tags, [](auto const& tag) { return tag.starts_with(source_prefix); });
    rules.rule({fmt::format("load.classes.{}.tags", c), at + ".fair_by_source"}, sources > 1,
               "a run has one source, so at most one tag `source:…`");
  }
}

void check_offer(Scenario const& s, Rules& rules) {
  Duration const offer = s.coordinator.offer;
  if (offer == Duration{0}) return;
  auto const show = format_duration;
  std::string const at = "coordinator.offer";
  rules.rule({at, "coordinator.lease"}, offer >= s.coordinator.lease,
             fmt::format("the offer is {} and `coordinator.lease` is {}: the offer must be less than the lease",
                         show(offer), show(s.coordinator.lease)));
  rules.rule({at, "coordinator.dispatch.mode"}, s.coordinator.dispatch.mode == DispatchSpec::Mode::push,
             "an offer is made to who polls; a pushed run has `coordinator.dispatch.claim_deadline`");
  rules.rule({at, "fleet.orchestrator"}, s.fleet.orchestrator.has_value(),
             "who polls again has not received its last offer; an orchestrator polls again while it works");
  rules.rule({at, "fleet.confirm_start", "fleet.heartbeat"}, !s.fleet.confirm_start && s.fleet.heartbeat >= offer,
             fmt::format("the offer is {}, and no runner says within that time that it has its run: set "
                         "`fleet.confirm_start`, or `fleet.heartbeat` (now {}) below the offer",
                         show(offer), show(s.fleet.heartbeat)));
}

void check_faults(Scenario const& s, Rules& rules) {
  for (std::size_t f = 0; f < s.faults.size(); ++f) {
    auto const& fault = s.faults[f];
    std::string const at = fmt::format("faults.{}", f);
    bool const runners = fault.whom == FaultSpec::Whom::runners;
    rules.rule({at + ".what", at + ".whom"}, runners && fault.what == FaultSpec::What::stop,
               "simulated runners share a process and cannot be stopped one by one; `drop` cuts their connections");
    rules.rule({at + ".what", "transport"}, runners && fault.what == FaultSpec::What::drop && in_process(s.transport),
               "without `transport: http` runners have no connections of their own that could be cut; `kill` or "
               "`restart` them");
    rules.rule({at + ".what", at + ".whom"}, !runners && fault.what == FaultSpec::What::drop,
               "`drop` is for runners; `restart`, `stop` or `kill` coordinators and the store");
    rules.rule({at + ".at", "phases"}, fault.at >= s.phases.warm_up + s.phases.measure,
               fmt::format("{} is after the end of the measured phase, {}", format_duration(fault.at),
                           format_duration(s.phases.warm_up + s.phases.measure)));
    bool const coordinators = fault.whom == FaultSpec::Whom::coordinators;
    rules.rule({at + ".whom", "transport"}, coordinators && in_process(s.transport),
               "without `transport: http` there is no coordinator process that this could be done to");
    rules.rule({at + ".whom", at + ".number", at + ".every"},
               fault.whom == FaultSpec::Whom::store && (fault.number != 0 || fault.every != Duration{0}),
               "there is one store: leave `number` and `every` out");
    rules.rule({at + ".number", "coordinator.count"}, coordinators && fault.number > s.coordinator.count,
               fmt::format("the scenario has {} of them (`coordinator.count`)", s.coordinator.count));
  }
}

}  // namespace

void check_rules(Scenario const& s, Node const& root, Mistakes& mistakes) {
  Rules rules{root, mistakes};
  auto const show = format_duration;
  check_transport(s, rules);
  check_offer(s, rules);
  rules.rule({"load.profile", "load.backlog"}, s.load.backlog && s.load.profile.shape != LoadProfileSpec::Shape::steady,
             "with `load.backlog` nothing arrives, and no rate can move");

  rules.rule(
      {"fleet.heartbeat", "coordinator.lease"}, s.fleet.heartbeat >= s.coordinator.lease,
      fmt::format(
          "`fleet.heartbeat` is {} and `coordinator.lease` is {}: every longer run would lose its lease; the heartbeat "
          "must be less than the lease",
          show(s.fleet.heartbeat), show(s.coordinator.lease)));
  rules.rule({"fleet.backoff_base", "fleet.backoff_limit"}, s.fleet.backoff_base > s.fleet.backoff_limit,
             fmt::format("`fleet.backoff_base` is {}, above `fleet.backoff_limit`, {}", show(s.fleet.backoff_base),
                         show(s.fleet.backoff_limit)));
  using Shape = DurationDistribution::Shape;
  rules.rule({"fleet.run_length.mean", "fleet.run_length.shape"},
             s.fleet.run_length.mean == Duration{0} && s.fleet.run_length.shape != Shape::constant,
             "a mean of 0 fits shape `constant` only");
  auto const& replies = s.coordinator.replies;
  rules.rule({"coordinator.replies.seconds"}, replies.seconds != 60 && replies.seconds != 5 && replies.seconds != 1,
             fmt::format("a result can stay for 60, 5 or 1 seconds, not {}", replies.seconds));
  if (s.load.concurrency) {
    rules.rule({"time_compression", "load.concurrency"}, s.time_compression != 1,
               "callers of a closed loop submit when they are answered: that can't be compressed; leave "
               "`time_compression` out");
    rules.rule({"load.profile", "load.concurrency"}, s.load.profile.shape != LoadProfileSpec::Shape::steady,
               "a closed loop has no rate that a profile could move; leave `load.profile` out");
  } else {
    rules.rule({"load.wait"}, s.load.wait != LoadSpec{}.wait,
               "only callers wait for results: set `load.concurrency`, too");
  }
  check_matching(s, rules);
  check_profile(s, rules);
  check_orchestrator(s, rules);
  check_dispatch(s, rules);
  check_faults(s, rules);

  check_variants(s, rules);
  for (std::size_t l = 0; l < s.levels.size(); ++l) {
    if (!s.levels[l].with.empty()) continue;  // its own scenario is checked
    auto const first = first_like(s, s.levels[l]);
    double const runs = expected_runs(s, s.levels[l].runners);
    rules.rule({"phases.measure", "load", "time_compression", fmt::format("trials.{}", l)},
               !s.load.concurrency && runs < 1 && first == l && mean_factor(s.load.profile) > 0,
               fmt::format("measuring {} with {} runners creates {:.2g} runs: there would be nothing to measure",
                           show(s.phases.measure), s.levels[l].runners, runs));
  }
  bool const trials_of_file = root.nearest_at("trials").place.flag.empty();
  for (std::size_t p = 0; trials_of_file && p < s.published.size(); ++p) {
    bool const measured =
        std::ranges::any_of(s.levels, [&](auto const& level) { return is_about(s.published[p], level); });
    rules.rule({fmt::format("published.{}", p), "trials"}, !measured,
               "no trial measures what this is about; mend its `runners`, `backend` or `variant`");
  }
  std::set<std::string> seen;
  for (std::size_t o = 0; o < s.objectives.size(); ++o) {
    rules.rule({fmt::format("objectives.{}", o)}, !seen.insert(format_objective(s.objectives[o])).second,
               "this objective is listed twice");
  }
}

void check_rules(Policy const& policy, Node const& root, Mistakes& mistakes) {
  Rules rules{root, mistakes};
  std::set<std::string> ids;
  auto const unique = [&](std::string const& path, std::string const& id) {
    rules.rule({path}, !ids.insert(id).second, fmt::format("id `{}` is used twice", id));
  };
  for (std::size_t i = 0; i < policy.triggers.size(); ++i) {
    unique(fmt::format("triggers.{}.id", i), policy.triggers[i].id);
    std::string const path = fmt::format("triggers.{}.when", i);
    auto const when = parse_objective(root.nearest_at(path).text);
    rules.rule({path}, when && when->comparison != Objective::Comparison::greater,
               "a trigger is met above its bound: write `>`");
  }
  for (std::size_t i = 0; i < policy.considerations.size(); ++i) {
    unique(fmt::format("considerations.{}.id", i), policy.considerations[i].id);
  }
}

}  // namespace assay
