#include "simulated_runners/heartbeats.hpp"

namespace assay {

std::optional<TimePoint> Heartbeats::due() const {
  if (runners_.empty()) return std::nullopt;
  auto const count = static_cast<std::int64_t>(runners_.size());
  auto const number = taken_ + 1;
  return epoch_ + interval_ * (number / count) + interval_ * (number % count) / count;
}

Heartbeats::Item Heartbeats::take() {
  Item item;
  item.intended = *due();
  item.runner = static_cast<std::size_t>(taken_++) % runners_.size();
  return item;
}

void Heartbeats::start(Item& item, std::string& request) {
  commons_.recorder.begin(Operation::heartbeat);
  auto const& runner = *runners_[item.runner];
  item.claims = runner.claims();
  commons_.writer.heartbeat(request, runner.token(), item.claims);
}

void Heartbeats::answered(Item const& item, Exchange const& exchange) {
  Observation observation;
  observation.operation = Operation::heartbeat;
  observation.fate = exchange.fate;
  observation.intended = item.intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  if (exchange.fate == Fate::ok) {
    auto const answer = protocol::decode_heartbeat_answer(exchange.body);
    if (!answer || answer->claims.size() != item.claims.size()) {
      observation.fate = Fate::in_doubt;
    } else {
      for (std::size_t i = 0; i < item.claims.size(); ++i) {
        Outcome const outcome = answer->claims[i].outcome;
        bool const lost = outcome == Outcome::stale_token || outcome == Outcome::unknown_run;
        if (lost && answer->claims[i].run == item.claims[i].run) runners_[item.runner]->lease_lost(item.claims[i]);
      }
    }
  }
  commons_.recorder.record(observation);
}

}  // namespace assay
