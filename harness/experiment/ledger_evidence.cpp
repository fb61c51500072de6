#include "harness/experiment/ledger_evidence.hpp"

#include "harness/assess/ledger_check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

// Connections to the store come and go with its load; sockets, timers and files of one fleet would be many more. On top
// of what the scenario asks for.
constexpr std::uint64_t descriptors_that_may_come = 64;

bool declares(BackendEntry const& backend, std::string_view capability) {
  return std::any_of(backend.capabilities.begin(), backend.capabilities.end(),
                     [&](auto const& pair) { return pair.first == capability && pair.second == "yes"; });
}

std::uint64_t calls_in_flight(protocol::CoordinatorStats const& stats) {
  std::uint64_t calls = 0;
  for (std::size_t i = 0; i < store_operation_count; ++i)
    if (static_cast<StoreOperation>(i) != StoreOperation::sweep) calls += stats.store.operations[i].in_flight;
  return calls;
}

// The statistics themselves are asked for over a connection to each coordinator; sweeps go on.
std::vector<LedgerInput::Leftover> leftovers(protocol::CoordinatorStats const& stats, std::size_t coordinators) {
  std::vector<LedgerInput::Leftover> left(4);
  left[0] = {"parked polls", stats.parked_polls, 0};
  left[1] = {"connections", stats.connections, coordinators};
  left[2] = {"batches of demands in flight", stats.batches_in_flight, 0};
  left[3] = {"calls to the store", calls_in_flight(stats), 0};
  return left;
}

LedgerInput::Leftover descriptors(std::uint64_t alone, std::uint64_t left, int store_connections) {
  auto const asked_for = static_cast<std::uint64_t>(store_connections);
  return {"open files and sockets of a coordinator", left, alone + descriptors_that_may_come + asked_for};
}

// How late a sweep may come by what the coordinators say of themselves: intervals vary by a tenth, the sweep before and
// this one take their time, and the event loop may have been held up.
Duration sweep_within(CoordinatorSpec const& spec, protocol::CoordinatorStats const& stats) {
  Duration const interval = spec.sweep_interval + spec.sweep_interval / 10;
  Duration const sweep{stats.store.of(StoreOperation::sweep).latency.max()};
  return interval + 2 * sweep + Duration{stats.loop_lateness.max()} + hearing_delay;
}

// Until a run's runner is heard of.
Duration first_lease(CoordinatorSpec const& spec) {
  if (spec.dispatch.mode == DispatchSpec::Mode::push) return spec.dispatch.claim_deadline;
  return spec.offer > Duration{0} ? spec.offer : spec.lease;
}

bool disturbs_coordinators(Scenario const& scenario) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(),
                     [](FaultSpec const& fault) { return fault.whom == FaultSpec::Whom::coordinators; });
}

void not_checked(std::vector<std::string>& unchecked, std::string_view why) { unchecked.emplace_back(why); }

void allow_order(LedgerInput& input, Evidence const& evidence, std::vector<std::string>& unchecked) {
  auto const& backend = evidence.plan.backend;
  input.order.fifo = declares(backend, "fifo");
  input.order.priority = declares(backend, "priority");
  // Each runner with a client of its own asks for itself.
  bool const direct = evidence.plan.scenario->transport == TransportKind::direct;
  auto const count =
      static_cast<std::uint64_t>(direct ? evidence.plan.level.runners : evidence.plan.scenario->coordinator.count);
  input.order.tolerated_batches = count == 1 ? 0 : count;
  if (!input.order.fifo) unchecked.push_back(fmt::format("I6: {} does not declare first in, first out", backend.name));
  if (!input.order.priority) unchecked.push_back(fmt::format("I7: {} does not declare priorities", backend.name));
  auto const& scenario = *evidence.plan.scenario;
  bool const push = scenario.coordinator.dispatch.mode == DispatchSpec::Mode::push;
  if (!push || !input.order.priority) return;
  // A gateway claims for all runners of an offer at once, and its picker may send the run to one of another offer.
  if (scenario.fleet.kinds.size() > 1) {
    not_checked(unchecked,
                "I7: who gets a pushed run need not be whom it was claimed for, with several kinds of runners");
    input.order.priority = false;
  } else if (scenario.coordinator.dispatch.fair_by_source) {
    not_checked(unchecked, "I7: sources take turns before priorities count");
    input.order.priority = false;
  }
}

