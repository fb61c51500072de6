#include "harness/experiment/conditions.hpp"

#include "harness/assess/block_bootstrap.hpp"
#include "harness/base/text.hpp"
#include "harness/experiment/faults.hpp"
#include "harness/experiment/trial.hpp"
#include "harness/measure/host_stats.hpp"
#include "harness/scenario/describe.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>
#include <boost/version.hpp>

#include <chrono>
#include <set>

namespace assay {

namespace {

std::string load_in_words(Scenario const& scenario) {
  auto const& load = scenario.load;
  if (load.concurrency) {
    return fmt::format("closed loop: {} callers, each waits up to {} for its run's result before it submits its next",
                       *load.concurrency, humanize(load.wait));
  }
  if (load.backlog) return fmt::format("{} runs that wait when the trial begins, none afterwards", *load.backlog);
  std::string const rate =
      load.runs_per_second ? fmt::format("{:g} runs a second", *load.runs_per_second)
                           : fmt::format("{:g} runs a minute per runner", load.runs_per_minute_per_runner.value_or(0));
  return fmt::format("{}, {} arrivals, open loop", rate,
                     load.arrivals == LoadSpec::Arrivals::poisson ? "Poisson" : "evenly spaced");
}

// As a person would write it: 30 s, 2 min.
std::string as_set(Duration d) {
  std::string const text = format_duration(d);
  auto const unit = text.find_first_not_of("0123456789");
  return fmt::format("{} {}{}", text.substr(0, unit), text.substr(unit), text.ends_with('m') ? "in" : "");
}

std::string shape_in_words(DurationDistribution const& lengths) {
  switch (lengths.shape) {
    case DurationDistribution::Shape::constant: return "constant";
    case DurationDistribution::Shape::uniform: return "uniform";
    case DurationDistribution::Shape::exponential: return "exponential";
    case DurationDistribution::Shape::lognormal: return "log-normal";
  }
  return "";
}

std::string_view picker_in_words(DispatchSpec::Picker picker) {
  switch (picker) {
    case DispatchSpec::Picker::random: return "random";
    case DispatchSpec::Picker::least_loaded: return "least loaded";
    case DispatchSpec::Picker::two_choices: return "less loaded of two";
    case DispatchSpec::Picker::capability_aware: return "least capable that fits";
  }
  return "";
}

std::string classes_in_words(LoadSpec const& load) {
  std::vector<std::string> classes;
  for (auto const& one : load.classes) {
    std::string const tags = one.tags.empty() ? "no tags" : fmt::format("[{}]", fmt::join(one.tags, ", "));
    classes.push_back(fmt::format("{}, priority {} (weight {:g})", tags, one.priority, one.weight));
  }
  return fmt::format("{}", fmt::join(classes, "; "));
}

// As in the scenario: {at: 5s, what: kill}.
std::string in_flow_style(boost::json::value const& value) {
  std::vector<std::string> parts;
  if (auto const* object = value.if_object()) {
    for (auto const& [key, each] : *object)
      parts.push_back(fmt::format("{}: {}", std::string_view{key}, in_flow_style(each)));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  if (auto const* array = value.if_array()) {
    for (auto const& each : *array) parts.push_back(in_flow_style(each));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  return value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
}

std::string change_in_words(boost::json::value const& value) {
  if (value.is_double()) return fmt::format("{}", value.get_double());  // 0.8, which JSON writes as 8E-1
  return value.is_null() ? "as by default" : in_flow_style(value);
}

std::string orchestrators_in_words(OrchestratorSpec const& spec) {
  std::string text = fmt::format(
      "the runners are orchestrators: each polls every {} for up to {} runs{}, works at most {} at once and skips its "
      "poll when it holds as many; cold start {} to {}",
      as_set(spec.poll_interval), spec.batch, spec.clamp ? ", but no more than it has room for" : "",
      spec.max_concurrent, as_set(spec.cold_start.from), as_set(spec.cold_start.to));
  if (spec.warm_pool.size > 0) {
    text += fmt::format(", unless one of {} warm containers is there, of which one is made each {}",
                        spec.warm_pool.size, as_set(spec.warm_pool.refill));
  }
  return text;
}

std::string_view where_clients_are(TransportKind transport) {
  switch (transport) {
    case TransportKind::direct: return "each runner is a client of the store, within the generator's process";
    case TransportKind::embedded: return "each of the generator's threads has a coordinator, which is asked without HTTP";
    case TransportKind::http: break;
  }
  return "generator, coordinator and store are processes on one machine, connected over loopback";
}

}  // namespace

void describe(Assessment& assessment, Scenario const& scenario, std::string command) {
  assessment.scenario_name = scenario.name;
  assessment.title = scenario.title;
  assessment.question = scenario.question;
  assessment.description = scenario.description;
  assessment.policy = scenario.policy;
  assessment.needs = scenario.needs;
  assessment.seed = scenario.seed;
  assessment.time_compression = scenario.time_compression;
  assessment.command = std::move(command);
  assessment.started_utc = fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  auto const& fleet = scenario.fleet;
  auto const& phases = scenario.phases;
  auto& conditions = assessment.conditions;
  conditions.emplace_back("Load", load_in_words(scenario));
  conditions.emplace_back("Run length",
                          fmt::format("{}, mean {}", shape_in_words(fleet.run_length), as_set(fleet.run_length.mean)));
  if (scenario.time_compression != 1) {
    conditions.emplace_back(
        "Time compression",
        fmt::format("arrivals and run lengths {:g}-fold; {}", scenario.time_compression,
                    fleet.orchestrator ? "poll interval and cold start with them; heartbeat as it is"
                                       : "hold and heartbeat as they are"));
  }
  if (fleet.orchestrator) {
    conditions.emplace_back("Orchestrators", orchestrators_in_words(*fleet.orchestrator));
  } else if (scenario.coordinator.dispatch.mode == DispatchSpec::Mode::pull) {
    conditions.emplace_back("Long poll", fmt::format("held up to {}, asked again at once", as_set(fleet.hold)));
  }
  conditions.emplace_back("Heartbeat", fmt::format("every {} per runner", as_set(fleet.heartbeat)));
  conditions.emplace_back("Lease",
                          fmt::format("{}, swept every {}, {} attempts at most", as_set(scenario.coordinator.lease),
                                      as_set(scenario.coordinator.sweep_interval), scenario.coordinator.max_attempts));
  if (scenario.coordinator.count > 1) {
    conditions.emplace_back("Coordinators",
                            fmt::format("{} over one store; CPU cores of coordinator processes are those of one",
                                        scenario.coordinator.count));
  }
  if (scenario.coordinator.offer > Duration{0}) {
    conditions.emplace_back("Offer", fmt::format("{} until a runner says that it has its run; then the whole lease",
                                                 as_set(scenario.coordinator.offer)));
  }
  auto const& dispatch = scenario.coordinator.dispatch;
  if (dispatch.mode == DispatchSpec::Mode::push) {
    conditions.emplace_back(
        "Dispatch", fmt::format("pushed over WebSockets, picker {}, {} {} at once per runner, claim deadline {}{}",
                                picker_in_words(dispatch.picker), fleet.slots, fleet.slots == 1 ? "run" : "runs",
                                as_set(dispatch.claim_deadline),
                                dispatch.fair_by_source ? ", the same runner time for each source" : ""));
  }
  if (!dispatch.fenced) conditions.emplace_back("Fencing", "none: every report is believed");
  if (scenario.load.retry.tries > 1) {
    conditions.emplace_back("Retries", fmt::format("submissions are tried up to {} times, at the next coordinator each",
                                                   scenario.load.retry.tries));
  }
  if (!scenario.faults.empty()) {
    std::vector<std::string> faults;
    for (auto const& fault : scenario.faults) faults.push_back(in_words(fault, fleet));
    conditions.emplace_back("Faults", fmt::format("{}", fmt::join(faults, "; ")));
  }
  conditions.emplace_back("Payload", fmt::format("{} bytes", scenario.load.payload_bytes));
  if (scenario.load.classes.size() > 1 || !scenario.load.classes.front().tags.empty()) {
    conditions.emplace_back("Kinds of runs", classes_in_words(scenario.load));
  }
  conditions.emplace_back(
      "Phases", fmt::format("warm-up {}, measured {}, drain up to {}; {}", as_set(phases.warm_up),
                            as_set(phases.measure), as_set(phases.drain),
                            scenario.repeat == 1 ? "one repeat" : fmt::format("{} repeats", scenario.repeat)));
  conditions.emplace_back(
      "Bounds",
      fmt::format("one-sided, 95 %; claim figures allow for claims that share their bad moments (resampled in "
                  "blocks of {})",
                  humanize(block_length(phases.measure, fleet.hold))));
  int const threads = generator_threads(scenario);
  conditions.emplace_back(
      "Clients and server",
      fmt::format("{}, closed population of runners, on {}; {}",
                  scenario.load.concurrency ? "closed-loop submitter"
                  : scenario.load.backlog   ? "backlog submitted beforehand"
                                            : "open-loop submitter",
                  threads == 1 ? "one thread" : fmt::format("{} threads that share nothing", threads),
                  where_clients_are(scenario.transport)));
  if (in_process(scenario.transport)) {
    conditions.emplace_back("Transport", fmt::format("{}: there is no coordinator process, and so no figure of its "
                                                     "CPU; the generator's CPU includes what the store's clients need",
                                                     name_of(scenario.transport)));
  }

  std::set<std::string> told;
  for (auto const& level : scenario.levels) {
    if (level.with.empty() || !told.insert(level.variant).second) continue;
    std::vector<std::string> changes;
    for (auto const& [key, value] : level.with)
      changes.push_back(fmt::format("{}: {}", std::string_view{key}, change_in_words(value)));
    conditions.emplace_back(fmt::format("Variant {}", level.variant), fmt::format("{}", fmt::join(changes, "; ")));
  }

  auto& environment = assessment.environment;
  auto const host = read_host_facts();
  auto const fact = [&](std::string name, auto const& value, auto const&... format) {
    if (value) environment.emplace_back(std::move(name), fmt::format(fmt::runtime(format)..., *value));
  };
  fact("kernel", host.kernel, "Linux {}");
  fact("CPU", host.cpu_model, "{}");
  fact("usable CPUs", host.usable_cpus, "{:g}");
  if (host.memory_bytes)
    environment.emplace_back("memory", fmt::format("{:.1f} GiB", static_cast<double>(*host.memory_bytes) / (1 << 30)));
  fact("descriptor limit", host.descriptors, "{}");
  if (host.ephemeral_ports)
    environment.emplace_back("ephemeral ports", fmt::format("{}", host.ephemeral_ports->count()));
  environment.emplace_back("build", fmt::format("assay {}, {}, g++ {}, Boost {}.{}", ASSAY_VERSION, ASSAY_BUILD_TYPE,
                                                __VERSION__, BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000));
}

}  // namespace assay
