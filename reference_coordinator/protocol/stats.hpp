// What a coordinator counts about itself: the answer of /stats, read by the harness with the same code that writes it.
// The harness takes one snapshot when the measured phase starts and one when it ends; since() is what happened between.
// Values of several coordinators add up. Easy to get wrong: gauges are of the moment, so since() keeps the later ones.
// To add a value: a member, and its line in list_metrics(); JSON, Prometheus, add() and since() follow from that line.
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "harness/histogram/histogram.hpp"
#include "reference_coordinator/claim_core/matcher.hpp"
#include "reference_coordinator/claim_core/measured_store.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace assay::protocol {

struct CoordinatorStats {
  using RequestKey = std::pair<std::string, std::uint64_t>;  // "POST /runs", status; "other" for what has no route

  std::string backend;
  TimePoint taken_at{};  // monotonic clock of the coordinator's host

  // Of the moment.
  std::uint64_t uptime_ns = 0;
  std::uint64_t connections = 0;
  std::uint64_t parked_polls = 0;
  std::uint64_t waiting_submissions = 0;  // held until their run is finished
  std::uint64_t batches_in_flight = 0;    // of the dispatcher
  std::uint64_t push_runners = 0;         // connected for push
  std::uint64_t resident_bytes = 0;
  std::optional<Depth> depth;  // at most a second old; absent when the store did not say

  // Since the start.
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;    // more than allowed, or no descriptors left
  std::uint64_t connections_timed_out = 0;  // too long idle, or too slow in sending or reading
  std::map<RequestKey, std::uint64_t> requests;
  std::uint64_t empty_polls = 0;         // ended without a run: at their deadline, or because the coordinator stopped
  std::uint64_t abandoned_polls = 0;     // the peer went away while parked
  std::uint64_t replies = 0;             // waiting submissions answered with a finished run
  std::uint64_t late_waits = 0;          // … whose wait ended first
  std::uint64_t abandoned_waits = 0;     // … whose peer went away, or that the stop of the coordinator ended
  std::uint64_t broken_waits = 0;        // … whose run's runner went away in the middle (502)
  std::uint64_t delivered_claims = 0;    // written to the runner's connection
  std::uint64_t undelivered_claims = 0;  // assigned, and given back because the peer was gone
  std::uint64_t offered_again = 0;       // written to the runner's next poll, because the first answer was not received
  std::uint64_t broken_runs = 0;         // failed, because their runner's push connection ended in the middle
  std::uint64_t late_claims = 0;  // not given out, because their deadline had passed when the store's answer came
  std::uint64_t loop_stalls = 0;  // the event loop ran a timer more than 10 ms late
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
  MatcherCounters matcher;
  StoreSnapshot store;

  // Durations in nanoseconds.
  Histogram dispatch_wait;   // of assigned polls: a run may fit → asked for in a batch
  Histogram claim_commit;    // asked for → answered by the store
  Histogram response_write;  // answered by the store → handed to the kernel
  Histogram loop_lateness;   // of the event loop's own timer

  void add(CoordinatorStats const& other);
  // Without what is of the moment: what a coordinator that has ended leaves to be added to the next one's.
  CoordinatorStats counts_only() const;
  // Nothing when `earlier` can't be an earlier state of this one: the coordinator was restarted.
  std::optional<CoordinatorStats> since(CoordinatorStats const& earlier) const;
};

std::string encode(CoordinatorStats const& stats);
Result<CoordinatorStats> decode_stats(std::string_view json);

// ---- for the writers of JSON and Prometheus text

enum class MetricKind : std::uint8_t { gauge, counter, histogram };

template <bool is_const>
struct Metric {
  template <class T>
  using Pointer = std::conditional_t<is_const, T const, T>*;
  using Label = std::pair<std::string_view, std::string_view>;

  MetricKind kind;
  std::string_view name;  // one ending in _ns is in nanoseconds
  std::string_view help;
  Pointer<std::uint64_t> number = nullptr;
  Pointer<Histogram> histogram = nullptr;
  std::array<Label, 2> labels{};
};

// Every value but requests and depth, those of one name together.
std::vector<Metric<true>> list_metrics(CoordinatorStats const& stats);

}  // namespace assay::protocol
