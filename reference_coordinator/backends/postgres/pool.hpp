// Plain connections, handed out one at a time, to who waits longest first: for stores that run one statement per
// transaction. Easy to get wrong: a connection that is down answers at once, so that it would be free before all others
// and get all the work; it is given to somebody only when none is up.
#pragma once

#include "reference_coordinator/backends/postgres/link.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace assay::postgres {

class Pool {
 public:
  explicit Pool(Executor executor) : executor_{executor} {}

  void add(std::shared_ptr<Link> link) { free_.push_back(&links_.add(std::move(link))); }
  Awaitable<Result<Rows>> run(Command command);
  Awaitable<Result<Rows>> run(Batch batch);  // answers with what the last command answered
  std::size_t size() const { return links_.size(); }
  std::size_t busy_or_waiting() const { return links_.size() - free_.size() + waiting_.size(); }
  std::uint64_t reconnects() const { return links_.reconnects(); }
  Awaitable<void> drained();
  void close() { links_.close(); }

 private:
  struct Turn {
    explicit Turn(Executor executor) : come{executor} {}
    Signal come;
    Link* link = nullptr;
  };

  Link* take_free();  // nullptr: to be waited for
  void give_back(Link* link);

  Executor executor_;
  Links links_;
  std::vector<Link*> free_;
  std::deque<std::shared_ptr<Turn>> waiting_;
  std::shared_ptr<Signal> idle_;
};

}  // namespace assay::postgres
