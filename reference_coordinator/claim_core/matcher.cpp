#include "reference_coordinator/claim_core/matcher.hpp"

#include <boost/assert.hpp>

#include <unordered_set>
#include <utility>

namespace assay {

Matcher::Matcher(Executor executor, Clock const& clock, ClaimStore& store, MatcherOptions options)
    : executor_{executor},
      clock_{clock},
      store_{store},
      options_{std::move(options)},
      dispatcher_{options_.dispatcher},
      random_{Random::stream(options_.dispatcher.seed, "sweeper")},
      changed_{executor},
      stop_sweeping_{executor},
      drained_{executor} {}

void Matcher::start() {
  spawn(match());
  spawn(sweep());
}

Awaitable<void> Matcher::stop() {
  stopping_ = true;
  answer_empty(dispatcher_.dismiss_all(), Assignment::End::stopped);
  changed_.notify();
  stop_sweeping_.notify();
  while (running_ > 0) co_await drained_.wait_until();
}

PollId Matcher::park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint deadline) {
  PollId const poll = dispatcher_.park(std::move(runner), offered, max, clock_.now(), deadline);
  held_.try_emplace(poll, executor_);
  if (stopping_) {
    dispatcher_.cancel(poll);
    settle(poll, Assignment{Assignment::End::stopped, {}, {}, {}, {}});
  } else {
    changed_.notify();
  }
  return poll;
}

Awaitable<Assignment> Matcher::answer(PollId poll) {
  Held& held = held_.at(poll);  // a reference, not an iterator: it survives rehashing while we wait
  while (!held.assignment) co_await held.answered.wait_until();
  Assignment assignment = std::move(*held.assignment);
  held_.erase(poll);
  co_return assignment;
}

void Matcher::cancel(PollId poll) {
  auto const held = held_.find(poll);
  if (held == held_.end()) return;
  if (dispatcher_.cancel(poll)) {
    settle(poll, Assignment{Assignment::End::cancelled, {}, {}, {}, {}});
  } else if (held->second.assignment->end == Assignment::End::assigned) {
    // Assigned, but answer() has not resumed yet: nobody has seen these claims.
    give_back(std::exchange(held->second.assignment->claims, {}));
    held->second.assignment->end = Assignment::End::cancelled;
  }
}

void Matcher::work_may_exist() {
  dispatcher_.work_may_exist();
  if (options_.on_work) options_.on_work();
  changed_.notify();
}

void Matcher::work_may_exist(TagSet const& required, std::uint64_t runs) {
  bool somebody_waits = dispatcher_.work_may_exist(required, runs);
  if (options_.on_work) somebody_waits = options_.on_work() || somebody_waits;
  if (!somebody_waits) report_surplus();
  changed_.notify();
}

void Matcher::submitted(std::span<RunSpec const> runs, std::span<Outcome const> outcomes) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] == Outcome::in_doubt) {
      work_may_exist();
    } else if (outcomes[i] == Outcome::ok && runs[i].delay <= Duration::zero()) {
      work_may_exist(runs[i].required);
    }
  }
}

void Matcher::give_back(std::vector<Claim> claims) {
  if (claims.empty()) return;
  if (options_.on_give_back) options_.on_give_back(claims);
  spawn(release(std::move(claims)));
}

// Notifications of one turn of the event loop arrive here as one: their runs and polls go into one batch.
Awaitable<void> Matcher::match() {
  while (!stopping_) {
    TimePoint const now = clock_.now();
    answer_empty(dispatcher_.expire(now), Assignment::End::expired);
    while (auto batch = dispatcher_.next_batch(now)) spawn(ask(std::move(*batch)));
    co_await changed_.wait_until(dispatcher_.next_event().value_or(TimePoint::max()));
  }
}

Awaitable<void> Matcher::ask(Batch batch) {
  auto claims = co_await store_.claim(std::move(batch.demands), options_.lease);
  TimePoint const now = clock_.now();
  if (claims) {
    ++counters_.batches;
    if (claims->empty()) ++counters_.empty_batches;
    counters_.claims += claims->size();
    settle_all(dispatcher_.batch_done(batch.id, std::move(*claims)), now);
  } else {
    ++counters_.failed_batches;
    report(claims.error());
    dispatcher_.batch_failed(batch.id, now);
  }
  changed_.notify();
}

void Matcher::settle_all(BatchAnswer answer, TimePoint now) {
  for (AssignedPoll& assigned : answer.assigned) {
    Assignment assignment{Assignment::End::assigned, std::move(assigned.claims), assigned.matchable_at,
                          assigned.demanded_at, now};
    settle(assigned.poll, std::move(assignment));
  }
  if (answer.surplus) report_surplus();
  give_back(std::move(answer.unwanted));
}

