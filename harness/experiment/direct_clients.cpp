#include "harness/experiment/direct_clients.hpp"

#include "harness/experiment/coordinator_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace assay {

namespace {

Backend const& backend_named(std::string const& name) {
  Backend const* const backend = find_backend(name);
  if (backend == nullptr) throw Failure{ExitStatus::bad_input, fmt::format("there is no backend {}", name)};
  return *backend;
}

Identities identities_of(std::string const& json) {
  std::vector<std::string> mistakes;
  Identities identities = Identities::parse(json, mistakes);
  if (!mistakes.empty()) throw Failure{ExitStatus::internal_error, "identities: " + mistakes.front()};
  return identities;
}

}  // namespace

DirectClients::DirectClients(CoordinatorOptions const& options, TransportKind transport)
    : backend_{backend_named(options.backend)},
      shared_{transport == TransportKind::embedded || alone()},
      folder_{options.folder},
      identities_{identities_of(options.identities)} {
  core_.store.url = options.store_url;
  core_.store.temporary = options.temporary_store;
  // A worker asks for one thing at a time. Those who share one client take what the backend thinks right.
  int const usual = shared_ ? 0 : 1;
  core_.store.connections = options.spec.store_connections > 0 ? options.spec.store_connections : usual;
  core_.store.settings = store_settings(options.spec);
  core_.lease = options.spec.lease;
  core_.offer = options.spec.offer;
  core_.sweep_interval = options.spec.sweep_interval;
  core_.max_attempts = options.spec.max_attempts;
  bool const several = shared_ ? options.spec.count > 1 : true;
  if (several) core_.reply_lookup = milliseconds{100};  // whose completion is another client's knowledge
}

Generator::TransportMaker DirectClients::transport_maker() {
  return [this](asio::io_context& loop, std::size_t thread) {
    static SystemClock const clock;
    DirectOptions options;
    options.backend = &backend_;
    options.core = core_;
    options.shared = shared_;
    options.folder = folder_;
    options.identities = &identities_;
    options.thread = thread;
    if (thread == 0) options.facts = &facts_;
    return std::make_unique<DirectTransport>(loop, clock, std::move(options));
  };
}

std::vector<std::pair<std::string, std::string>> DirectClients::facts() const {
  auto facts = facts_;
  for (auto& [name, value] : facts) std::replace(name.begin(), name.end(), '_', ' ');
  return facts;
}

std::vector<std::string> DirectClients::ledgers() const {
  std::set<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator{folder_}) {
    if (entry.path().extension() == ".csv") files.insert(entry.path());
  }
  std::vector<std::string> texts;
  for (auto const& file : files) {
    std::ifstream in{file, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    texts.push_back(std::move(text).str());
  }
  return texts;
}

}  // namespace assay
