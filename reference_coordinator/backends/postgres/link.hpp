// A connection that comes back: Link keeps one Connection open, and after a break connects again, with a growing,
// jittered pause. While there is none, run() answers `unavailable` at once; the caller decides when to ask again.
#pragma once

#include "reference_coordinator/backends/postgres/connection.hpp"

#include <memory>

namespace assay::postgres {

class Link : public std::enable_shared_from_this<Link> {
 public:
  // Connects once, so that a wrong URL is told at once and not retried for ever. Errors as Connection::open.
  static Awaitable<Result<std::shared_ptr<Link>>> open(Executor executor, ConnectOptions options);

  Awaitable<Result<std::vector<Rows>>> run(Batch batch);
  Awaitable<Result<std::vector<Rows>>> run(Command command);

  bool alive() const { return connection_->alive(); }
  std::uint64_t reconnects() const { return reconnects_; }
  void close();  // no more reconnecting; what is in flight ends in doubt

 private:
  Link(Executor executor, ConnectOptions options, std::shared_ptr<Connection> connection);
  static Awaitable<void> keep_alive(std::shared_ptr<Link> self);

  Executor executor_;
  ConnectOptions options_;
  std::shared_ptr<Connection> connection_;
  Signal closing_;
  bool closed_ = false;
  std::string last_error_;
  std::uint64_t reconnects_ = 0;
};

// Closes its links with itself, so that no reconnecting outlives a store whose owner forgot close().
class Links {
 public:
  Links() = default;
  ~Links() { close(); }
  Links(Links const&) = delete;
  Links& operator=(Links const&) = delete;

  Link& add(std::shared_ptr<Link> link) { return *links_.emplace_back(std::move(link)); }
  void close();
  std::uint64_t reconnects() const;
  bool any_alive() const;
  std::size_t size() const { return links_.size(); }
  Link& operator[](std::size_t i) { return *links_[i]; }

 private:
  std::vector<std::shared_ptr<Link>> links_;
};

}  // namespace assay::postgres
