// Asks the coordinator for its own figures (GET /stats), over one kept connection of the harness's own, so that the
// load of the simulated runners and the questions about it don't share anything.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <boost/beast/core/flat_buffer.hpp>

namespace assay {

class StatsClient {
 public:
  StatsClient(Executor executor, asio::ip::tcp::endpoint coordinator) : socket_{executor}, coordinator_{coordinator} {}

  // Errors: unavailable (no connection), broken_protocol. One call at a time.
  Awaitable<Result<protocol::CoordinatorStats>> get();
  void close();

 private:
  Awaitable<Result<std::string>> exchange();

  TcpSocket socket_;
  asio::ip::tcp::endpoint coordinator_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace assay
