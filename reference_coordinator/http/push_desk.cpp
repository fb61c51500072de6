#include "reference_coordinator/http/push_desk.hpp"

#include <fmt/format.h>
#include <boost/assert.hpp>

#include <algorithm>

namespace assay {

namespace {

constexpr Duration first_pause = milliseconds{20};
constexpr Duration longest_pause = seconds{2};
constexpr std::string_view any_source = "*";

std::vector<std::string> sources_of(TagSet const& offer) {
  std::vector<std::string> sources;
  for (auto const& tag : offer.tags()) {
    if (tag.starts_with(source_prefix)) sources.push_back(tag);
  }
  return sources;
}

// The offer narrowed to one source. Runs that name no source fit it, too.
TagSet only(TagSet const& offer, std::string const& source) {
  std::vector<std::string> tags;
  for (auto const& tag : offer.tags()) {
    if (!tag.starts_with(source_prefix) || tag == source) tags.push_back(tag);
  }
  return TagSet{std::move(tags)};
}

Awaitable<void> counted(Awaitable<void> work, std::size_t& running, Signal& drained) {
  co_await std::move(work);
  if (--running == 0) drained.notify();
}

}  // namespace

PushDesk::PushDesk(Executor executor, Clock const& clock, ClaimStore& store, Matcher& matcher,
                   protocol::CoordinatorStats& counts, PushOptions options)
    : executor_{executor},
      clock_{clock},
      store_{store},
      matcher_{matcher},
      counts_{counts},
      options_{std::move(options)},
      picker_{make_picker(options_.picker, options_.seed)},
      changed_{executor},
      drained_{executor} {
  BOOST_ASSERT(picker_ != nullptr);
}

void PushDesk::start() { spawn(dispatch()); }

void PushDesk::begin_stop() {
  stopping_ = true;
  changed_.notify();
}

Awaitable<void> PushDesk::end_stop() {
  begin_stop();
  while (running_ > 0) co_await drained_.wait_until();
}

bool PushDesk::work_may_exist() {
  nothing_ready_.clear();
  changed();
  return !stopping_ && room_.has_free_slot();
}

PushRunnerId PushDesk::join(PushLine& line, std::string name, TagSet tags, std::uint32_t slots, std::uint32_t busy) {
  PushRunnerId const runner = room_.join(std::move(name), std::move(tags), slots, busy);
  lines_.emplace(runner, &line);
  counts_.push_runners = room_.runners();
  changed();
  return runner;
}

void PushDesk::leave(PushRunnerId runner) {
  if (lines_.erase(runner) == 0) return;
  std::string cause = fmt::format("Runner {} disconnected mid-run", room_.name_of(runner));
  std::vector<ClaimRef> claims = room_.leave(runner);
  counts_.push_runners = room_.runners();
  if (!stopping_ && !claims.empty()) spawn(fail(std::move(claims), std::move(cause)));
}

void PushDesk::drain(PushRunnerId runner) { room_.drain(runner); }

void PushDesk::ended(PushRunnerId runner, RunId const& run) {
  auto const worked = room_.end(runner, run);
  if (worked && options_.fair_by_source) turns_.finished(worked->source, clock_.now() - worked->since);
  changed();
}

void PushDesk::not_sent(PushRunnerId runner, RunId const& run) {
  room_.end(runner, run);
  changed();
}

void PushDesk::changed() {
  if (!dirty_) changed_at_ = clock_.now();
  dirty_ = true;
  changed_.notify();
}

Awaitable<void> PushDesk::dispatch() {
  while (!stopping_) {
    if (!dirty_) {
      co_await changed_.wait_until();
      continue;
    }
    bool const done = co_await claim_once();
    if (done) {
      pause_ = Duration{};
    } else if (!stopping_) {
      pause_ = pause_ == Duration{} ? first_pause : std::min(2 * pause_, longest_pause);
      co_await sleep_until(clock_.now() + pause_);
    }
  }
}

// One call to the store for everybody who is free. False: it did not answer.
Awaitable<bool> PushDesk::claim_once() {
  dirty_ = false;
  TimePoint const wanted_at = changed_at_;
  std::vector<Demand> demands;
  std::vector<Asked> asked;
  std::uint32_t left = options_.max_batch;
  for (auto const& [offer, slots] : room_.free_slots()) {
    std::uint32_t const count = std::min(slots, left);
    if (count > 0) ask_for(offer, count, demands, asked);
    left -= count;
  }
  if (demands.empty()) co_return true;
  TimePoint const asked_at = clock_.now();
  counts_.dispatch_wait.record((asked_at - wanted_at).count());
  auto claims = co_await store_.claim(std::move(demands), options_.claim_deadline);
  if (!claims) {
    if (options_.on_error) options_.on_error(claims.error());
    dirty_ = true;
    co_return false;
  }
  counts_.claim_commit.record((clock_.now() - asked_at).count());
  for (Claim const& claim : *claims) {
    if (claim.demand < asked.size()) ++asked[claim.demand].got;
  }
  if (learn(asked)) changed();
  hand_out(std::move(*claims), asked_at);
  co_return true;
}

void PushDesk::ask_for(TagSet const& offer, std::uint32_t slots, std::vector<Demand>& demands,
                       std::vector<Asked>& asked) {
  auto const ask = [&](TagSet offered, std::string const& source, std::uint32_t count) {
    demands.push_back({std::move(offered), "gateway", count});
    asked.push_back({offer, source, count});
  };
  std::vector<std::string> sources;
  if (options_.fair_by_source) sources = sources_of(offer);
  if (sources.empty()) {
    std::string const source{any_source};
    if (!nothing_ready_.contains({offer, source})) ask(offer, source, slots);
    return;
  }
  std::erase_if(sources, [&](std::string const& source) { return nothing_ready_.contains({offer, source}); });
  auto const counts = turns_.share(sources.empty() ? 0 : slots, sources);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (counts[i] > 0) ask(only(offer, sources[i]), sources[i], counts[i]);
  }
}

