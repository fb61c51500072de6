#include "reference_coordinator/claim_core/dispatcher.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace assay {

namespace {

// Of a poll that looks once: until the answer of the store is given up.
constexpr Duration longest_look = seconds{10};

std::uint64_t add_saturated(std::uint64_t a, std::uint64_t b) {
  return a > ~std::uint64_t{0} - b ? ~std::uint64_t{0} : a + b;
}

}  // namespace

Dispatcher::Dispatcher(Options options) : options_{options}, random_{Random::stream(options.seed, "dispatcher")} {
  BOOST_ASSERT(options_.max_batch > 0 && options_.max_in_flight > 0);
}

PollId Dispatcher::park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint now,
                        TimePoint deadline) {
  bool const looks_once = deadline <= now;
  PollId const poll = room_.park(std::move(runner), offered, max, now, looks_once ? now + longest_look : deadline);
  if (looks_once) looking_.push_back(poll);
  OfferId const offer = room_.find(poll)->offer;
  if (offer == known_.size()) {  // never seen: anything may be ready for it
    known_.emplace_back();
    for (auto& [required, offers] : including_) {
      if (offered.includes(required)) offers.push_back(offer);
    }
  }
  list_if_askable(offer);
  return poll;
}

bool Dispatcher::cancel(PollId poll) { return room_.leave(poll); }

std::vector<PollId> Dispatcher::expire(TimePoint now) {
  std::vector<PollId> expired = room_.expire(now);
  std::erase_if(looking_, [&](PollId poll) {
    ParkedPoll const* const found = room_.find(poll);
    if (found == nullptr) return true;
    bool const in_vain = found->asked || known_[found->offer].possible == 0 || now < paused_until_;
    if (!in_vain || !room_.is_waiting(poll)) return false;
    room_.leave(poll);
    expired.push_back(poll);
    return true;
  });
  return expired;
}

std::vector<PollId> Dispatcher::dismiss_all() {
  std::vector<PollId> polls = room_.everyone();
  for (PollId const poll : polls) room_.leave(poll);
  return polls;
}

void Dispatcher::work_may_exist() {
  for (OfferId offer = 0; offer < known_.size(); ++offer) {
    known_[offer].possible = unbounded;
    ++known_[offer].unknown_events;
    list_if_askable(offer);
  }
}

bool Dispatcher::work_may_exist(TagSet const& required, std::uint64_t runs) {
  bool somebody_waits = false;
  for (OfferId const offer : offers_that_include(required)) {
    known_[offer].possible = add_saturated(known_[offer].possible, runs);
    known_[offer].arrived += runs;
    list_if_askable(offer);
    somebody_waits = somebody_waits || known_[offer].listed;
  }
  return somebody_waits;
}

std::optional<Batch> Dispatcher::next_batch(TimePoint now) {
  if (askable_.empty()) return std::nullopt;
  if (in_flight_.size() >= options_.max_in_flight || now < paused_until_) {
    if (!held_up_since_) held_up_since_ = now;
    return std::nullopt;
  }
  TimePoint const askable_since = held_up_since_.value_or(now);
  held_up_since_.reset();

  // A merge of the offers' lines by place. `askable_` may hold offers whose polls left, or whose bound an answer
  // lowered, since they were listed: they drop out here.
  struct Head {
    std::uint64_t place;
    OfferId offer;
    PollId poll;
  };
  auto const younger = [](Head const& a, Head const& b) { return a.place > b.place; };
  std::vector<Head> heads;
  heads.reserve(askable_.size());
  for (OfferId const offer : askable_) {
    known_[offer].listed = false;
    if (known_[offer].possible == 0) continue;
    if (auto const poll = room_.first_waiting(offer)) heads.push_back({room_.find(*poll)->place, offer, *poll});
  }
  askable_.clear();
  std::make_heap(heads.begin(), heads.end(), younger);

  Batch batch;
  BatchInFlight out;
  std::unordered_map<OfferId, std::uint32_t> asked_index;
  std::size_t room_in_batch = options_.max_batch;
  while (!heads.empty() && room_in_batch > 0) {
    std::pop_heap(heads.begin(), heads.end(), younger);
    Head const head = heads.back();
    heads.pop_back();
    Knowledge& known = known_[head.offer];
    ParkedPoll const& poll = *room_.find(head.poll);
    auto const count =
        static_cast<std::uint32_t>(std::min({std::uint64_t{poll.max}, std::uint64_t{room_in_batch}, known.possible}));
    BOOST_ASSERT(count > 0);
    auto const [entry, first] = asked_index.try_emplace(head.offer, static_cast<std::uint32_t>(out.asked.size()));
    if (first) out.asked.push_back({head.offer, 0, 0, known.arrived, known.unknown_events});
    out.asked[entry->second].demanded += count;
    out.asked_of.push_back(entry->second);
    out.polls.push_back(head.poll);
    out.counts.push_back(count);
    batch.demands.push_back({room_.tags_of(head.offer), poll.runner, count});
    room_in_batch -= count;
    if (known.possible != unbounded) known.possible -= count;
    room_.take(head.poll);
    if (auto const next = room_.first_waiting(head.offer); next && known.possible > 0) {
      heads.push_back({room_.find(*next)->place, head.offer, *next});
      std::push_heap(heads.begin(), heads.end(), younger);
    }
  }
  for (Head const& head : heads) list_if_askable(head.offer);
  if (batch.demands.empty()) return std::nullopt;

  batch.id = next_batch_id_++;
  out.askable_since = askable_since;
  out.demanded_at = now;
  in_flight_.emplace(batch.id, std::move(out));
  return batch;
}

