#include "reference_coordinator/backends/redis/list_per_task.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::redis {

namespace {

constexpr std::size_t a_result = 4096;  // bytes read at a time: a thousand connections have a thousand buffers

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

void ListPerTask::expect(RunId const& run, TimePoint deadline) {
  Replies::expect(run, deadline);
  queue_.push_back(run);
  if (!free_.empty()) {
    Waiter& waiter = *free_.back();
    free_.pop_back();
    take_next(waiter);
  } else if (waiters_.size() < options_.connections) {
    waiters_.push_back(std::make_unique<Waiter>(executor_));
    take_next(*waiters_.back());
  }
}

void ListPerTask::forget(RunId const& run) {
  if (expected_.erase(run) == 0) return;  // it was answered, and nobody waits for it
  for (auto const& waiter : waiters_) {
    if (waiter->taken && waiter->run == run && waiter->link) spawn(unblock(waiter->link->client_id()));
  }
}

void ListPerTask::wake_all() {
  for (auto const& waiter : waiters_) waiter->wake.notify();
}

void ListPerTask::take_next(Waiter& self) {
  while (!queue_.empty()) {
    self.run = queue_.front();
    queue_.pop_front();
    self.taken = left_for(self.run).has_value();
    if (self.taken) return ask(self);
  }
  self.taken = false;
  free_.push_back(&self);
}

// How long its reply is still wanted, if it is.
std::optional<Duration> ListPerTask::left_for(RunId const& run) {
  auto const expected = expected_.find(run);
  if (expected == expected_.end()) return std::nullopt;
  Duration const left = expected->second - now();
  if (left > Duration::zero()) return left;
  expected_.erase(expected);
  return std::nullopt;
}

// Until the reply is here, or nobody wants it any more.
void ListPerTask::ask(Waiter& self) {
  auto const left = left_for(self.run);
  if (!left) return take_next(self);
  if (!self.link || !self.link->alive()) return spawn(connect(self));
  std::string const key = response_key(self.run), seconds = fmt::format("{:.3f}", std::max(0.001, to_seconds(*left)));
  Commands commands;
  if (options_.settings.fetch == ReplySettings::Fetch::keep) {
    commands.add({"BLMOVE", key, key, "RIGHT", "RIGHT", seconds});
  } else {
    commands.add({"BRPOP", key, seconds});
  }
  self.link->ask(commands, [this, &self](Link::Answers const& answers) { heard(self, answers); });
}

void ListPerTask::heard(Waiter& self, Link::Answers const& answers) {
  if (closing_) return;
  if (!answers || first_error(*answers)) return spawn(connect(self));
  auto const& fetched = answers->front();
  bool const popped = fetched.items.size() == 2, kept = fetched.kind == Value::Kind::text;
  if (!popped && !kept) return ask(self);  // nothing, perhaps because the run before was forgotten
  if (kept) remove(self.run);
  Duration const busy = deliver(popped ? fetched.items[1].text : fetched.text);
  if (busy > Duration::zero()) return spawn(be_slow(self, busy));
  take_next(self);
}

// A connection that broke is made again by itself. Without a server a thousand waits must not become a thousand
// attempts to connect.
Awaitable<void> ListPerTask::connect(Waiter& self) {
  bool tried = false;
  if (!self.link && options_.commands->alive()) {
    Link::Options link;
    link.address = options_.address;
    link.at_once = true;
    link.read_size = a_result;
    auto const opened = co_await new_link(std::move(link));
    tried = opened.has_value();
    if (opened) self.link = *opened;
  }
  if (!tried) co_await self.wake.wait_until(now() + pause_after_error);
  if (!closing_) ask(self);
}

Awaitable<void> ListPerTask::be_slow(Waiter& self, Duration busy) {
  co_await self.wake.wait_until(now() + busy);
  if (!closing_) take_next(self);
}

// If that fails, its time to live does it.
void ListPerTask::remove(RunId const& run) {
  Commands commands;
  commands.add({"UNLINK", response_key(run)});
  options_.commands->ask(commands, [](Link::Answers const&) {});
}

Awaitable<void> ListPerTask::unblock(std::int64_t client) {
  Commands commands;
  commands.add({"CLIENT", "UNBLOCK", std::to_string(client)});
  auto const done = co_await options_.commands->run(std::move(commands));
  static_cast<void>(done);  // then the wait ends at its time
}

}  // namespace assay::redis
