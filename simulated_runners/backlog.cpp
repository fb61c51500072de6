#include "simulated_runners/backlog.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

// A request may have 1 MiB; text of a run besides its payload, which is plain letters.
constexpr std::size_t most_bytes = 900 * 1024;
constexpr std::size_t bytes_of_a_run = 200;
constexpr Duration pause_after_failure = milliseconds{100};
// A full disk may be full for ever: nobody should have to wait for the whole preparation's deadline to hear of it.
constexpr int answer_timeouts_for_a_batch = 3;

bool all_taken(std::vector<protocol::SubmissionAnswer> const& answers) {
  return std::all_of(answers.begin(), answers.end(), [](auto const& answer) {
    return answer.outcome == Outcome::ok || answer.outcome == Outcome::already_done;
  });
}

}  // namespace

Backlog::Backlog(LoadSpec const& load, std::size_t runs, Share share, std::uint64_t seed, RequestWriter const& writer,
                 std::string_view token, Transport& transport, RunJournal& journal, Recorder& recorder)
    : load_{load},
      left_{runs},
      writer_{writer},
      token_{token},
      transport_{transport},
      journal_{journal},
      recorder_{recorder},
      ids_{Random::stream(seed, "backlog ids", share.index)},
      class_draws_{Random::stream(seed, "backlog classes", share.index)},
      kinds_{load, seed, writer, token},
      payload_{make_payload(load.payload_bytes, seed)},
      channel_{transport.make_shared_channel(0)} {}

Awaitable<Result<void>> Backlog::submit(Duration answer_timeout, TimePoint deadline) {
  created_ = transport_.clock.now();
  std::size_t const most =
      std::clamp<std::size_t>(most_bytes / (payload_.size() + bytes_of_a_run), 1, protocol::max_batch);
  std::string why = "stopped";
  while (left_ > 0) {
    auto const batch = next_batch(most);
    TimePoint now = transport_.clock.now();
    TimePoint const give_up = std::min(deadline, now + answer_timeouts_for_a_batch * answer_timeout);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      recorder_.offer(created_);
      recorder_.begin(Operation::submit);
      tell(RunEvent::Kind::submitted, *batch[i].id, drawn_[i], now);
    }
    std::string request;
    writer_.submit_batch(request, token_, batch);
    bool taken = false;
    bool refused = false;
    while (!taken && !refused && !stopped_ && now < give_up) {
      Exchange const answer = co_await channel_->exchange(request, answer_timeout);
      now = answer.finished;
      if (answer.fate == Fate::ok) {
        auto const outcomes = protocol::decode_submission_answers(answer.body);
        taken = outcomes && outcomes->size() == batch.size() && all_taken(*outcomes);
        why = "the store did not take every run of a batch";
      } else {
        refused = answer.fate == Fate::refused;
        why = answer.status == 0 ? "no answer" : protocol::decode_error(answer.body).detail;
      }
      if (!taken && !refused && !stopped_) co_await sleep_until(now + pause_after_failure);
    }
    Observation observation;
    observation.operation = Operation::submit;
    observation.fate = taken ? Fate::ok : refused ? Fate::refused : Fate::in_doubt;
    observation.intended = observation.started = created_;
    observation.finished = now;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      recorder_.record(observation);
      tell(taken     ? RunEvent::Kind::accepted
           : refused ? RunEvent::Kind::submit_failed
                     : RunEvent::Kind::submit_in_doubt,
           *batch[i].id, drawn_[i], now);
    }
    if (!taken) {
      co_return Error(
          refused ? ErrorKind::rejected : ErrorKind::timed_out,
          fmt::format("the backlog could not be submitted, {} runs were missing: {}", left_ + batch.size(), why));
    }
  }
  channel_->abandon();
  co_return Result<void>{};
}

void Backlog::stop() {
  stopped_ = true;
  channel_->abandon();
}

std::vector<protocol::Submission> Backlog::next_batch(std::size_t most) {
  std::vector<protocol::Submission> batch(std::min(most, left_));
  left_ -= batch.size();
  drawn_.clear();
  for (auto& submission : batch) {
    auto const& run_class = load_.classes[drawn_.emplace_back(kinds_.draw(class_draws_))];
    submission.id = make_run_id(transport_.clock.unix_ms(), ids_);
    submission.tags = TagSet{run_class.tags};
    submission.priority = run_class.priority;
    submission.payload = payload_;
  }
  return batch;
}

void Backlog::tell(RunEvent::Kind kind, RunId const& run, std::uint32_t run_class, TimePoint now) {
  RunEvent event;
  event.time = now;
  event.kind = kind;
  event.run = run;
  event.run_class = run_class;
  event.since = created_;
  journal_.record(event);
}

}  // namespace assay
