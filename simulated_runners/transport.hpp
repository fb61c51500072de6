// How a fleet's requests reach a coordinator: over HTTP (http_client.hpp), or within the process. The Fleet makes a
// Channel for each runner and for each connection of its open loops, and uses it for one request at a time. What is
// carried is the text of an HTTP request, whatever carries it, so that the code on both sides is the same one. To add a
// transport: derive from both classes. Easy to get wrong: a fate is what the sender can know, so a request that may
// have arrived and was not answered is `in_doubt`.
#pragma once

#include "harness/base/async.hpp"
#include "harness/measure/observation.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// What became of one request.
struct Exchange {
  // By status: 2xx ok, 409 conflict, other 4xx refused, 5xx unavailable; but in_doubt when the coordinator says so in
  // the error's kind, or when a 500, 502 or 504 says nothing at all. Never `empty`, which is for the runner to see.
  Fate fate = Fate::ok;
  int status = 0;                 // 0: no answer
  std::string_view body;          // valid until the caller suspends
  TimePoint started, finished;    // the call · the answer, or the end of hope
  char const* problem = nullptr;  // an answer that makes no sense (its fate is in_doubt): why
};

// The fate of a request that was answered with this.
Fate fate_of_answer(int status, std::string_view body);

class Channel {
 public:
  virtual ~Channel() = default;

  // Connects now rather than with the first exchange. Errors are the operating system's; timed_out after `timeout`.
  virtual Awaitable<boost::system::error_code> open(Duration timeout) = 0;

  // `request` is the whole text, valid until the answer; `timeout` counts from now and includes connecting.
  virtual Awaitable<Exchange> exchange(std::string_view request, Duration timeout) = 0;

  // The exchange under way, and every later one, ends as `abandoned`.
  virtual void abandon() = 0;

  // Faults. The connection is lost now; the next exchange makes another one. Nothing where there is no connection.
  virtual void cut() {}
  // The runner wants no more runs: a poll under way ends soon.
  virtual void drain() { cut(); }
  // It goes, with nothing in its hands.
  virtual void leave() { cut(); }
};

// What the channels of one generator thread share. Outlives them.
class Transport {
 public:
  Transport(Executor executor_to_use, Clock const& clock_to_use) : executor{executor_to_use}, clock{clock_to_use} {}
  virtual ~Transport() = default;

  // How many it leads to. Channels of as many consecutive places lead to different ones.
  virtual std::size_t coordinators() const { return 1; }
  // Of the runner with this number.
  virtual std::unique_ptr<Channel> make_channel(std::size_t place) = 0;
  // Of what is no runner's: submissions, heartbeats.
  virtual std::unique_ptr<Channel> make_shared_channel(std::size_t place) { return make_channel(place); }

  // Before the first channel is used and after the last one was. Nothing to do where coordinators live elsewhere.
  virtual Awaitable<Result<void>> open();
  virtual Awaitable<void> close();
  // Of the coordinators that nobody else can ask; nothing where they live elsewhere.
  virtual Awaitable<std::optional<protocol::CoordinatorStats>> stats();
  // For runner `number`, or one lane of it.
  virtual std::unique_ptr<Channel> make_runner_channel(std::size_t number, std::string const& token) {
    static_cast<void>(token);
    return make_channel(number);
  }

  Executor executor;
  Clock const& clock;
  std::uint64_t source_addresses = 1;  // that connections may come from; each has all local ports
  std::uint64_t connections_opened = 0;
  std::uint64_t requests_repeated = 0;
  std::uint64_t submissions_repeated = 0;  // by the scenario's load.retry
};

}  // namespace assay
