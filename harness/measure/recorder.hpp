// Collects what one generator thread observed. Called on the generator's own thread only, never locks, never writes a
// file: run events are kept in memory and become ledger, latencies and verdicts after the trial. An observation belongs
// to the phase that its *intended* time falls into; only those of the measured phase enter histograms. Books balance by
// construction of the calls: every offered arrival is either started or shed, every started request ends in exactly one
// Fate.
#pragma once

#include "harness/histogram/histogram.hpp"
#include "harness/measure/observation.hpp"
#include "harness/measure/orchestrator_record.hpp"

#include <array>
#include <vector>

namespace assay {

struct Window {
  TimePoint begin, end;
  bool contains(TimePoint t) const { return begin <= t && t < end; }
};

// Submissions of the whole trial. offered = started + shed; started = succeeded + failed + abandoned + in_flight.
struct Books {
  std::uint64_t offered = 0, started = 0, shed = 0;
  std::uint64_t succeeded = 0, failed = 0, abandoned = 0, in_flight = 0;

  bool balance() const { return offered == started + shed && started == succeeded + failed + abandoned + in_flight; }
  Books& operator+=(Books const& other);
  friend bool operator==(Books const&, Books const&) = default;
};

struct OperationStats {
  std::array<std::uint64_t, fate_count> fates{};        // measured phase
  std::array<std::uint64_t, fate_count> fates_total{};  // whole trial
  Histogram response, service, lag;                     // ns; measured phase; without empty polls

  void add(OperationStats const& other);
  friend bool operator==(OperationStats const&, OperationStats const&) = default;
};

class Recorder {
 public:
  // `counts`: books and fates only, nothing that grows. What recording costs is measured against that (tests/bench).
  enum class Keep : std::uint8_t { everything, counts };

  explicit Recorder(Window measured, Keep keep = Keep::everything);

  // When the phase turns out to lie elsewhere; before anything in it was recorded.
  void measure(Window measured) { measured_ = measured; }

  void offer(TimePoint intended);  // an arrival of the schedule came due …
  void shed();                     // … and could not be started
  // A request left; each call is followed by exactly one record() with the same operation.
  void begin(Operation operation);
  void record(Observation const& observation);
  void event(RunEvent const& event) {
    if (keep_ == Keep::everything) events_.push_back(event);
  }
  // Room for so many, so that growing never stalls the event loop that is being measured.
  void expect_events(std::size_t count) {
    if (keep_ == Keep::everything) events_.reserve(count);
  }
  // For the live display: claim latency as received so far in the last interval, reset by taking it.
  void saw_claim_latency(Duration latency) {
    if (keep_ == Keep::everything) recent_claims_.record(latency.count());
  }
  Histogram take_recent_claims();

  // Where an orchestrator writes what it did at `when`; nullptr outside of the measured phase.
  OrchestratorRecord* orchestrators_at(TimePoint when) { return measured_.contains(when) ? &orchestrators_ : nullptr; }
  OrchestratorRecord const& orchestrators() const { return orchestrators_; }

  // Both become one, as if one recorder had been told everything: counts are added, events put in the order of time.
  // The measured phase must be the same.
  void add(Recorder&& other);

  Window measured() const { return measured_; }
  Books const& books() const { return books_; }
  std::uint64_t offered_while_measured() const { return offered_while_measured_; }
  OperationStats const& operation(Operation operation) const {
    return operations_[static_cast<std::size_t>(operation)];
  }
  std::vector<RunEvent> const& events() const { return events_; }
  std::vector<RunEvent> take_events() { return std::move(events_); }

 private:
  Window measured_;
  Keep keep_;
  Books books_;
  std::uint64_t offered_while_measured_ = 0;
  std::array<OperationStats, operation_count> operations_;
  std::vector<RunEvent> events_;
  Histogram recent_claims_;
  OrchestratorRecord orchestrators_;
};

}  // namespace assay
