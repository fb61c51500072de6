// The transport of a fleet that is pushed to, and of submitters that try again: HTTP as ever, but a runner that has a
// push connection is heard over it, whoever sends for it (its lanes, its heartbeats), and a submission that failed is
// repeated with its run's id by the scenario's policy, each time at the next gateway. The code above it is the same as
// for long polls: a poll here is the wait for the next pushed run, and no request. Easy to get wrong: the fate of a
// submission is that of its last try, and its time begins with the first.
#pragma once

#include "harness/base/random.hpp"
#include "harness/scenario/scenario.hpp"
#include "simulated_runners/http_client.hpp"
#include "simulated_runners/push_socket.hpp"

#include <map>
#include <memory>

namespace assay {

class GatewayClient final : public HttpClient {
 public:
  // `slots` 0: runners poll. `seed`: of the pauses between tries.
  GatewayClient(asio::io_context& context, Clock const& clock_to_use, std::vector<asio::ip::tcp::endpoint> gateways,
                int slots, RetrySpec retry, std::uint64_t seed);

  std::unique_ptr<Channel> make_channel(std::size_t place) override;
  std::unique_ptr<Channel> make_runner_channel(std::size_t number, std::string const& token) override;

  // nullptr: this is no runner of ours with a push connection.
  PushSocket* socket_of(std::string_view token);

  RetrySpec const& retry() const { return retry_; }
  Random& random() { return random_; }

 private:
  int slots_;
  RetrySpec retry_;
  Random random_;
  std::map<std::string, std::unique_ptr<PushSocket>, std::less<>> sockets_;  // by token
};

}  // namespace assay
