#include "simulated_runners/submitter.hpp"

#include <algorithm>

namespace assay {

namespace {

// Printable and not compressible to nothing: letters from the seed.
std::string make_payload(std::size_t bytes, std::uint64_t seed) {
  auto random = Random::stream(seed, "payload");
  std::string payload(bytes, ' ');
  for (char& c : payload) c = static_cast<char>('a' + random.below(26));
  return payload;
}

// Whether the run exists now. An answer of 200 that doesn't name it proves nothing.
Fate fate_of(Exchange const& exchange, RunId const& id) {
  if (exchange.fate != Fate::ok) return exchange.fate;
  auto const answer = protocol::decode_submission_answer(exchange.body);
  return answer && answer->id == id ? Fate::ok : Fate::in_doubt;
}

}  // namespace

Submitter::Submitter(LoadSpec const& load, ArrivalSchedule schedule, Share share, std::uint64_t seed, TimePoint start,
                     std::uint64_t unix_ms_at_start, RequestWriter const& writer, std::string_view token,
                     Clock const& clock, RunJournal& journal, Recorder& recorder)
    : schedule_{std::move(schedule)},
      share_{share},
      ids_{Random::stream(seed, "run ids")},
      class_draws_{Random::stream(seed, "run classes")},
      start_{start},
      unix_ms_at_start_{unix_ms_at_start},
      clock_{clock},
      journal_{journal},
      recorder_{recorder} {
  std::string const payload = make_payload(load.payload_bytes, seed);
  double sum = 0;
  for (auto const& run_class : load.classes) {
    templates_.emplace_back(writer, token, run_class, payload);
    weights_up_to_.push_back(sum += run_class.weight);
  }
  advance();
}

Submitter::Item Submitter::take() {
  Item const item = *next_;
  recorder_.offer(item.intended);
  advance();
  return item;
}

void Submitter::start(Item const& item, std::string& request) {
  recorder_.begin(Operation::submit);
  tell(RunEvent::Kind::submitted, item, clock_.now());
  templates_[item.run_class].write(request, item.id);
}

void Submitter::answered(Item const& item, Exchange const& exchange) {
  Observation observation;
  observation.operation = Operation::submit;
  observation.fate = fate_of(exchange, item.id);
  observation.intended = item.intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  recorder_.record(observation);
  switch (observation.fate) {
    case Fate::ok: tell(RunEvent::Kind::accepted, item, exchange.finished); break;
    case Fate::in_doubt:
    case Fate::timed_out:
    case Fate::abandoned: tell(RunEvent::Kind::submit_in_doubt, item, exchange.finished); break;
    default: tell(RunEvent::Kind::submit_failed, item, exchange.finished); break;
  }
}

void Submitter::shed(Item const&) { recorder_.shed(); }

void Submitter::advance() {
  next_.reset();
  while (auto const offset = schedule_.next()) {
    Item item;
    item.intended = start_ + *offset;
    item.run_class = draw_class();
    auto const since_start = std::chrono::duration_cast<milliseconds>(*offset);
    item.id = make_run_id(unix_ms_at_start_ + static_cast<std::uint64_t>(since_start.count()), ids_);
    if (!share_.has(arrivals_++)) continue;
    next_ = item;
    return;
  }
}

std::uint32_t Submitter::draw_class() {
  if (templates_.size() == 1) return 0;
  double const at = class_draws_.uniform() * weights_up_to_.back();
  auto const found = std::upper_bound(weights_up_to_.begin(), weights_up_to_.end() - 1, at);
  return static_cast<std::uint32_t>(found - weights_up_to_.begin());
}

void Submitter::tell(RunEvent::Kind kind, Item const& item, TimePoint now) {
  RunEvent event;
  event.time = now;
  event.kind = kind;
  event.run = item.id;
  event.run_class = item.run_class;
  event.since = item.intended;
  journal_.record(event);
}

}  // namespace assay