BatchAnswer Dispatcher::batch_done(std::uint64_t batch, std::vector<Claim> claims) {
  auto const node = in_flight_.extract(batch);
  BOOST_ASSERT(!node.empty());
  BatchInFlight& out = node.mapped();
  pause_ = Duration::zero();
  paused_until_ = TimePoint::min();

  BatchAnswer answer;
  std::vector<std::vector<Claim>> given(out.polls.size());
  for (Claim& claim : claims) {
    std::size_t const demand = claim.demand;
    // More than asked for, or for nobody, would be the store's bug: such claims are not lost either.
    bool const asked = demand < given.size() && given[demand].size() < out.counts[demand];
    if (asked) ++out.asked[out.asked_of[demand]].got;
    if (asked && room_.find(out.polls[demand]) != nullptr) {
      given[demand].push_back(std::move(claim));
    } else {
      answer.unwanted.push_back(std::move(claim));
    }
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].empty()) continue;
    TimePoint const matchable_at = std::max(room_.find(out.polls[i])->parked_at, out.askable_since);
    room_.leave(out.polls[i]);
    answer.assigned.push_back({out.polls[i], std::move(given[i]), matchable_at, out.demanded_at});
  }
  for (auto poll = out.polls.rbegin(); poll != out.polls.rend(); ++poll) room_.put_back(*poll);
  for (Asked const& asked : out.asked) {
    learn(asked);
    answer.surplus = answer.surplus || (known_[asked.offer].possible > 0 && !room_.first_waiting(asked.offer));
  }
  return answer;
}

void Dispatcher::batch_failed(std::uint64_t batch, TimePoint now) {
  auto const node = in_flight_.extract(batch);
  BOOST_ASSERT(!node.empty());
  for (auto poll = node.mapped().polls.rbegin(); poll != node.mapped().polls.rend(); ++poll) room_.put_back(*poll);
  // What it had locked may be ready for offers that a later batch found nothing for: nothing is known any more.
  work_may_exist();
  pause_ = pause_ == Duration::zero() ? options_.first_pause : std::min(2 * pause_, options_.longest_pause);
  paused_until_ = now + from_seconds(to_seconds(pause_) * (0.5 + 0.5 * random_.uniform()));
}

std::optional<Reservation> Dispatcher::reserve(TagSet const& required, TimePoint now) {
  std::optional<PollId> first;
  std::uint64_t first_place = 0;
  for (OfferId const offer : offers_that_include(required)) {
    if (known_[offer].possible > 0) continue;
    auto const poll = room_.first_waiting(offer);
    if (!poll) continue;
    std::uint64_t const place = room_.find(*poll)->place;
    if (first && first_place < place) continue;
    first = poll;
    first_place = place;
  }
  if (!first) return std::nullopt;
  ParkedPoll const& poll = *room_.find(*first);
  Reservation reservation{*first, {room_.tags_of(poll.offer), poll.runner, 1}, now};
  room_.take(*first);
  return reservation;
}

BatchAnswer Dispatcher::handed(std::vector<Reservation> const& reserved, std::vector<Claim> claims) {
  BatchAnswer answer;
  for (Claim& claim : claims) {
    Reservation const& to = reserved.at(claim.demand);
    if (room_.leave(to.poll)) {
      AssignedPoll& assigned = answer.assigned.emplace_back();
      assigned.poll = to.poll;
      assigned.claims.push_back(std::move(claim));
      assigned.matchable_at = assigned.demanded_at = to.reserved_at;
    } else {
      answer.unwanted.push_back(std::move(claim));
    }
  }
  for (auto unserved = reserved.rbegin(); unserved != reserved.rend(); ++unserved) {
    ParkedPoll const* const poll = room_.find(unserved->poll);
    if (poll == nullptr) continue;
    OfferId const offer = poll->offer;
    room_.put_back(unserved->poll);
    list_if_askable(offer);
  }
  return answer;
}

std::optional<TimePoint> Dispatcher::next_event() {
  std::optional<TimePoint> next = room_.next_deadline();
  bool const pausing = pause_ != Duration::zero() && !askable_.empty() && in_flight_.size() < options_.max_in_flight;
  if (pausing && (!next || paused_until_ < *next)) next = paused_until_;
  return next;
}

void Dispatcher::list_if_askable(OfferId offer) {
  Knowledge& known = known_[offer];
  if (known.listed || known.possible == 0 || !room_.first_waiting(offer)) return;
  known.listed = true;
  askable_.push_back(offer);
}

std::vector<OfferId> const& Dispatcher::offers_that_include(TagSet const& required) {
  auto const [entry, fresh] = including_.try_emplace(required);
  if (fresh) {
    for (OfferId offer = 0; offer < known_.size(); ++offer) {
      if (room_.tags_of(offer).includes(required)) entry->second.push_back(offer);
    }
  }
  return entry->second;
}

// Less than asked for: when the store looked, nothing more fitted. Only what was told since may be there, and it may
// also have been in this very answer; an upper bound is enough. An unknown event since leaves the bound as it is:
// unknown.
void Dispatcher::learn(Asked const& asked) {
  Knowledge& known = known_[asked.offer];
  if (asked.got < asked.demanded && known.unknown_events == asked.unknown_events_before) {
    known.possible = std::min(known.possible, known.arrived - asked.arrived_before);
  }
  list_if_askable(asked.offer);
}

}  // namespace assay
