#include "simulated_runners/submitter.hpp"

namespace assay {

namespace {

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
      kinds_{load, seed, writer, token},
      clock_{clock},
      journal_{journal},
      recorder_{recorder} {
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
  kinds_.write(request, item.run_class, item.id);
}

void Submitter::answered(Item const& item, Exchange const& exchange) {
  Observation observation;
  observation.operation = Operation::submit;
  observation.fate = fate_of(exchange, item.id);
  observation.intended = item.intended;
  observation.started = exchange.started;
  observation.finished = exchange.finished;
  recorder_.record(observation);
  tell(event_of_submission(observation.fate), item, exchange.finished);
}

void Submitter::shed(Item const&) { recorder_.shed(); }

void Submitter::shift(Duration by) {
  start_ += by;
  if (next_) next_->intended += by;
}

void Submitter::advance() {
  next_.reset();
  while (auto const offset = schedule_.next()) {
    Item item;
    item.intended = start_ + *offset;
    item.run_class = kinds_.draw(class_draws_);
    auto const since_start = std::chrono::duration_cast<milliseconds>(*offset);
    item.id = make_run_id(unix_ms_at_start_ + static_cast<std::uint64_t>(since_start.count()), ids_);
    if (!share_.has(arrivals_++)) continue;
    next_ = item;
    return;
  }
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