Awaitable<Result<std::vector<Outcome>>> Matcher::submit(std::vector<RunSpec> runs) {
  std::vector<RunSpec> told;  // what is to be known of them afterwards; the payloads go to the store
  told.reserve(runs.size());
  std::vector<Reservation> reserved;
  std::vector<Demand> demands;
  for (RunSpec const& run : runs) {
    RunSpec& copy = told.emplace_back();
    copy.id = run.id;
    copy.required = run.required;
    copy.delay = run.delay;
    if (!options_.sync_match || stopping_ || run.delay > Duration::zero()) continue;
    if (auto reservation = dispatcher_.reserve(run.required, clock_.now())) {
      demands.push_back(reservation->demand);
      reserved.push_back(std::move(*reservation));
    }
  }
  if (reserved.empty()) {
    auto outcomes = co_await store_.submit(std::move(runs));
    if (outcomes) submitted(told, *outcomes);
    if (!outcomes && outcomes.error().kind == ErrorKind::in_doubt) work_may_exist();
    co_return outcomes;
  }

  auto answer = co_await store_.submit_and_claim(std::move(runs), std::move(demands), options_.lease);
  if (!answer) {
    settle_all(dispatcher_.handed(reserved, {}), clock_.now());
    if (answer.error().kind == ErrorKind::in_doubt) work_may_exist();
    changed_.notify();
    co_return answer.error();
  }
  counters_.claims += answer->claims.size();
  counters_.handed += answer->claims.size();
  std::unordered_set<RunId> gone;
  for (Claim const& claim : answer->claims) gone.insert(claim.run);
  settle_all(dispatcher_.handed(reserved, std::move(answer->claims)), clock_.now());
  // A run that nobody was given is ready for anybody.
  std::vector<Outcome> news = answer->outcomes;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (gone.contains(told[i].id)) news[i] = Outcome::already_done;
  }
  submitted(told, news);
  changed_.notify();
  co_return std::move(answer->outcomes);
}

Awaitable<void> Matcher::release(std::vector<Claim> claims) {
  std::vector<ClaimRef> references;
  references.reserve(claims.size());
  for (Claim const& claim : claims) references.push_back({claim.run, claim.token});
  auto outcomes = co_await store_.release(std::move(references));
  if (!outcomes) {
    // Trying again would be no safer than the lease, which ends by itself.
    counters_.failed_releases += claims.size();
    report(outcomes.error());
    co_return;
  }
  for (std::size_t i = 0; i < claims.size(); ++i) {
    bool const released = (*outcomes)[i] == Outcome::ok;
    ++(released ? counters_.given_back : counters_.failed_releases);
    if (released) work_may_exist(claims[i].required);
  }
}

Awaitable<void> Matcher::sweep() {
  for (;;) {
    auto const interval = from_seconds(to_seconds(options_.sweep_interval) * (0.9 + 0.2 * random_.uniform()));
    co_await stop_sweeping_.wait_until(clock_.now() + interval);
    if (stopping_) co_return;
    bool more = true;
    while (more && !stopping_) {
      auto swept = co_await store_.sweep(options_.sweep_batch);
      if (!swept) {
        ++counters_.failed_sweeps;
        report(swept.error());
        break;
      }
      ++counters_.sweeps;
      counters_.expired_leases += swept->requeued.size() + swept->dead.size();
      counters_.dead_letters += swept->dead.size();
      std::size_t const found = swept->requeued.size() + swept->dead.size() + swept->released;
      if (found > 0 && options_.on_sweep) options_.on_sweep(*swept);
      more = found >= options_.sweep_batch;
    }
    // Whatever it found: this is also the fallback for a wake that got lost, ours or another coordinator's.
    work_may_exist();
  }
}

namespace {

Awaitable<void> counted(Awaitable<void> work, std::size_t& running, Signal& drained) {
  co_await std::move(work);
  if (--running == 0) drained.notify();
}

}  // namespace

void Matcher::spawn(Awaitable<void> work) {
  ++running_;
  asio::co_spawn(executor_, counted(std::move(work), running_, drained_), [](std::exception_ptr failure) {
    if (failure)
      std::rethrow_exception(failure);  // out of io_context::run(): operating failures are values, so this is a bug
  });
}

void Matcher::answer_empty(std::vector<PollId> const& polls, Assignment::End end) {
  for (PollId const poll : polls) settle(poll, Assignment{end, {}, {}, {}, {}});
}

void Matcher::settle(PollId poll, Assignment assignment) {
  Held& held = held_.at(poll);
  held.assignment = std::move(assignment);
  held.answered.notify();
}

void Matcher::report(Error const& error) const {
  if (options_.on_error) options_.on_error(error);
}

void Matcher::report_surplus() const {
  if (options_.on_surplus) options_.on_surplus();
}

}  // namespace assay
