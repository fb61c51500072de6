// The self-clocking matcher of runs and parked polls, as a plain class: events and times in, batches of demands out. At
// most `max_in_flight` batches are out at once; while one is, polls and events pile up, so that batches grow by
// themselves with the load and cost no latency without it. It asks the store only for what may be there: per offer it
// keeps an upper bound of the ready runs that nobody asked for, lowered by answers and raised by events. Easy to get
// wrong: an event that comes while a batch is out may or may not be in that batch's answer, so it must outlive an
// answer that says "nothing left".
#pragma once

#include "harness/base/clock.hpp"
#include "harness/base/error.hpp"
#include "harness/base/random.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/claim_core/waiting_room.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace assay {

struct Batch {
  std::uint64_t id = 0;
  std::vector<Demand> demands;  // never empty; longest-waiting first
};

struct AssignedPoll {
  PollId poll = 0;
  std::vector<Claim> claims;  // never empty
  // Since when the poll could have been asked for, had a batch been free: what it waited for before that was work. An
  // upper bound of the wait when several batches' worth of offers became askable one after the other.
  TimePoint matchable_at;
  TimePoint demanded_at;  // when the batch that brought the claims was handed out
};

struct BatchAnswer {
  std::vector<AssignedPoll> assigned;  // these polls are not parked any more
  std::vector<Claim> unwanted;         // their poll left meanwhile: to be released, then told by work_may_exist()
  bool surplus = false;                // more runs may be ready for such runners, but none of them waits here
};

// A parked poll that a run is to go to which is just being submitted.
struct Reservation {
  PollId poll = 0;
  Demand demand;  // one run
  TimePoint reserved_at;
};

class Dispatcher {
 public:
  struct Options {
    std::size_t max_batch = 256;    // runs asked for at once; not more than the backend's batch_limit
    std::size_t max_in_flight = 1;  // more than 1 gives up strict first in, first out
    Duration first_pause =
        milliseconds{20};  // after an error of the store; doubles up to longest_pause, jittered by half
    Duration longest_pause = seconds{2};
    std::uint64_t seed = 0;  // of the jitter
  };

  explicit Dispatcher(Options options);

  // Events. After any of them next_batch() may have something. A poll whose deadline has come already looks once: it is
  // asked for as soon as a batch is free, and expires when that brings it nothing, or when nothing can be there.
  PollId park(std::string runner, TagSet const& offered, std::uint32_t max, TimePoint now, TimePoint deadline);
  bool cancel(PollId poll);                   // false: not parked any more
  std::vector<PollId> expire(TimePoint now);  // the polls to be answered empty
  std::vector<PollId> dismiss_all();          // everybody, to be answered empty
  void work_may_exist();  // anything may be ready: a wake from outside, a sweep, an in-doubt submission
  // `runs` more runs of this tag set are ready. False: nobody who waits here could take one.
  bool work_may_exist(TagSet const& required, std::uint64_t runs = 1);

  // What to ask the store now; nullopt: nothing parked that could be served, enough in flight, or pausing after an
  // error. Each batch must come back once, by batch_done() or batch_failed().
  std::optional<Batch> next_batch(TimePoint now);
  BatchAnswer batch_done(std::uint64_t batch, std::vector<Claim> claims);
  void batch_failed(std::uint64_t batch, TimePoint now);

  // Sync match: the poll that waits longest for a run of this tag set, when no older run is known that it could have
  // instead; nullopt: there is none. It is in no batch meanwhile. Each must come back once, by handed(), whose claims'
  // demands are indices into `reserved`.
  std::optional<Reservation> reserve(TagSet const& required, TimePoint now);
  BatchAnswer handed(std::vector<Reservation> const& reserved, std::vector<Claim> claims);

  // When expire() or next_batch() is to be asked again even if no event comes.
  std::optional<TimePoint> next_event();

  std::size_t parked() const { return room_.parked(); }
  std::size_t in_flight() const { return in_flight_.size(); }
  bool is_parked(PollId poll) const { return room_.find(poll) != nullptr; }

 private:
  static constexpr std::uint64_t unbounded = ~std::uint64_t{0};

  struct Knowledge {                     // of one offer
    std::uint64_t possible = unbounded;  // at most so many ready runs fit that no batch in flight asks for
    std::uint64_t arrived = 0;           // runs told by work_may_exist(required), ever
    std::uint64_t unknown_events = 0;    // work_may_exist() without a tag set, ever
    bool listed = false;                 // in askable_
  };

  struct Asked {  // of one offer in one batch
    OfferId offer = 0;
    std::uint64_t demanded = 0, got = 0;
    std::uint64_t arrived_before = 0, unknown_events_before = 0;
  };

  struct BatchInFlight {
    TimePoint askable_since, demanded_at;
    std::vector<PollId> polls;  // by demand
    std::vector<std::uint32_t> counts;
    std::vector<std::uint32_t> asked_of;  // by demand: index into asked
    std::vector<Asked> asked;
  };

  void list_if_askable(OfferId offer);
  std::vector<OfferId> const& offers_that_include(TagSet const& required);
  void learn(Asked const& asked);

  Options options_;
  Random random_;
  WaitingRoom room_;
  std::vector<PollId> looking_;   // once
  std::vector<Knowledge> known_;  // by OfferId
  std::vector<OfferId>
      askable_;  // offers that may have both a waiting poll and a fitting run; verified by next_batch()
  std::unordered_map<TagSet, std::vector<OfferId>> including_;  // by required set: the offers that include it
  std::unordered_map<std::uint64_t, BatchInFlight> in_flight_;
  std::optional<TimePoint> held_up_since_;  // something is askable, but no batch may go out
  std::uint64_t next_batch_id_ = 1;
  Duration pause_{};  // the next one's length; zero: the store is fine
  TimePoint paused_until_ = TimePoint::min();
};

}  // namespace assay
