#include "reference_coordinator/claim_core/reply_desk.hpp"

#include <algorithm>

namespace assay {

ReplyDesk::Wait::Wait(ReplyDesk& desk, RunId const& run) : desk_{desk}, run_{run}, changed_{desk.executor_} {
  desk_.waits_.emplace(run_, this);
}

ReplyDesk::Wait::~Wait() {
  auto const [first, last] = desk_.waits_.equal_range(run_);
  desk_.waits_.erase(std::find_if(first, last, [this](auto const& entry) { return entry.second == this; }));
}

Awaitable<ReplyDesk::Wait::End> ReplyDesk::Wait::until(TimePoint deadline) {
  if (!reply_ && !cause_ && !look_ && !over()) co_await changed_.wait_until(deadline);
  if (reply_) co_return End::replied;
  if (cause_) co_return End::broken;
  if (over()) co_return End::over;
  co_return std::exchange(look_, false) ? End::look : End::time;
}

void ReplyDesk::Wait::cancel() {
  over_ = true;
  changed_.notify();
}

void ReplyDesk::tell(RunId const& run, Reply const& reply) {
  auto const [first, last] = waits_.equal_range(run);
  for (auto entry = first; entry != last; ++entry) {
    if (!entry->second->reply_) entry->second->reply_ = reply;
    entry->second->changed_.notify();
  }
}

void ReplyDesk::tell_broken(RunId const& run, std::string const& cause) {
  auto const [first, last] = waits_.equal_range(run);
  for (auto entry = first; entry != last; ++entry) {
    entry->second->cause_ = cause;
    entry->second->changed_.notify();
  }
}

void ReplyDesk::look(RunId const& run) {
  auto const [first, last] = waits_.equal_range(run);
  for (auto entry = first; entry != last; ++entry) {
    entry->second->look_ = true;
    entry->second->changed_.notify();
  }
}

void ReplyDesk::stop() {
  stopped_ = true;
  for (auto const& [run, wait] : waits_) wait->changed_.notify();
}

}  // namespace assay
