#include "harness/measure/recorder.hpp"

#include <algorithm>

namespace assay {

namespace {

bool creates_a_run(Operation operation) { return operation == Operation::submit || operation == Operation::call; }

}  // namespace

Books& Books::operator+=(Books const& other) {
  offered += other.offered;
  started += other.started;
  shed += other.shed;
  succeeded += other.succeeded;
  failed += other.failed;
  abandoned += other.abandoned;
  in_flight += other.in_flight;
  return *this;
}

void OperationStats::add(OperationStats const& other) {
  for (std::size_t fate = 0; fate < fates.size(); ++fate) {
    fates[fate] += other.fates[fate];
    fates_total[fate] += other.fates_total[fate];
  }
  response.add(other.response);
  service.add(other.service);
  lag.add(other.lag);
}

Recorder::Recorder(Window measured, Keep keep) : measured_{measured}, keep_{keep} {}

void Recorder::offer(TimePoint intended) {
  ++books_.offered;
  if (measured_.contains(intended)) ++offered_while_measured_;
}

void Recorder::shed() { ++books_.shed; }

void Recorder::begin(Operation operation) {
  if (!creates_a_run(operation)) return;
  ++books_.started;
  ++books_.in_flight;
}

void Recorder::record(Observation const& observation) {
  if (creates_a_run(observation.operation)) {
    --books_.in_flight;
    switch (observation.fate) {
      case Fate::ok: ++books_.succeeded; break;
      case Fate::abandoned: ++books_.abandoned; break;
      default: ++books_.failed; break;
    }
  }
  auto& stats = operations_[static_cast<std::size_t>(observation.operation)];
  auto const fate = static_cast<std::size_t>(observation.fate);
  ++stats.fates_total[fate];
  if (!measured_.contains(observation.intended)) return;
  ++stats.fates[fate];
  if (observation.fate == Fate::empty || keep_ == Keep::counts) return;
  stats.response.record((observation.finished - observation.intended).count());
  stats.service.record((observation.finished - observation.started).count());
  stats.lag.record((observation.started - observation.intended).count());
}

Histogram Recorder::take_recent_claims() { return std::exchange(recent_claims_, Histogram{}); }

void Recorder::add(Recorder&& other) {
  books_ += other.books_;
  offered_while_measured_ += other.offered_while_measured_;
  for (std::size_t i = 0; i < operations_.size(); ++i) operations_[i].add(other.operations_[i]);
  recent_claims_.add(other.recent_claims_);
  orchestrators_.add(other.orchestrators_);
  if (events_.empty()) {
    events_ = std::move(other.events_);
    return;
  }
  events_.insert(events_.end(), other.events_.begin(), other.events_.end());
  std::stable_sort(events_.begin(), events_.end(), [](auto const& a, auto const& b) { return a.time < b.time; });
}

}  // namespace assay
