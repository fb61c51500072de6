// The members of everything in an Assessment, listed once: writing summary.json, reading it and comparing two
// assessments all come from these lists (json_values.hpp). A member that is in the struct and not in its list does not
// compile: the number of members is counted. Adding a member means adding it here, and raising
// Assessment::schema_version once folders are in use.
#pragma once

#include "harness/assess/assessment.hpp"

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <boost/pfr/tuple_size.hpp>

#include <type_traits>

namespace assay {

// TimelinePoint is described for timeline.csv; TrialResult::timeline is the one member that is not part of
// summary.json.
// clang-format off
BOOST_DESCRIBE_STRUCT(Estimate, (), (value, low, high))
BOOST_DESCRIBE_STRUCT(LatencyFigures, (), (n, min, mean, max, p50, p90, p95, p99, p999))
BOOST_DESCRIBE_ENUM(Guard::State, passed, failed, not_available)
BOOST_DESCRIBE_STRUCT(Guard, (), (name, rule, state, measured, bound, detail))
BOOST_DESCRIBE_STRUCT(ProcessFigures, (), (available, cpu_cores_mean, cpu_cores_max, cpu_us_per_run, resident_mib_max, descriptors_max))
BOOST_DESCRIBE_STRUCT(StoreOperationFigures, (), (operation, calls, items, errors, latency, outcomes))
BOOST_DESCRIBE_STRUCT(SourceFigures, (), (source, submitted, claimed, claim_latency))
BOOST_DESCRIBE_STRUCT(BooksFigures, (), (offered, started, shed, succeeded, failed, abandoned, in_flight, balance, disturbances, sources))
BOOST_DESCRIBE_STRUCT(LedgerFigures::Breach, (), (invariant, what))
BOOST_DESCRIBE_STRUCT(LedgerFigures, (), (accepted, completed, dead, queued, in_doubt, lost, doubled, reexecuted, overlapping, orphaned, recovered, stranded, stranded_runs, breaches, unchecked))
BOOST_DESCRIBE_ENUM(ObjectiveResult::State, met, missed, undecided)
BOOST_DESCRIBE_STRUCT(ObjectiveResult, (), (text, state, measured, bound, n, reason))
BOOST_DESCRIBE_STRUCT(TimelinePoint, (), (second, offered_per_s, accepted_per_s, received_per_s, completed_per_s, parked, working,
                                          backlog, pending_writes, coordinator_cores, database_cores, generator_cores,
                                          claim_p50_ms, claim_p99_ms, phase, fault))
BOOST_DESCRIBE_STRUCT(OrchestratorFigures, (), (polls, polls_skipped, received, without_place, most_held, cold_starts, warm_starts,
                                                start_delay, limit_per_s, with_polls_per_s))
BOOST_DESCRIBE_STRUCT(TrialResult, (), (id, runners, backend, variant, transport, repeat, seed, partial, failure, measured_s,
                                        offered_per_s, accepted_per_s, completed_per_s, busy_share,
                                        claim_latency, dispatch_latency, runner_shortage, claim_latency_as_run,
                                        shortage_share, erlang_c_shortage_p99_ms,
                                        submit_latency, call_latency, report_latency, heartbeat_latency, schedule_lag,
                                        dispatcher_wait, claim_commit, response_write,
                                        failed_claims, store_figures, claims, claim_attempts, empty_polls, polls,
                                        store, store_write_latency, pending_writes_mean, pending_writes_max,
                                        pending_writes_slope_per_s, backlog_slope_per_s, stable,
                                        coordinator, database, generator,
                                        requests_per_minute, requests_per_minute_modelled, requests_per_minute_published,
                                        orchestrators, books, ledger, guards, objectives))
BOOST_DESCRIBE_STRUCT(PublishedFigure::Check, (), (trial, result))
BOOST_DESCRIBE_STRUCT(PublishedFigure, (), (says, claim, checks))
BOOST_DESCRIBE_ENUM(Decision, not_needed, consider, needed, inconclusive)
BOOST_DESCRIBE_ENUM(Reason::Finding, refuted, met, undecided, note)
BOOST_DESCRIBE_STRUCT(Reason, (), (criterion, source_text, finding, text, trials, n, figure, bound, unit))
BOOST_DESCRIBE_STRUCT(SeriesComparison, (), (series, runners, metric, statistic, unit, theirs, ours, times, n, why_not, durability, trials))
BOOST_DESCRIBE_STRUCT(Verdict::Box, (), (text, ticked, evidence))
BOOST_DESCRIBE_STRUCT(Verdict, (), (decision, headline, reasons, what_would_change_it, next_steps, acceptance, comparisons))
BOOST_DESCRIBE_STRUCT(BackendFacts, (), (name, description, durability, capabilities, facts))
BOOST_DESCRIBE_STRUCT(Assessment, (), (scenario_name, title, question, description, policy, started_utc, wall_s, time_compression,
                                       seed, partial, command, conditions, environment, needs, backends, trials, published, verdict))
// clang-format on

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public>;

template <class T>
inline constexpr std::size_t members_left_out = std::is_same_v<T, TrialResult> ? 1 : 0;  // the timeline

template <class... T>
inline constexpr bool all_members_listed = ((boost::mp11::mp_size<Members<T>>::value + members_left_out<T> ==
                                             boost::pfr::tuple_size_v<T>)&&...);

static_assert(all_members_listed<Estimate, LatencyFigures, Guard, ProcessFigures, StoreOperationFigures, SourceFigures,
                                 BooksFigures, LedgerFigures::Breach, LedgerFigures, ObjectiveResult, TimelinePoint,
                                 OrchestratorFigures, TrialResult, PublishedFigure::Check, PublishedFigure, Reason,
                                 SeriesComparison, Verdict::Box, Verdict, BackendFacts, Assessment>,
              "a member is missing from its list");

}  // namespace assay
