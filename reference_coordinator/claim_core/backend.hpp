// A backend as the rest of the program sees it: a name, what it declares, and a way to open it. The registry is written
// by CMake from the add_backend() lines; a backend whose client library is missing stays in the list with the reason.
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/claim_core/reply_path.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace assay {

struct Capabilities {
  enum class Durability : std::uint8_t { none, process, disk, replicated };
  enum class Wake : std::uint8_t { native, notified, polled };

  Durability durability = Durability::none;
  bool fifo = true;
  bool priority = true;
  bool tags = true;
  bool fenced_completion = true;
  bool release_keeps_attempt = true;
  bool delay = true;
  bool exact_depth = true;
  bool leases = true;  // a claim without news ends, and its run comes again; without: it goes with its holder
  bool lookup = true;  // knows every run it was ever given: find(), and a submission repeated is no second run
  bool several_coordinators = false;
  bool sync_match = false;   // a submission hands its run to a parked poll in the same commit (submit_and_claim)
  Wake wake = Wake::native;  // how a coordinator hears of runs that another one accepted
  std::size_t batch_limit = 1000;
  Duration longest_lease = Duration::max();  // what is asked for beyond it is cut
};

std::string_view to_string(Capabilities::Durability durability);
std::string_view to_string(Capabilities::Wake wake);

// Something that only one backend knows, given as text.
struct StoreSetting {
  std::string name;
  std::vector<std::string> values;  // allowed; the first is the default
  std::string description;          // one line
};

struct StoreOptions {
  std::string url;      // e.g. postgresql://user@host:port/database, or a file; empty for backends that keep nothing
  int connections = 0;  // 0: the backend's own default
  RetryPolicy retry;
  // How long a server may take to answer. Then its connection counts as lost, and what was asked is in doubt: the other
  // end may be gone without a word.
  Duration patience = seconds{30};
  // For measuring on somebody's server: opening fails when what the store would make is there already, and close()
  // removes it again. Backends without a server have nothing to do.
  bool temporary = false;
  std::map<std::string, std::string> settings;  // of this backend, checked by who fills them in (Backend::settings)

  std::string setting(std::string const& name, std::string fallback) const {
    auto const found = settings.find(name);
    return found == settings.end() ? std::move(fallback) : found->second;
  }
};

// What the opened store says of itself, read back from the server, for the report: "fsync" → "on", "server_version" →
// "15.18".
using StoreFacts = std::vector<std::pair<std::string, std::string>>;

// How coordinators over one store tell each other that runs wait. A hint only: a lost one costs a sweep interval.
class WakeUp {
 public:
  virtual ~WakeUp() = default;
  // `heard` is called when another coordinator has announced, or may have while we could not hear it.
  virtual void listen(std::function<void()> heard) = 0;
  // Returns at once; announcements close together are one.
  virtual void announce() = 0;
  // Nothing is heard afterwards, and nothing may be called.
  virtual Awaitable<void> close() = 0;
};

struct OpenedStore {
  std::unique_ptr<ClaimStore> store;
  std::unique_ptr<ReplyPath> replies;  // nullptr: results reach other coordinators by looking them up
  std::unique_ptr<WakeUp> wake_up;     // nullptr unless the backend's wake is `notified`
  StoreFacts facts;
};

struct Backend {
  std::string name;         // "postgres-batch"
  std::string description;  // one line
  std::string service;  // what it keeps its data in, as harness/services knows it: "postgresql", "file"; empty: nothing
  Capabilities capabilities;
  std::vector<StoreSetting> settings;
  std::string missing;  // why it can't be opened in this build ("not built: libpq missing"); empty when it can
  // Connects, creates or checks its schema. Errors: unavailable, misconfigured, rejected; each one clear line.
  std::function<Awaitable<Result<OpenedStore>>(asio::io_context&, Clock const&, StoreOptions)> open;
};

// Every backend that the project knows, in a fixed order (generated: backends/registry.cpp in the build folder).
std::vector<Backend> const& all_backends();
// nullptr when there is none of that name.
Backend const* find_backend(std::string_view name);

}  // namespace assay
