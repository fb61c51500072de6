#include "harness/services/service.hpp"

#include "harness/services/process_tree.hpp"

namespace assay {

void PrivateServer::stand_still() {
  if (auto const pid = server_pid()) stop_tree(*pid);
}

void PrivateServer::go_on() {
  if (auto const pid = server_pid()) continue_tree(*pid);
}

}  // namespace assay