void allow_sweeps(LedgerInput& input, Evidence const& evidence, std::vector<std::string>& unchecked) {
  auto const& stats = evidence.final_stats;
  auto const& backend = evidence.plan.backend;
  if (!declares(backend, "leases")) return unchecked.push_back(fmt::format("I9: {} has no leases", backend.name));
  if (!stats) return not_checked(unchecked, "I9: the coordinator did not say how its sweeps went");
  if (stats->matcher.failed_sweeps > 0)
    return unchecked.push_back(fmt::format("I9: {} sweeps failed", stats->matcher.failed_sweeps));
  if (evidence.begin && evidence.begin->stats && !stats->since(*evidence.begin->stats))
    return not_checked(unchecked, "I9: a coordinator was restarted");
  input.sweep_within = sweep_within(evidence.plan.scenario->coordinator, *stats);
  input.observed_until = stats->taken_at;
}

void allow_rest(LedgerInput& input, Evidence const& evidence, std::vector<std::string>& unchecked) {
  auto const& stats = evidence.final_stats;
  if (!stats || !stats->depth) return not_checked(unchecked, "I12: the coordinator did not say what it had left");
  auto const coordinators = static_cast<std::size_t>(evidence.plan.scenario->coordinator.count);
  input.at_rest = leftovers(*stats, coordinators);
  if (evidence.descriptors_alone && evidence.descriptors_left)
    input.at_rest->emplace_back(descriptors(static_cast<std::uint64_t>(*evidence.descriptors_alone),
                                            static_cast<std::uint64_t>(*evidence.descriptors_left),
                                            evidence.plan.scenario->coordinator.store_connections));
  input.all_claims_known = stats->matcher.failed_batches + stats->matcher.failed_releases == 0 &&
                           !(evidence.begin && evidence.begin->stats && !stats->since(*evidence.begin->stats));
}

}  // namespace

bool nothing_left(protocol::CoordinatorStats const& stats, std::size_t coordinators) {
  auto const left = leftovers(stats, coordinators);
  return std::all_of(left.begin(), left.end(), [](auto const& item) { return item.count <= item.allowed; });
}

LedgerFigures ledger_of(Evidence const& evidence) {
  std::vector<CoordinatorEvent> events;
  std::optional<Error> unreadable;
  for (auto const& ledger : evidence.coordinator_ledgers) {
    auto const parsed = parse_coordinator_ledger(ledger);
    if (parsed) events.insert(events.end(), parsed->begin(), parsed->end());
    if (!parsed) unreadable = parsed.error();
  }
  auto const& scenario = *evidence.plan.scenario;
  Duration const first = first_lease(scenario.coordinator);
  LedgerInput input{.runners = evidence.events,
                    .max_attempts = scenario.coordinator.max_attempts,
                    .shortest_lease = std::min(scenario.coordinator.lease, first),
                    .longest_lease = std::max(scenario.coordinator.lease, first),
                    .classes = scenario.load.classes,
                    .kinds = scenario.fleet.kinds,
                    .kind_of_actor = evidence.kind_of_actor};
  input.coordinator = events;
  if (evidence.final_stats) input.final_depth = evidence.final_stats->depth;
  std::vector<std::string> unchecked;
  if (disturbs_coordinators(scenario)) {
    not_checked(unchecked, "I6, I7, I9, I12: coordinators were stopped or restarted on purpose");
  } else {
    allow_order(input, evidence, unchecked);
    allow_sweeps(input, evidence, unchecked);
    allow_rest(input, evidence, unchecked);
  }
  auto figures = check_ledger(input);
  figures.unchecked = std::move(unchecked);
  if (unreadable) {
    figures.breaches.push_back(
        {.invariant = "ledger", .what = "the coordinator's ledger can't be read: " + unreadable->detail});
  }
  return figures;
}

}  // namespace assay
