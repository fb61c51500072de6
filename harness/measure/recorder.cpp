#include "harness/measure/recorder.hpp"

namespace assay {

Recorder::Recorder(Window measured, Keep keep) : measured_{measured}, keep_{keep} {}

void Recorder::offer(TimePoint intended) {
  ++books_.offered;
  if (measured_.contains(intended)) ++offered_while_measured_;
}

void Recorder::shed() { ++books_.shed; }

void Recorder::begin(Operation operation) {
  if (operation != Operation::submit) return;
  ++books_.started;
  ++books_.in_flight;
}

void Recorder::record(Observation const& observation) {
  if (observation.operation == Operation::submit) {
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

}  // namespace assay
