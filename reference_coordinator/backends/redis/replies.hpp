// The receiving side of the three ways by which a result comes back to the coordinator where its submitter waits:
// per_task (a list per run, BRPOP on a pool of connections, of which each wait occupies one), pubsub (one subscription;
// what is published while it is down is gone) and shared_queue (one list and one reader per coordinator). ListStore
// sends. Also here: what is done to them on purpose (broken connections, slow readers) and the clean-up job.
#pragma once

#include "reference_coordinator/backends/redis/keys.hpp"
#include "reference_coordinator/backends/redis/link.hpp"
#include "reference_coordinator/backends/redis/list_store.hpp"
#include "reference_coordinator/claim_core/reply_path.hpp"

#include <deque>
#include <memory>
#include <unordered_map>

namespace assay::redis {

// Its coroutines keep it alive: whoever opened it may drop it without close().
class Replies : public std::enable_shared_from_this<Replies> {
 public:
  struct Options {
    Address address;
    ReplySettings settings;
    std::uint64_t coordinator = 0;
    std::size_t connections = 64;    // per_task: the pool
    std::shared_ptr<Link> commands;  // the store's: for CLIENT UNBLOCK and the clean-up
    std::shared_ptr<ReplyCounts> counts;
  };

  // Errors as Link::open.
  static Awaitable<Result<std::unique_ptr<ReplyPath>>> open(Executor executor, Options options);

  virtual ~Replies() = default;
  void listen(std::function<void(RunId const&, Reply const&)> heard) { heard_ = std::move(heard); }
  virtual void expect(RunId const& run, TimePoint deadline) { expected_.emplace(run, deadline); }
  virtual void forget(RunId const& run) { expected_.erase(run); }
  void stop();  // everything ends soon, nothing is heard any more
  Awaitable<void> until_ended();

 protected:
  static constexpr Duration pause_after_error = milliseconds{50};

  Replies(Executor executor, Options options);

  void spawn(Awaitable<void> work);
  // Hands on one reply. Returns how long its reader is busy with it.
  Duration deliver(std::string_view text);
  Duration deliver(RunId const& run, Reply const& reply);
  Awaitable<Result<std::shared_ptr<Link>>> new_link(Link::Options options);
  virtual void wake_all() = 0;

  Executor executor_;
  Options options_;
  std::unordered_map<RunId, TimePoint> expected_;
  std::vector<std::shared_ptr<Link>> links_;
  bool closing_ = false;

 private:
  void start();
  Awaitable<void> cut_now_and_then();
  Awaitable<void> clean_up_now_and_then();
  Awaitable<void> clean_up();

  std::function<void(RunId const&, Reply const&)> heard_;
  Signal stop_cutting_, stop_cleaning_, ended_;
  std::size_t running_ = 0;
};

}  // namespace assay::redis
