#include "reference_coordinator/backends/postgres/pool.hpp"

#include <algorithm>

namespace assay::postgres {

Link* Pool::take_free() {
  auto const up = std::find_if(free_.rbegin(), free_.rend(), [](Link const* link) { return link->alive(); });
  if (up != free_.rend()) {
    Link* const link = *up;
    free_.erase(std::next(up).base());
    return link;
  }
  bool const one_is_up_but_busy = links_.any_alive();
  if (free_.empty() || one_is_up_but_busy) return nullptr;
  Link* const link = free_.back();  // it will say what is wrong
  free_.pop_back();
  return link;
}

void Pool::give_back(Link* link) {
  free_.push_back(link);
  // From hand to hand, so that nobody who comes just now is faster.
  while (!waiting_.empty()) {
    Link* const next = take_free();
    if (next == nullptr) return;
    waiting_.front()->link = next;
    waiting_.front()->come.notify();
    waiting_.pop_front();
  }
  if (idle_) idle_->notify();
}

Awaitable<Result<Rows>> Pool::run(Command command) {
  Batch batch;
  batch.push_back(std::move(command));
  return run(std::move(batch));
}

Awaitable<Result<Rows>> Pool::run(Batch batch) {
  Link* link = take_free();
  if (link == nullptr) {
    auto const turn = std::make_shared<Turn>(executor_);
    waiting_.push_back(turn);
    while (turn->link == nullptr) co_await turn->come.wait_until();
    link = turn->link;
  }
  Result<std::vector<Rows>> rows = co_await link->run(std::move(batch));
  give_back(link);
  if (!rows) co_return rows.error();
  co_return std::move(rows->back());
}

Awaitable<void> Pool::drained() {
  idle_ = std::make_shared<Signal>(executor_);
  while (busy_or_waiting() > 0) co_await idle_->wait_until();
}

}  // namespace assay::postgres
