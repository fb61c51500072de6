// One connection to Redis on the event loop, that comes back: a pipeline of commands, answered in order. What several
// callers ask for in one turn of the loop leaves in one write (for a connection that carries one question at a time:
// Options::at_once). After a break Link connects again, with a growing, jittered pause; meanwhile questions are answered
// `unavailable` at once. Easy to get wrong: commands that were written when the connection broke are `in_doubt`, those
// that still waited for the next write are not.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/backends/redis/address.hpp"
#include "reference_coordinator/backends/redis/resp.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace assay::redis {

class Link : public std::enable_shared_from_this<Link> {
 public:
  struct Options {
    Address address;
    Commands greeting;  // after each connect, e.g. SUBSCRIBE; its answers are not waited for by anybody
    // What comes without being asked for (messages of a subscription). With it, run() must not be used.
    std::function<void(Value)> pushed;
    std::function<void()> connected;         // each time, after the greeting was sent
    Duration patience = seconds{10};         // for connecting
    Duration answer_patience = seconds{35};  // for an answer; then the connection is cut. Above the longest BRPOP
    bool at_once = false;                    // write what is asked in the call that asks it, rather than a turn later
    std::size_t read_size = 64 * 1024;       // bytes at a time
  };

  using Answers = Result<std::vector<Value>>;

  // Connects once, so that a wrong URL or password is told at once and not tried for ever. Errors: misconfigured (bad
  // host name, wrong password, no such database), unavailable, timed_out, broken_protocol (this is no Redis).
  static Awaitable<Result<std::shared_ptr<Link>>> open(Executor executor, Options options);

  // One Value per command; each may be an error. Errors: unavailable (nothing was sent), in_doubt, broken_protocol.
  Awaitable<Answers> run(Commands commands);
  // The same for who has no coroutine to spare: `answered` is called once, from within the reading or the breaking of the
  // connection, or from within ask() when it is away.
  void ask(Commands const& commands, std::function<void(Answers)> answered);

  // Before each write `add` may have commands go with it, whose answers are nobody's concern; write_soon() asks for a
  // write for them alone. For what has to be told along with everything else, once for many.
  void on_write(std::function<void(Commands&)> add) { add_on_write_ = std::move(add); }
  void write_soon();

  bool alive() const { return connected_; }
  std::int64_t client_id() const { return client_id_; }  // as CLIENT UNBLOCK takes it
  std::uint64_t reconnects() const { return reconnects_; }
  std::size_t pending() const { return pending_.size(); }

  // As if the network had failed: the connection ends now and is made again after `away`.
  void cut(Duration away);
  void close();  // no more reconnecting; what is in flight ends in doubt

 private:
  using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

  struct Pending {
    std::function<void(Answers)> answered;
    std::size_t expected;
    TimePoint asked;
    std::vector<Value> values;
  };

  Link(Executor executor, Options options);
  static Awaitable<void> keep_alive(std::shared_ptr<Link> self);
  static Awaitable<void> write_loop(std::shared_ptr<Link> self, std::uint64_t connection);
  static Awaitable<void> watch(std::shared_ptr<Link> self);
  Awaitable<std::optional<Error>> connect();
  Awaitable<std::optional<Error>> reach(asio::generic::stream_protocol::endpoint endpoint);
  Awaitable<std::optional<Error>> greet();
  Awaitable<Answers> exchange_alone(Commands commands);
  Awaitable<void> read_until_broken();
  void write_now();
  void add_to_write();
  void take(Value value);
  void break_off(std::string why);
  Error away() const;

  Executor executor_;
  Options options_;
  Socket socket_;
  std::optional<Reader> reader_;
  std::string unwritten_;  // of pending_, the last `unsent_` entries
  std::size_t unsent_ = 0;
  bool write_wanted_ = false;
  std::function<void(Commands&)> add_on_write_;
  bool writing_ = false;
  std::deque<Pending> pending_;
  Signal to_write_, closing_;
  Timer deadline_;  // of connecting
  std::string why_broken_;
  std::uint64_t reconnects_ = 0;
  std::uint64_t connection_ = 0;  // counts them, so that a writer knows its own
  std::int64_t client_id_ = 0;
  TimePoint stay_away_until_ = TimePoint::min();
  bool connected_ = false;
  bool closed_ = false;
};

}  // namespace assay::redis