// True: more may be ready, or somebody else's turn may find something.
bool PushDesk::learn(std::vector<Asked> const& asked) {
  bool again = false;
  for (Asked const& one : asked) {
    if (one.got == one.count) {
      again = true;
      continue;
    }
    if (options_.fair_by_source) turns_.unused(one.source, one.count - one.got);
    // An event since the question would have made us dirty, and clears this again.
    if (!dirty_) nothing_ready_.insert({one.offer, one.source});
    again = again || one.source != any_source;
  }
  return again;
}

void PushDesk::hand_out(std::vector<Claim> claims, TimePoint asked_at) {
  TimePoint const now = clock_.now();
  bool const late = options_.fenced && now >= asked_at + options_.claim_deadline;
  if (late) {
    // We stood still: whoever swept these claims may have given the runs to others.
    counts_.late_claims += claims.size();
    matcher_.give_back(std::move(claims));
    return changed();
  }
  std::vector<std::pair<std::size_t, std::size_t>> order;  // how many could take it, index
  for (std::size_t i = 0; i < claims.size(); ++i) order.emplace_back(room_.fitting(claims[i].required), i);
  std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
  std::vector<Claim> unwanted;
  for (auto const& [fitting, index] : order) {
    Claim& claim = claims[index];
    auto const runner = stopping_ ? std::nullopt : room_.pick(claim.required, *picker_);
    if (!runner) {
      unwanted.push_back(std::move(claim));  // whoever was free has left meanwhile
      continue;
    }
    room_.begin(*runner, claim.run, {claim.token, source_of(claim.required), now});
    lines_.at(*runner)->push(std::move(claim), {asked_at, now});
  }
  matcher_.give_back(std::move(unwanted));
}

Awaitable<void> PushDesk::fail(std::vector<ClaimRef> claims, std::string cause) {
  std::vector<FailedAttempt> failures;
  failures.reserve(claims.size());
  for (ClaimRef const& claim : claims) failures.push_back({claim.run, claim.token, cause});
  auto const outcomes = co_await store_.fail(std::move(failures));
  if (!outcomes && options_.on_error) options_.on_error(outcomes.error());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Result<Outcome> outcome = outcomes ? Result<Outcome>{(*outcomes)[i]} : Result<Outcome>{outcomes.error()};
    if (outcome && *outcome == Outcome::ok) ++counts_.broken_runs;
    if (options_.on_broken) options_.on_broken(claims[i], outcome, cause);
  }
}

void PushDesk::spawn(Awaitable<void> work) {
  ++running_;
  asio::co_spawn(executor_, counted(std::move(work), running_, drained_), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

}  // namespace assay
