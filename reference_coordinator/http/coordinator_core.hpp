// A coordinator without its sockets: an opened store, measured, with matcher, ledger and Api over it, put together in
// the order in which they need each other and stopped in the opposite one. The program serves it over HTTP
// (coordinator.hpp); a fleet may drive it in its own process (simulated_runners/direct). Easy to get wrong: whoever
// opened one must await stop() before it is destroyed, also when nothing was ever asked of it.
#pragma once

#include "reference_coordinator/claim_core/backend.hpp"
#include "reference_coordinator/http/api.hpp"
#include "reference_coordinator/http/push_desk.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace assay {

struct CoreOptions {
  StoreOptions store;
  std::filesystem::path ledger;  // empty: none
  Duration lease = seconds{60};  // cut to what the backend declares
  Duration offer{};              // ApiOptions::offer; an error of open() where it can't be
  Duration sweep_interval = seconds{1};
  int max_attempts = 3;
  Duration reply_lookup{};  // ApiOptions::reply_lookup
  bool push_runs = false;   // CoordinatorOptions
  PushOptions push;
  std::function<void(std::string const&)> complain;  // one line for a log; may be empty
};

class CoordinatorCore {
 public:
  // Opens the store. Errors are the backend's. `identities` must outlive it. Throws Failure when there can be no
  // ledger.
  static Awaitable<Result<std::unique_ptr<CoordinatorCore>>> open(asio::io_context& context, Clock const& clock,
                                                                  Backend const& backend, Identities const& identities,
                                                                  CoreOptions options);

  void start();
  // Who waits is answered, and nothing is claimed any more; await it before the last requests have ended.
  Awaitable<void> stop_matching();
  // After the last request has ended. Waits for what the store has in progress. False: the ledger isn't complete.
  Awaitable<bool> stop();

  Api& api() { return api_; }
  PushDesk* push() { return push_ ? &*push_ : nullptr; }  // nullptr: runs are not pushed
  Matcher& matcher() { return matcher_; }
  protocol::Ledger& ledger() { return ledger_; }
  StoreFacts const& facts() const { return opened_.facts; }

 private:
  CoordinatorCore(Executor executor, Clock const& clock, Backend const& backend, Identities const& identities,
                  CoreOptions const& options, OpenedStore opened, protocol::Ledger ledger);

  Awaitable<void> flush_each_second();
  void complain(std::string const& line) const;

  Executor executor_;
  Clock const& clock_;
  std::function<void(std::string const&)> complain_;
  OpenedStore opened_;  // without its store, which is in store_
  MeasuredStore store_;
  Matcher matcher_;
  protocol::Ledger ledger_;
  Api api_;
  std::optional<PushDesk> push_;
  Signal stop_flushing_, flushing_ended_;
  bool flushing_ = false;
};

}  // namespace assay
