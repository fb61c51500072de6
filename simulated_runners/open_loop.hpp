// Sends requests when they are due, whatever became of the earlier ones: the open loop. Used for submissions and
// heartbeats. A pacer sleeps until the next request is due, and then hands out *everything* that is due, so that a
// timer that fires late delays, but never drops or shifts, the schedule. Each request starts on a free connection of a
// pool, which grows up to a bound; when all are busy, requests wait in order, and their wait is part of their response
// time.
//
// A Source is what to send, when:
//   using Item = …;                            // one request; small
//   std::optional<TimePoint> due();            // when the next one is due; nothing: there are no more
//   Item take();                               // that one
//   void start(Item&, std::string& request);   // it leaves now: write its text
//   void answered(Item const&, Exchange const&);
//   void shed(Item const&);                    // it was due and never started
#pragma once

#include "simulated_runners/task_group.hpp"
#include "simulated_runners/transport.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

namespace assay {

template <class Source>
class OpenLoop {
 public:
  // Workers are spawned in `tasks`. At most `most_connections` ≥ 1.
  OpenLoop(Transport& transport, TaskGroup& tasks, Source& source, std::size_t most_connections,
           Duration answer_timeout)
      : transport_{transport},
        tasks_{tasks},
        source_{source},
        most_connections_{most_connections},
        answer_timeout_{answer_timeout},
        pace_{transport.executor} {}

  // Returns when the source has no more, or after stop().
  Awaitable<void> run() {
    while (!stopping_) {
      std::optional<TimePoint> const due = source_.due();
      if (!due) co_return;
      pace_.expires_at(*due);
      [[maybe_unused]] auto [error] = co_await pace_.async_wait(as_result);
      if (!stopping_) hand_out_due(transport_.clock.now());
    }
  }

  // Sheds what is due and waits for a connection. Requests under way go on.
  void shed_waiting() {
    for (auto const& item : waiting_) source_.shed(item);
    waiting_.clear();
  }

  // Requests under way end as abandoned, waiting ones are shed, and all coroutines end soon.
  void stop() {
    stopping_ = true;
    shed_waiting();
    pace_.cancel();
    for (auto& worker : workers_) {
      worker.channel->abandon();
      worker.wake.notify();
    }
  }

 private:
  using Item = typename Source::Item;

  struct Worker {
    Worker(Transport& transport, std::size_t place)
        : channel{transport.make_shared_channel(place)}, wake{transport.executor} {}

    std::unique_ptr<Channel> channel;
    Signal wake;
    std::string request;
  };

  void hand_out_due(TimePoint now) {
    for (auto due = source_.due(); due && *due <= now; due = source_.due()) {
      waiting_.push_back(source_.take());
      wake_worker();
    }
  }

  // The worker that became free last comes first: the pool stays as small as the load allows, and its memory warm. With
  // several coordinators it is the one that has been free longest, and there is one for each: all get their share.
  void wake_worker() {
    bool const each_served = workers_.size() >= std::min(transport_.coordinators(), most_connections_);
    if (!free_.empty() && each_served) {
      bool const take_turns = transport_.coordinators() > 1;
      (take_turns ? free_.front() : free_.back())->wake.notify();
      take_turns ? free_.pop_front() : free_.pop_back();
    } else if (workers_.size() < most_connections_) {
      tasks_.spawn(work(workers_.emplace_back(transport_, workers_.size())));
    }
  }

  Awaitable<void> work(Worker& self) {
    while (!stopping_) {
      if (waiting_.empty()) {
        free_.push_back(&self);
        co_await self.wake.wait_until();
        continue;
      }
      Item item = std::move(waiting_.front());
      waiting_.pop_front();
      source_.start(item, self.request);
      Exchange const exchange = co_await self.channel->exchange(self.request, answer_timeout_);
      source_.answered(item, exchange);
      // A timer has to wait until all sockets that are ready have been served; what is due meanwhile need not.
      if (!stopping_) hand_out_due(exchange.finished);
    }
  }

  Transport& transport_;
  TaskGroup& tasks_;
  Source& source_;
  std::size_t most_connections_;
  Duration answer_timeout_;
  Timer pace_;
  std::deque<Item> waiting_;
  std::deque<Worker> workers_;  // a deque: their addresses stay
  std::deque<Worker*> free_;    // longest free first
  bool stopping_ = false;
};

}  // namespace assay
