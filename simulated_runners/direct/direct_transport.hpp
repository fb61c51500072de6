// A fleet's requests reach the claim store within the fleet's own process. With `transport: direct` each runner is a
// client of its own, with its own coordinator (coordinator_core.hpp) over its own opened store, and one more client
// carries submissions and heartbeats; they all work on the same data, as the workers of a queue without a service in
// front of it do. With `transport: embedded`, and with a backend that serves one coordinator only, everybody on a thread
// shares one client. Made by the experiment for each generator thread. Easy to get wrong: await open() before the first
// exchange and close() after the last one.
#pragma once

#include "reference_coordinator/http/coordinator_core.hpp"
#include "simulated_runners/task_group.hpp"
#include "simulated_runners/transport.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace assay {

struct DirectOptions {
  Backend const* backend = nullptr;
  CoreOptions core;              // its ledger is made by client, and only the first client's store is `temporary`
  bool shared = false;           // one client serves everybody on this thread
  std::filesystem::path folder;  // for one ledger of each client; exists
  Identities const* identities = nullptr;
  std::size_t thread = 0;       // of the generator's, from 0: names the ledgers
  StoreFacts* facts = nullptr;  // gets what the first client's store says of itself, in open()
};

class DirectTransport final : public Transport {
 public:
  DirectTransport(asio::io_context& context, Clock const& clock_to_use, DirectOptions options);
  ~DirectTransport() override;

  std::unique_ptr<Channel> make_channel(std::size_t place) override;
  std::unique_ptr<Channel> make_shared_channel(std::size_t place) override;

  Awaitable<Result<void>> open() override;
  Awaitable<void> close() override;
  Awaitable<std::optional<protocol::CoordinatorStats>> stats() override;

 private:
  struct Client;
  class Call;
  class DirectChannel;

  Awaitable<Result<void>> open_one(std::size_t place);
  Awaitable<void> serve(std::shared_ptr<Call> call, Client& client);

  asio::io_context& context_;
  DirectOptions options_;
  std::map<std::size_t, std::unique_ptr<Client>> clients_;  // by runner's number; 0: everybody else's
};

}  // namespace assay
