// The whole coordinator, put together and run until a signal stops it: store, matcher, Api, server, ledger, each in the
// order in which they need each other, and stopped in the opposite one. Called by main.cpp, and by nobody else.
#pragma once

#include "reference_coordinator/claim_core/backend.hpp"
#include "reference_coordinator/http/push_desk.hpp"
#include "reference_coordinator/http/server.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace assay {

struct CoordinatorOptions {
  std::string backend = "memory";
  StoreOptions store;
  ServerOptions server;
  std::filesystem::path identities;
  std::filesystem::path ledger;  // empty: none
  Duration lease = seconds{60};
  Duration offer{};  // ApiOptions::offer
  Duration sweep_interval = seconds{1};
  int max_attempts = 3;
  Duration reply_lookup = seconds{1};  // ApiOptions::reply_lookup
  bool push_runs = false;              // to runners that connect for it; they may poll all the same
  PushOptions push;                    // `fenced` holds for polls, too
  Duration stop_time = seconds{10};    // for requests in progress, after the signal
};

// Calls `ready` with one line of JSON, {"listening":"127.0.0.1:43211","backend":…,"facts":{…},"capabilities":{…}}, when
// requests are taken. Returns the exit status: 0 after a signal and a complete stop. Throws Failure when it can't
// start.
int run_coordinator(Backend const& backend, CoordinatorOptions const& options,
                    std::function<void(std::string const&)> const& ready);

// {"backends":[{"name","description","missing","capabilities"}]}
std::string encode_backends(std::vector<Backend> const& backends);
// "durability: disk · wake: notified · fifo · priority · …", what is missing as "no fifo".
std::string describe(Capabilities const& capabilities);

}  // namespace assay
