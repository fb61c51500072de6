// What the Api does with single submissions: takes the run, and holds the request until the run is finished when asked
// to.
#include "reference_coordinator/http/api.hpp"
#include "reference_coordinator/http/query.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

namespace assay {

namespace {

// A peer is watched no longer than what it waits for exists.
class Watching {
 public:
  Watching(Peer& peer, ReplyDesk::Wait& wait) : peer_{peer} {
    peer_.watch([&wait] { wait.cancel(); });
  }
  ~Watching() { peer_.unwatch(); }
  Watching(Watching const&) = delete;
  Watching& operator=(Watching const&) = delete;

 private:
  Peer& peer_;
};

// No reply is waited for longer than its submitter waits.
class Expecting {
 public:
  Expecting(ReplyPath* path, RunId const& run, TimePoint deadline) : path_{path}, run_{run} {
    if (path_ != nullptr) path_->expect(run_, deadline);
  }
  ~Expecting() {
    if (path_ != nullptr) path_->forget(run_);
  }
  Expecting(Expecting const&) = delete;
  Expecting& operator=(Expecting const&) = delete;

 private:
  ReplyPath* path_;
  RunId run_;
};

bool finished(RunState state) { return state == RunState::completed || state == RunState::dead; }

Response accepted(unsigned status, protocol::SubmissionAnswer const& answer) {
  Response response;
  response.status = status;
  response.body = protocol::encode(answer);
  return response;
}

}  // namespace

Awaitable<Response> Api::submit(Call call) {
  auto const wait = parse_submit_query(call.query);
  if (!wait) co_return error_response(400, wait.error().detail);
  auto decoded = protocol::decode_submission(call.request.body);
  if (!decoded) co_return error_response(400, decoded.error().detail);
  RunSpec run = accept(std::move(*decoded));
  if (*wait) co_return co_await submit_and_wait(call, std::move(run), **wait);
  RunId const id = run.id;
  Taken const taken = co_await take(call, std::move(run));
  if (!taken.is_known()) co_return taken.refusal;
  protocol::SubmissionAnswer const answer{id, taken.outcome};
  co_return accepted(taken.outcome == Outcome::ok ? 201 : 200, answer);
}

Awaitable<Api::Taken> Api::take(Call call, RunSpec run) {
  RunId const id = run.id;
  std::vector<RunSpec> batch;
  batch.push_back(std::move(run));
  auto const answered = co_await matcher_.submit(std::move(batch));
  Taken taken;
  taken.outcome = answered                                       ? answered->front()
                  : answered.error().kind == ErrorKind::in_doubt ? Outcome::in_doubt
                                                                 : Outcome::unavailable;
  switch (taken.outcome) {
    case Outcome::ok: note("submitted", id, std::nullopt, call.identity->name); break;
    case Outcome::already_done: break;
    case Outcome::rejected: taken.refusal = error_response(400, "the store refused this run"); break;
    case Outcome::in_doubt:
      note("in_doubt", id, std::nullopt, call.identity->name);
      taken.refusal = error_response(
          Error{ErrorKind::in_doubt, "the run may or may not have been taken: submit it again with its id"});
      break;
    default: taken.refusal = error_response(Error{ErrorKind::unavailable, "the store did not take the run"}); break;
  }
  if (!answered) taken.refusal = error_response(answered.error());
  co_return taken;
}

Awaitable<Response> Api::submit_and_wait(Call call, RunSpec run, Duration longest) {
  TimePoint const deadline = clock_.now() + longest;
  RunId const id = run.id;
  ReplyDesk::Wait wait{desk_, id};
  Watching const watching{call.peer, wait};
  Taken const taken = co_await take(call, std::move(run));
  if (!taken.is_known()) co_return taken.refusal;

  Expecting const expecting{options_.replies, id, deadline};
  protocol::SubmissionAnswer answer{id, taken.outcome};
  bool look = taken.outcome == Outcome::already_done;  // it may have been finished long ago
  for (;;) {
    if (look) {
      auto const found = co_await store_.find(id);
      // A store that can't say now may say so later; the run has been taken all the same.
      bool const known = found && *found;
      answer.state = known ? std::optional{(*found)->state} : std::nullopt;
      if (known && finished((*found)->state)) answer.result = (*found)->result;
    }
    TimePoint const now = clock_.now();
    bool const done = answer.state && finished(*answer.state);
    bool const ended = now >= deadline || wait.over();
    if (done || (ended && look)) break;
    bool const looks = options_.reply_lookup > Duration::zero() && options_.replies == nullptr;
    TimePoint const next = looks ? now + options_.reply_lookup : deadline;
    auto const end = co_await wait.until(std::min(next, deadline));
    if (end == ReplyDesk::Wait::End::replied) {
      answer.state = wait.reply().state;
      answer.result = wait.reply().result;
      look = false;
    } else if (end == ReplyDesk::Wait::End::broken) {
      ++counts_.broken_waits;
      Response response = error_response(502, "runner_failed: " + wait.cause() + "; submit the run again with its id",
                                         ErrorKind::in_doubt);
      co_return response;
    } else {
      look = true;
    }
  }
  bool const done = answer.state && finished(*answer.state);
  ++(done ? counts_.replies : wait.over() ? counts_.abandoned_waits : counts_.late_waits);
  co_return accepted(done ? 200 : 202, answer);
}

}  // namespace assay
