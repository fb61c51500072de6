// What a trial without `transport: http` has in the place of coordinator processes: the clients of the store that live
// with the generator's threads (simulated_runners/direct), their identities, and the folder of their ledgers. Made by
// the trial before the generator and outlives it.
#pragma once

#include "simulated_runners/direct/direct_transport.hpp"
#include "simulated_runners/generator.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace assay {

struct CoordinatorOptions;

class DirectClients {
 public:
  // Of `options` all that makes sense without a process. `transport`: direct or embedded. Throws Failure (bad_input)
  // when there is no such backend.
  DirectClients(CoordinatorOptions const& options, TransportKind transport);

  // Whether all there is has to be on one thread, because the backend serves one coordinator only.
  bool alone() const { return !backend_.capabilities.several_coordinators; }
  Generator::TransportMaker transport_maker();

  // What the store said of itself, after the generator's prepare().
  std::vector<std::pair<std::string, std::string>> facts() const;
  std::vector<std::string> ledgers() const;  // CSV, of each client; after the generator's close()

 private:
  Backend const& backend_;
  bool shared_;  // everybody on a thread shares one client
  std::filesystem::path folder_;
  Identities identities_;
  CoreOptions core_;
  StoreFacts facts_;
};

}  // namespace assay
