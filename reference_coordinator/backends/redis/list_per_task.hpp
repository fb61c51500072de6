// The reply path per_task: a list for each run, which its waiter blocks on (BRPOP, or BLMOVE onto itself) on a
// connection that it has for itself until then. The connections are a pool; when all are taken, a wait queues for one.
// Driven by callbacks rather than coroutines: between a result and the next wait on its connection lies no turn of the
// event loop.
#pragma once

#include "reference_coordinator/backends/redis/replies.hpp"

namespace assay::redis {

class ListPerTask final : public Replies {
 public:
  ListPerTask(Executor executor, Options options) : Replies{executor, std::move(options)} {}

  void expect(RunId const& run, TimePoint deadline) override;
  void forget(RunId const& run) override;

 private:
  struct Waiter {
    explicit Waiter(Executor executor) : wake{executor} {}
    Signal wake;
    std::shared_ptr<Link> link;
    RunId run;           // that it waits for
    bool taken = false;  // or free, and waits for none
  };

  void wake_all() override;
  std::optional<Duration> left_for(RunId const& run);
  void take_next(Waiter& self);
  void ask(Waiter& self);
  void heard(Waiter& self, Link::Answers const& answers);
  Awaitable<void> connect(Waiter& self);
  Awaitable<void> be_slow(Waiter& self, Duration busy);
  void remove(RunId const& run);
  Awaitable<void> unblock(std::int64_t client);

  std::deque<RunId> queue_;  // expected, and no connection yet
  std::vector<std::unique_ptr<Waiter>> waiters_;
  std::vector<Waiter*> free_;
};

}  // namespace assay::redis
