// One PostgreSQL connection on the event loop: libpq without blocking, in pipeline mode. A batch is sent at once and
// ends with one Sync, so it is one transaction; several batches may be in flight, answered in order. The backends talk
// to the server through Link (link.hpp), which keeps one of these alive. Easy to get wrong: libpq owns the descriptor,
// so Asio must release it before PQfinish; and one must go on reading while a large batch is being written, or client
// and server wait for each other.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/backends/postgres/wire.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace assay::postgres {

struct Prepared {
  std::string name;
  std::string sql;
};

struct ConnectOptions {
  std::string url;                   // anything that libpq reads: a URL or key=value pairs
  std::vector<std::string> session;  // SQL to run first, e.g. "SET synchronous_commit = off"
  std::vector<Prepared> statements;  // then prepared under their names
  // Another session notified on a channel that `session` listens to; once, too, when `session` was run, because what
  // was notified before is lost.
  std::function<void()> notified;
  Duration patience = seconds{10};         // for connecting
  Duration answer_patience = seconds{30};  // for the answer to one batch; then the connection is cut
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Errors: unavailable (not reached, refused for now), timed_out, misconfigured (bad URL, unknown database or role,
  // wrong password, a statement that does not fit the schema). A host name is resolved off the loop, because
  // getaddrinfo blocks; a list of several hosts is left to libpq, which resolves it on the loop.
  static Awaitable<Result<std::shared_ptr<Connection>>> open(Executor executor, ConnectOptions options);

  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // One Rows per command. Errors: unavailable (nothing was sent, or the server rolled it back), in_doubt (cut off after
  // sending), rejected, misconfigured, broken_protocol.
  Awaitable<Result<std::vector<Rows>>> run(Batch batch);

  bool alive() const { return handle_ != nullptr; }
  int server_version() const { return server_version_; }  // 150018
  Awaitable<void> until_broken();                         // for one waiter
  std::string const& why_broken() const { return why_broken_; }
  void close();  // what is in flight ends in doubt

 private:
  struct Pending {
    Pending(Executor executor, std::size_t commands) : answered{executor}, expected{commands} {
      rows.reserve(commands);
    }
    Signal answered;
    std::size_t expected;
    bool done = false;
    std::vector<Rows> rows;
    std::optional<Error> error;
  };

  Connection(Executor executor, Duration answer_patience, std::function<void()> notified);
  Awaitable<std::optional<Error>> connect(ConnectOptions const& options);
  Awaitable<Result<std::vector<Rows>>> answer(std::shared_ptr<Pending> pending);
  std::shared_ptr<Pending> send(Batch const& batch);
  std::shared_ptr<Pending> send(std::vector<Prepared> const& statements);
  std::shared_ptr<Pending> sync(std::size_t commands, bool queued);
  static Awaitable<void> read_loop(std::shared_ptr<Connection> self);
  void take_results();
  void take_notifications();
  void flush();
  void break_off(std::string why);

  Executor executor_;
  Duration answer_patience_;
  std::function<void()> notified_;
  PGconn* handle_ = nullptr;
  asio::posix::basic_stream_descriptor<Executor> socket_;
  bool writing_ = false;
  std::deque<std::shared_ptr<Pending>> pending_;
  Signal broken_;
  std::string why_broken_;
  int server_version_ = 0;
};

}  // namespace assay::postgres
