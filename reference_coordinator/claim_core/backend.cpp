#include "reference_coordinator/claim_core/backend.hpp"

namespace assay {

std::string_view to_string(Capabilities::Durability durability) {
  switch (durability) {
    case Capabilities::Durability::none: return "none";
    case Capabilities::Durability::process: return "process";
    case Capabilities::Durability::disk: return "disk";
    case Capabilities::Durability::replicated: return "replicated";
  }
  return "unknown";
}

std::string_view to_string(Capabilities::Wake wake) {
  switch (wake) {
    case Capabilities::Wake::native: return "native";
    case Capabilities::Wake::notified: return "notified";
    case Capabilities::Wake::polled: return "polled";
  }
  return "unknown";
}

}  // namespace assay
